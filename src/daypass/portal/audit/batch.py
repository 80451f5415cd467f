"""One transaction of the group commit: the units of work of many callers, written in order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.base import Executable

from daypass.portal.audit.chain import Head, link, open_chain
from daypass.portal.audit.event import Event
from daypass.portal.audit.store import APPEND, read_heads
from daypass.portal.clock import Clock
from daypass.portal.errors import PortalError
from daypass.portal.storage.advisory_lock import lock_exclusive, lock_shared
from daypass.portal.storage.prepared import Prepared, run

Check = Callable[[Connection], PortalError | None]
_Writes = dict[Executable | Prepared, list[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class RowChange:
    """A change of one row that is committed together with an event.

    Changes with the same `statement` object are sent to the database together.
    """

    statement: Executable | Prepared
    parameters: Mapping[str, Any]

    def apply(self, connection: Connection) -> None:
        """Apply the change in the caller's own transaction."""
        run(connection, self.statement, [self.parameters])


Record = tuple[Event | None, Sequence[RowChange]]
"""An event and the row changes that belong to it; the event is None for changes that are not audited."""


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """Records that are committed together, provided that `precondition` holds.

    `is_change` marks an administrative change, which takes the advisory lock exclusively.
    """

    records: Sequence[Record]
    precondition: Check | None
    is_change: bool


def write_units(
    connection: Connection, units: Sequence[UnitOfWork], head: Head | None, clock: Clock
) -> tuple[Head | None, Sequence[PortalError | None]]:
    """Write *units* after *head*; return the new head, and for each unit the refusal of its precondition.

    Nothing of a refused unit is written. If *head* is None, the first event opens a new chain.
    """
    # The advisory lock comes before any row lock: waiting for it with rows locked could deadlock.
    if any(unit.is_change for unit in units):
        lock_exclusive(connection)
    elif any(unit.precondition is not None for unit in units):
        lock_shared(connection)
    rows: list[dict[str, object]] = []
    pending: _Writes = {}
    refusals: list[PortalError | None] = []
    for unit in units:
        refusal = None
        if unit.precondition is not None:
            # The precondition must see the changes of the units before it in this transaction.
            pending = _apply(connection, pending)
            refusal = unit.precondition(connection)
        refusals.append(refusal)
        if refusal is not None:
            continue
        for event, writes in unit.records:
            if event is not None:
                if head is None:
                    head, row = open_chain(read_heads(connection), clock())
                    rows.append(row)
                head, row = link(head, event, clock())
                rows.append(row)
            _gather(pending, writes)
    _apply(connection, pending)
    if rows:
        APPEND.run(connection, rows)
    return head, refusals


def _gather(pending: _Writes, writes: Sequence[RowChange]) -> None:
    for write in writes:
        pending.setdefault(write.statement, []).append(write.parameters)


def _apply(connection: Connection, pending: _Writes) -> _Writes:
    for statement, parameters in pending.items():
        run(connection, statement, parameters)
    return {}
