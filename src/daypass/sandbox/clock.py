"""The sandbox's clock: the machine's time plus an offset that only the control API changes."""

from datetime import UTC, datetime, timedelta


class SandboxClock:
    """A clock with an adjustable offset, in aware UTC.

    Sessions start and expire by this clock. Signatures are checked against the machine's clock, because
    clients sign with the time of their machine.
    """

    def __init__(self) -> None:
        self._offset = timedelta()

    @property
    def offset(self) -> timedelta:
        """The difference between the sandbox's time and the machine's."""
        return self._offset

    def move(self, by: timedelta) -> None:
        """Move the clock by *by*, which may be negative, for all clients at once."""
        self._offset += by

    def now(self) -> datetime:
        """Return the sandbox's current time."""
        return datetime.now(UTC) + self._offset  # noqa: TID251  the only place of the sandbox that reads the time

    def timestamp(self) -> float:
        """Return the current time in seconds since 1970."""
        return self.now().timestamp()
