"""Rehearsals: units of work that are tried and rolled back."""

from contextlib import suppress

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event
from daypass.portal.clock import Clock
from daypass.portal.storage.engine import Database
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork, write_units


class Rehearsal(Committer):
    """A committer that writes nothing.

    A service that gets it decides as it would, with the same refusals, and the events that it would have
    recorded are kept. Each unit of work is tried by itself, so it does not see the changes of earlier ones.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self._database = database
        self.events: list[Event] = []

    def commit_unit(self, unit: UnitOfWork[Event]) -> None:
        """Raise the refusal of *unit*, or keep its events; its rows are rolled back."""
        refusal = None
        with suppress(_RolledBackError), self._database.writing() as connection:
            (refusal,) = write_units(connection, [unit], [])
            raise _RolledBackError
        if refusal is not None:
            raise refusal
        self.events.extend(unit.records)

    def commit_rate_limited(self, event: Event, *changes: RowChange) -> None:
        """Drop a refusal, which no user met."""


class _RolledBackError(Exception):
    """The end of a transaction that must not be committed."""
