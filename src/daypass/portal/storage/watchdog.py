"""Client-side deadlines for PostgreSQL, so that no thread waits for a server that has stopped answering.

Statement and lock timeouts are enforced by the backend, and TCP keep-alives are answered by the kernel. None
of them fires if the backend is stopped or a proxy drops the traffic.
"""

from collections.abc import Callable, Generator
from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection as PsycopgConnection
from psycopg import OperationalError
from psycopg.abc import PQGen
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from daypass.portal.storage.timeouts import UNLIMITED, Allowance

R = TypeVar("R")


class WatchedConnection(PsycopgConnection[Any]):
    """A psycopg connection that closes itself if the server does not answer within its allowance.

    SQLAlchemy treats a closed connection as disconnected and never reuses it. It is then unknown whether the
    last statement has taken effect.
    """

    idle = UNLIMITED
    """The allowance of a connection in the pool, for the pre-ping and for a rollback."""
    allowance = UNLIMITED

    # psycopg runs every exchange with the server through this method and resumes its generator ten times a
    # second, so a generator that checks the time at each step needs no extra thread.
    def wait(self, gen: PQGen[R], *args: Any, **kwargs: Any) -> R:  # noqa: ANN401  psycopg's own parameters
        """Complete an exchange with the server, or close the connection and raise `OperationalError`."""
        now, allowance = monotonic(), self.allowance
        deadline = min(allowance.ends_at, now + allowance.per_wait)
        if now >= deadline:
            raise self._overdue()
        return super().wait(self._until(deadline, gen), *args, **kwargs)

    def rollback(self) -> None:
        """Roll back with the idle allowance, so that the connection stays usable for the next borrower."""
        self.allowance = self.idle
        super().rollback()

    def _until(self, deadline: float, gen: PQGen[R]) -> Generator[Any, Any, R]:
        try:
            state = next(gen)
            while True:
                ready = yield state
                if monotonic() >= deadline:
                    raise self._overdue()
                state = gen.send(ready)
        except StopIteration as done:
            result: R = done.value
            return result

    def _overdue(self) -> OperationalError:
        self.close()
        return OperationalError("The server did not answer in time.")


def opener(resting: Allowance) -> Callable[..., WatchedConnection]:
    """Return a function that opens a connection with the allowance *resting* until it is borrowed."""

    def connect(*arguments: Any, **options: Any) -> WatchedConnection:  # noqa: ANN401  psycopg's own parameters
        connection = WatchedConnection.connect(*arguments, **options)
        connection.idle = connection.allowance = resting
        return connection

    return connect


def watch(engine: Engine, resting: Allowance) -> None:
    """Reset each connection of *engine* to the allowance *resting* when it is returned to the pool."""

    # The event fires before another thread can borrow the connection.
    def rest(connection: WatchedConnection | None, _entry: ConnectionPoolEntry) -> None:
        if connection is not None:
            connection.allowance = resting

    event.listen(engine, "checkin", rest)
