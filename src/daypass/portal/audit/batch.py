"""The writes of one transaction of the group commit: the units of work of many callers, in their order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.base import Executable

from daypass.portal.audit.chain import Event, Head, link, open_chain
from daypass.portal.audit.store import APPEND, read_heads
from daypass.portal.clock import Clock
from daypass.portal.errors import PortalError
from daypass.portal.storage.advisory_lock import lock_exclusive, lock_shared
from daypass.portal.storage.prepared import Prepared, run

Check = Callable[[Connection], PortalError | None]
_Writes = dict[Executable | Prepared, list[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row's change that belongs to an event.

    `statement` is one object for all its uses, so that the rows of many requests go out together.
    """

    statement: Executable | Prepared
    parameters: Mapping[str, Any]

    def apply(self, connection: Connection) -> None:
        """Change the row, in a transaction of the caller's own."""
        run(connection, self.statement, [self.parameters])


Record = tuple[Event | None, Sequence[RowChange]]
"""An event, and the rows that belong to it; None for rows without an event."""


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """Records that become durable together, unless the check refuses them."""

    records: Sequence[Record]
    precondition: Check | None
    is_change: bool


def write_units(
    connection: Connection, units: Sequence[UnitOfWork], head: Head | None, clock: Clock
) -> tuple[Head | None, Sequence[PortalError | None]]:
    """Write *units* behind *head*; return the new head, and for each unit the refusal of its check.

    Nothing of a refused unit is written. Without a head, the first event opens a new chain.
    """
    # Before any row is locked: a transaction that waited for its turn with locks held could deadlock.
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
            # A check sees everything before it, including the units that share its transaction.
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
