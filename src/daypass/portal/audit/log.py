"""The audit log as a participant of the group commit: the events of each transaction extend a chain."""

from collections.abc import Sequence

from sqlalchemy import Connection

from daypass.portal.audit.chain import Head, link, open_chain
from daypass.portal.audit.event import Event
from daypass.portal.audit.store import APPEND, read_heads
from daypass.portal.clock import Clock


class AuditLog:
    """An append-only, hash-chained log; each instance writes a chain of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # The last durable event of the chain, and the last one of the current transaction.
        self._head: Head | None = None
        self._next: Head | None = None

    def write(self, connection: Connection, records: Sequence[Event]) -> None:
        """Append the events to the chain; the first event after a fault opens a new one."""
        head = self._head
        rows: list[dict[str, object]] = []
        for event in records:
            if head is None:
                head, row = open_chain(read_heads(connection), self._clock())
                rows.append(row)
            head, row = link(head, event, self._clock())
            rows.append(row)
        APPEND.run(connection, rows)
        self._next = head

    def end(self, *, is_committed: bool) -> None:
        """Keep the head of the chain, or forget it: after a fault the last durable event may be unknown."""
        self._head = self._next = self._next if is_committed else None
