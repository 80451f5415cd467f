"""The real units of work, with a hook inside the transaction of each that has a precondition."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event
from daypass.portal.errors import PortalError
from daypass.portal.storage.engine import Database
from daypass.portal.storage.unit_of_work import UnitOfWork
from tests.fakes import NOON, nothing_happens


class WatchedCommitter(Committer):
    """The real units of work with a hook between a precondition and its commit."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, lambda: NOON)
        self.meanwhile: Callable[[], None] = nothing_happens

    def commit_unit(self, unit: UnitOfWork[Event]) -> None:
        """Commit, and run the hook."""

        def check(connection: Connection) -> PortalError | None:
            assert unit.precondition is not None
            refusal = unit.precondition(connection)
            self.meanwhile()
            return refusal

        super().commit_unit(unit if unit.precondition is None else replace(unit, precondition=check))
