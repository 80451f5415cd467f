"""Fixtures: the services of administration on a real database, and their callers."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from daypass.portal.access.model import Caller, Channel
from daypass.portal.accounts.model import Account
from daypass.portal.admin import administration as all_of
from daypass.portal.admin.groups.members import GroupMembers
from daypass.portal.admin.groups.memberships import GroupMemberships
from daypass.portal.admin.groups.service import Groups
from daypass.portal.admin.imports.service import Imports
from daypass.portal.admin.permission_sets.service import PermissionSets
from daypass.portal.admin.provisioning.service import Provisioning
from daypass.portal.admin.reporting.overview import Overviews
from daypass.portal.admin.reporting.reports import Reports
from daypass.portal.admin.reporting.verification import Verification
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.admin.settings.service import Settings
from daypass.portal.admin.tenants.metadata import TenantMetadata
from daypass.portal.admin.tenants.role_naming import RoleNaming
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.admin.users.external_identities import ExternalIdentities
from daypass.portal.admin.users.memberships import Memberships
from daypass.portal.admin.users.recovery import RecoveryLinks
from daypass.portal.admin.users.service import Users
from daypass.portal.admin.users.tokens import Tokens
from daypass.portal.admin.workloads.service import WorkloadRules
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, TokenKind, User
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.unit_of_work import UnitOfWork
from tests.fakes import FakeClock, nothing_happens

ACCOUNT = "123456789012"
RULES = RoleNaming(Account.known("aws", ACCOUNT, "duploservices-", "DaypassMaster"))
REGION = "eu-central-1"


@dataclass(frozen=True, slots=True)
class Administration:
    """The services of administration with what the tests need beside them."""

    database: Database
    clock: FakeClock
    identity: Identity
    users: Users
    recovery_links: RecoveryLinks
    members: Memberships
    groups: Groups
    group_members: GroupMembers
    group_memberships: GroupMemberships
    permission_sets: PermissionSets
    workload_rules: WorkloadRules
    tenants: Tenants
    settings: Settings
    metadata: TenantMetadata
    tokens: Tokens
    identities: ExternalIdentities
    provisioning: Provisioning
    imports: Imports
    records: Reports
    overviews: Overviews
    role_reconciler: RoleReconciler | None
    verification: Verification

    def token(self, user: User, kind: TokenKind) -> Secret:
        """Create a token for a user."""
        grant = None if kind is TokenKind.PERMANENT else self.clock() + timedelta(hours=12)
        secret, _ = self.identity.create_token(user, kind, "test", OPERATOR, grant_ends_at=grant)
        return secret

    def caller(self, username: str, kind: TokenKind = TokenKind.PERMANENT) -> Caller:
        """Return a caller of the API with a new token of that kind."""
        secret = self.token(self.users.find(username).user, kind)
        token, user = self.identity.authenticate(secret.reveal(), accepts={kind})
        return Caller(user, token, Channel.API, "192.0.2.1", "request")

    def events(self, action: str) -> list[tuple[str, str, str, Mapping[str, Any]]]:
        """Return the audit events of an action as (actor, subject, outcome, detail), oldest first."""
        c = audit_events.c
        query = select(c.actor, c.subject, c.outcome, c.detail).where(c.action == action).order_by(c.position)
        with self.database.reading() as connection:
            return [
                (actor, subject, outcome, json.loads(detail))
                for actor, subject, outcome, detail in connection.execute(query)
            ]


class SlowCommitter(Committer):
    """The real units of work with a hook before the next commit."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        super().__init__(database, clock)
        self.before_next: Callable[[], object] = nothing_happens

    def commit_unit(self, unit: UnitOfWork[Event]) -> None:
        """Run the hook, then commit."""
        act, self.before_next = self.before_next, nothing_happens
        act()
        super().commit_unit(unit)


def open_administration(database: Database, committer: Committer, clock: FakeClock) -> Administration:
    identity = Identity(database, committer, clock)
    parts = all_of.administration(identity, RULES)
    return Administration(
        database=database,
        clock=clock,
        identity=identity,
        **{part.name: getattr(parts, part.name) for part in fields(parts)},
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def committer(database: Database, clock: FakeClock) -> Iterator[Committer]:
    opened = Committer(database, clock)
    yield opened
    opened.close()


@pytest.fixture
def slow(database: Database, clock: FakeClock) -> Iterator[SlowCommitter]:
    committer = SlowCommitter(database, clock)
    yield committer
    committer.close()


@pytest.fixture
def administration(database: Database, committer: Committer, clock: FakeClock) -> Administration:
    """Administration with two Administrators, a user and a tenant."""
    opened = open_administration(database, committer, clock)
    opened.users.create("alice@example.com", Role.ADMINISTRATOR, None, OPERATOR)
    opened.users.create("amir@example.com", Role.ADMINISTRATOR, None, OPERATOR)
    opened.users.create("dana@example.com", Role.USER, None, OPERATOR)
    opened.tenants.create("dev01", REGION, OPERATOR)
    return opened


@pytest.fixture
def alice(administration: Administration) -> Caller:
    return administration.caller("alice@example.com")


@pytest.fixture
def dana(administration: Administration) -> Caller:
    return administration.caller("dana@example.com")
