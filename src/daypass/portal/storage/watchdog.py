"""Client-side deadlines for PostgreSQL: no thread waits for a server that has stopped answering.

Statement and lock timeouts are enforced by the backend, and TCP keep-alives are answered by its kernel. None
of them fires when the backend itself is stopped or a proxy swallows the traffic.
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
    """A psycopg connection that closes itself when the server does not answer within its allowance.

    SQLAlchemy recognizes a closed connection as disconnected, so it is never returned to the pool. Whether a
    statement that was sent has taken effect is then unknown.
    """

    idle = UNLIMITED
    """The allowance of a connection that is not borrowed: for the pool's ping and for a rollback."""
    allowance = UNLIMITED

    # psycopg passes every exchange with the server through here, so a generator that checks the time at each
    # step is enough: psycopg resumes it ten times a second, and the deadline needs no thread of its own.
    def wait(self, gen: PQGen[R], *args: Any, **kwargs: Any) -> R:  # noqa: ANN401  psycopg's own parameters
        """Complete an exchange with the server, or close the connection and raise `OperationalError`."""
        now, allowance = monotonic(), self.allowance
        deadline = min(allowance.ends_at, now + allowance.per_wait)
        if now >= deadline:
            raise self._overdue()
        return super().wait(self._until(deadline, gen), *args, **kwargs)

    def rollback(self) -> None:
        """Roll back, also where the allowance is spent: the connection may be good for the next borrower."""
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
    """Return a function that opens a connection, which has *resting* until it is borrowed."""

    def connect(*arguments: Any, **options: Any) -> WatchedConnection:  # noqa: ANN401  psycopg's own parameters
        connection = WatchedConnection.connect(*arguments, **options)
        connection.idle = connection.allowance = resting
        return connection

    return connect


def watch(engine: Engine, resting: Allowance) -> None:
    """Give each connection of *engine* that is returned to the pool the allowance *resting*."""

    # Fires before another thread can borrow the connection.
    def rest(connection: WatchedConnection | None, _entry: ConnectionPoolEntry) -> None:
        if connection is not None:
            connection.allowance = resting

    event.listen(engine, "checkin", rest)
