"""Fixtures: an issuer with a real database, a real audit log and a fake broker."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from daypass.portal.access.issue import Issuer
from daypass.portal.access.level_policies import FindVerified, none_verified
from daypass.portal.access.model import Caller, Channel, IssuedSession, SessionRequest
from daypass.portal.audit.committer import Committer
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId
from daypass.portal.identity.scopes import Scope
from daypass.portal.identity.store.tokens import row_of_token
from daypass.portal.permission_sets.model import BUILT_IN
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import SYSTEM
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.access import issuances, role_facts
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.storage.schema.tenants import memberships, tenants
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.tenants.store import add_member, add_tenant
from tests.fakes import NOON, FakeBroker, FakeClock, accounts_of, brokers_of
from tests.settings import store_setting

MASTER = "arn:aws:iam::123456789012:role/duplomaster"

DEV = Tenant.with_role(
    TenantId("00000000-0000-0000-0000-00000000de01"),
    "dev01",
    "eu-west-1",
    "arn:aws:iam::123456789012:role/duploservices-dev01",
    "dev01-external",
)
PROD = Tenant.with_role(
    TenantId("00000000-0000-0000-0000-0000000ad001"),
    "prod01",
    "us-west-2",
    "arn:aws:iam::123456789012:role/duploservices-prod01",
    None,
)
DATA = Tenant.with_role(
    TenantId("00000000-0000-0000-0000-0000000da001"),
    "data01",
    "us-west-2",
    "arn:aws:iam::123456789012:role/duploservices-data01",
    None,
)

DANA = User(UserId("da" * 16), "dana@example.com", Role.USER)
ADMIN = User(UserId("ad" * 16), "admin@example.com", Role.ADMINISTRATOR)


def token_of(user: User, grant_ends_at: datetime | None = None) -> ApiToken:
    kind = TokenKind.PERMANENT if grant_ends_at is None else TokenKind.TEMPORARY
    id_ = TokenId(f"{user.username[:4]}-{kind}")
    return ApiToken(id_, kind, "test", user.id, NOON, NOON + timedelta(days=365), grant_ends_at)


def seed(database: Database) -> None:
    """Insert three tenants, Dana (full access to dev01, read-only to prod01), and an administrator."""
    tokens = [token_of(user, grant) for user in (DANA, ADMIN) for grant in (None, NOON + timedelta(hours=12))]
    with database.writing() as connection:
        connection.execute(insert(users), [{**asdict(user), "created_at": NOON} for user in (DANA, ADMIN)])
        connection.execute(insert(api_tokens), [row_of_token(token, token.id.encode()) for token in tokens])
        for tenant in (DEV, PROD, DATA):
            add_tenant(tenant, at=NOON).apply(connection)
        connection.execute(
            insert(memberships),
            [
                {"user_id": DANA.id, "tenant_id": tenant.id, "is_read_only": is_read_only, "created_at": NOON}
                for tenant, is_read_only in ((DEV, False), (PROD, True))
            ],
        )


@dataclass(slots=True)
class Rig:
    """An issuer with its dependencies, and methods that change the database and inspect it."""

    database: Database
    committer: Committer
    broker: FakeBroker
    clock: FakeClock
    issuer: Issuer = field(init=False)

    def __post_init__(self) -> None:
        self.issuer = self.issuer_with(self.committer)

    def issuer_with(
        self,
        committer: Committer,
        *,
        is_attribution_required: bool = False,
        find_verified: FindVerified = none_verified,
    ) -> Issuer:
        """Return an issuer that differs in the audit log and these properties only."""
        return Issuer(
            self.database,
            committer,
            accounts_of(self.broker),
            brokers_of(self.broker),
            self.clock,
            is_attribution_required,
            find_verified=find_verified,
        )

    def issue(
        self,
        user: User,
        ask: SessionRequest | str,
        *,
        channel: Channel = Channel.API,
        token: ApiToken | None = None,
    ) -> IssuedSession:
        """Issue a session to *user*; a string as *ask* is the name of a tenant."""
        request = SessionRequest(Scope.of_tenant(ask)) if isinstance(ask, str) else ask
        return self.issuer.issue(caller(user, channel=channel, token=token), request)

    def set(self, setting: Setting[Any], value: str, tenant: Tenant | None = None) -> None:
        """Store a setting for the system or a tenant."""
        with self.database.writing() as connection:
            owner = tenant.id if tenant else SYSTEM
            store_setting(connection, owner, setting.type, setting.key, value, by=ADMIN.id, now=NOON)

    def rows(self) -> list[Mapping[str, Any]]:
        """Return the rows of all issuances, oldest first."""
        with self.database.reading() as connection:
            return [*connection.execute(select(issuances).order_by(issuances.c.asked_at)).mappings()]

    def states(self) -> list[str]:
        """Return the state of each issuance, oldest first."""
        return [row["state"] for row in self.rows()]

    def outcomes(self) -> list[str]:
        """Return the outcome of each audit event about issuing, in order."""
        with self.database.reading() as connection:
            return list(
                connection.scalars(
                    select(audit_events.c.outcome)
                    .where(audit_events.c.action == "session.issue")
                    .order_by(audit_events.c.position)
                )
            )

    def facts(self) -> list[Mapping[str, Any]]:
        """Return the cached facts about roles."""
        with self.database.reading() as connection:
            return [*connection.execute(select(role_facts)).mappings()]

    def disable(self, user: User) -> None:
        """Disable a user."""
        with self.database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(disabled_at=NOON))

    def revoke(self, token: ApiToken) -> None:
        """Revoke a token."""
        with self.database.writing() as connection:
            connection.execute(update(api_tokens).where(api_tokens.c.id == token.id).values(revoked_at=NOON))

    def remove_member(self, user: User, tenant: Tenant) -> None:
        """Remove a membership."""
        with self.database.writing() as connection:
            connection.execute(
                delete(memberships).where(
                    memberships.c.user_id == user.id, memberships.c.tenant_id == tenant.id
                )
            )

    def make_read_only(self, user: User, tenant: Tenant) -> None:
        """Restrict a membership to read-only access."""
        with self.database.writing() as connection:
            connection.execute(
                update(memberships)
                .where(memberships.c.user_id == user.id, memberships.c.tenant_id == tenant.id)
                .values(is_read_only=True)
            )

    def change_role(self, tenant: Tenant, role_arn: str) -> None:
        """Change the role of a tenant."""
        with self.database.writing() as connection:
            connection.execute(update(tenants).where(tenants.c.id == tenant.id).values(role_arn=role_arn))

    def demote(self, user: User) -> None:
        """Change an administrator's role to user."""
        self._set_role(user, Role.USER)

    def promote(self, user: User) -> None:
        """Make a user an administrator."""
        self._set_role(user, Role.ADMINISTRATOR)

    def _set_role(self, user: User, role: Role) -> None:
        with self.database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(role=role))

    def add_member(self, user: User, tenant: Tenant, access: Access) -> None:
        """Make a user a member of a tenant."""
        with self.database.writing() as connection:
            add_member(tenant.id, user.id, BUILT_IN[access], at=NOON).apply(connection)


def caller(user: User, *, channel: Channel = Channel.API, token: ApiToken | None = None) -> Caller:
    return Caller(user, token or token_of(user), channel, "192.0.2.7", "request-1")


def build(database: Database) -> Iterator[Rig]:
    """Yield a rig on a seeded database, at noon."""
    seed(database)
    clock = FakeClock()
    committer = Committer(database, clock)
    yield Rig(database, committer, FakeBroker(clock), clock)
    committer.close()


@pytest.fixture
def rig(database: Database) -> Iterator[Rig]:
    """A rig on each kind of database in turn."""
    yield from build(database)
