"""Fixtures for the inventory: a real database, a real audit log, and a scripted AWS."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from daypass.portal.accounts.model import DEFAULT
from daypass.portal.accounts.registry import PerAccount
from daypass.portal.audit.committer import Committer
from daypass.portal.identity.model import User
from daypass.portal.inventory.model import Listing
from daypass.portal.inventory.service import Inventory
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import FakeBroker, FakeClock, FakeFinder, accounts_of, brokers_of
from tests.portal.access.conftest import Rig, build, caller
from tests.portal.inventory.resources import KINDS


@dataclass(slots=True)
class InventoryRig:
    """The inventory with its collaborators."""

    rig: Rig
    source: FakeFinder = field(default_factory=FakeFinder)
    inventory: Inventory = field(init=False)

    def __post_init__(self) -> None:
        self.inventory = self.inventory_with(self.rig.committer)

    def inventory_with(self, committer: Committer) -> Inventory:
        """Return the same inventory with another audit log."""
        rig = self.rig
        return Inventory(
            rig.database,
            committer,
            accounts_of(rig.broker),
            brokers_of(rig.broker),
            PerAccount({DEFAULT: self.source}),
            KINDS,
            rig.clock,
        )

    @property
    def broker(self) -> FakeBroker:
        return self.rig.broker

    @property
    def clock(self) -> FakeClock:
        return self.rig.clock

    def listing(self, user: User, reference: str, *, is_fresh: bool = False) -> Listing:
        """Return the resources that *user* sees in a tenant."""
        return self.inventory.listing(caller(user), reference, is_fresh=is_fresh)

    def events(self) -> list[Mapping[str, Any]]:
        """Return the audit events of the inventory."""
        with self.rig.database.reading() as connection:
            query = select(audit_events).where(audit_events.c.action == "inventory")
            return [*connection.execute(query.order_by(audit_events.c.position)).mappings()]


@pytest.fixture
def shown(sqlite_url: str) -> Iterator[InventoryRig]:
    """A new inventory on SQLite."""
    database = Database(sqlite_url)
    for rig in build(database):
        yield InventoryRig(rig)
    database.close()


@pytest.fixture
def shown_anywhere(database: Database) -> Iterator[InventoryRig]:
    """A new inventory on each kind of database in turn."""
    for rig in build(database):
        yield InventoryRig(rig)
