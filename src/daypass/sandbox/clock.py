"""The sandbox's own time: the machine's, plus an offset that only the control door moves."""

from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Answers the sandbox's present moment, aware and in UTC.

    Sessions begin and end by this clock. Signatures do not: they carry the time of the client's
    machine, which nobody can move, so they are judged by the machine's own clock.
    """

    def __init__(self) -> None:
        self._offset = timedelta()

    @property
    def offset(self) -> timedelta:
        """How far the sandbox is ahead of the machine."""
        return self._offset

    def move(self, by: timedelta) -> None:
        """Move on (or back) by *by*, at once and for everyone."""
        self._offset += by

    def now(self) -> datetime:
        """The sandbox's present moment."""
        return datetime.now(UTC) + self._offset  # noqa: TID251  the sandbox's one reading of the time

    def timestamp(self) -> float:
        """The same moment in seconds since 1970."""
        return self.now().timestamp()
