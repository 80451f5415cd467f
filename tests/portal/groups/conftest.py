"""Fixtures: the synchronisation of groups on a real database."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from daypass.portal.audit.committer import Committer
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.groups.synchronisation import GroupSynchronisation
from daypass.portal.identity.model import Role, User, UserId
from daypass.portal.identity.store.users import UserStore, add_user
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.groups import group_members, groups
from tests.fakes import NOON, FakeClock

BOB = User(UserId("b0" * 16), "bob@example.com", Role.USER)
ROOT = User(UserId("ad" * 16), "root@example.com", Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class World:
    """A database with a user, a local Administrator and the synchronisation."""

    database: Database
    committer: Committer
    clock: FakeClock
    synchronisation: GroupSynchronisation

    def sign_in(self, provider: ProviderConfig, user: User = BOB, **claims: object) -> None:
        """Commit what a sign-in with these claims changes."""
        unit = self.synchronisation.changes_of_sign_in(user, provider, claims, "request-1")
        self.committer.commit_unit(unit)

    def groups_of(self, user: User = BOB) -> list[str]:
        """Return the names of the user's groups, sorted."""
        query = select(groups.c.name).join(group_members, group_members.c.group_id == groups.c.id)
        with self.database.reading() as connection:
            names = connection.scalars(query.where(group_members.c.user_id == user.id))
            return sorted(names)

    def role(self, user: User = BOB) -> Role | None:
        """Return the role that applies to the user."""
        with self.database.reading() as connection:
            found = UserStore(connection).find(user.username)
        return None if found is None else found.role

    def events(self) -> list[tuple[str, str, str, Mapping[str, Any]]]:
        """Return the audit events about groups as (action, subject, outcome, detail), oldest first."""
        c = audit_events.c
        query = select(c.action, c.subject, c.outcome, c.detail).where(c.action.startswith("group"))
        with self.database.reading() as connection:
            return [
                (action, subject, outcome, json.loads(detail))
                for action, subject, outcome, detail in connection.execute(query.order_by(c.position))
            ]


def build(database: Database) -> Iterator[World]:
    """Yield a world on an empty database, at noon."""
    clock = FakeClock()
    committer = Committer(database, clock)
    with database.writing() as connection:
        add_user(BOB, None, at=NOON).apply(connection)
        add_user(ROOT, "a hash", at=NOON).apply(connection)
    yield World(database, committer, clock, GroupSynchronisation(database, committer, clock))
    committer.close()


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """A world on each kind of database in turn."""
    yield from build(database)
