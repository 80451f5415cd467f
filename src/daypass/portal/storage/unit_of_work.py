"""Units of work: row changes that are committed together, if their precondition holds.

Several units are written in one transaction, in the order in which they came. Participants write the other
rows of that transaction, such as the audit events of the changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.sql.base import Executable

from daypass.portal.errors import PortalError
from daypass.portal.storage.advisory_lock import lock_exclusive, lock_shared
from daypass.portal.storage.prepared import Prepared, run

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)

Precondition = Callable[[Connection], PortalError | None]
"""Returns the refusal of a unit of work, or None. It runs inside the unit's transaction.

It may write if it returns None. Before it returns a refusal it must not have written, because the transaction
goes on with other units and commits.
"""

_Pending = dict[Executable | Prepared, list[Mapping[str, Any]]]
"""The parameters of row changes that are not sent yet, by statement."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """A change of one row, made by a function of the store that has the statement.

    Changes with the same `statement` object are sent to the database together, so a store keeps one object
    for each statement and never builds it anew.
    """

    statement: Executable | Prepared
    parameters: Mapping[str, Any]

    def apply(self, connection: Connection) -> None:
        """Apply the change in the caller's own transaction."""
        run(connection, self.statement, [self.parameters])


@dataclass(frozen=True, slots=True)
class UnitOfWork(Generic[R]):
    """Row changes and records for the participants, committed together, provided that `precondition` holds.

    Row changes with the same statement are written together, at the place of the first of them.
    """

    changes: Sequence[RowChange]
    records: Sequence[R] = ()
    precondition: Precondition | None = None
    is_exclusive: bool = False
    """Whether no unit with a precondition, of any process, may commit while this one is written."""


class Participant(Protocol[R_contra]):
    """Writes the records of units in the same transaction; it is called by one thread at a time."""

    def write(self, connection: Connection, records: Sequence[R_contra]) -> None:
        """Write the records of all units that were not refused, in the order of the units."""

    def end(self, *, is_committed: bool) -> None:
        """Learn how the transaction ended. If it is unknown whether it committed, *is_committed* is False."""


def write_units(
    connection: Connection, units: Sequence[UnitOfWork[R]], participants: Sequence[Participant[R]]
) -> Sequence[PortalError | None]:
    """Write *units* in order; return the refusal of each, or None.

    The changes and records of a refused unit are not written. Writes of its precondition are not undone.
    """
    # The advisory lock comes before any row lock: waiting for it with rows locked could deadlock.
    if any(unit.is_exclusive for unit in units):
        lock_exclusive(connection)
    elif any(unit.precondition is not None for unit in units):
        lock_shared(connection)
    records: list[R] = []
    pending: _Pending = {}
    refusals: list[PortalError | None] = []
    for unit in units:
        refusal = None
        if unit.precondition is not None:
            # The precondition must see the changes of the units before it in this transaction.
            pending = _apply(connection, pending)
            refusal = unit.precondition(connection)
        refusals.append(refusal)
        if refusal is None:
            records.extend(unit.records)
            for change in unit.changes:
                pending.setdefault(change.statement, []).append(change.parameters)
    _apply(connection, pending)
    if records:
        for participant in participants:
            participant.write(connection, records)
    return refusals


def _apply(connection: Connection, pending: _Pending) -> _Pending:
    """Send the row changes, one call for each statement; return an empty collection for the next ones."""
    for statement, parameters in pending.items():
        run(connection, statement, parameters)
    return {}
