"""An issuer on a real database and a real audit log, with a broker that is told what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import Ask, Caller, Channel, Issuance, TenantScope
from daypass.portal.audit.log import AuditLog
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId
from daypass.portal.settings.registry import Setting
from daypass.portal.settings.store import SYSTEM, SettingStore
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema import (
    api_tokens,
    audit_events,
    issuances,
    memberships,
    role_facts,
    tenants,
    users,
)
from daypass.portal.tenants.model import Tenant, TenantId
from tests.fakes import NOON, FakeBroker, FakeClock

MASTER = "arn:aws:iam::123456789012:role/duplomaster"

DEV = Tenant(
    TenantId("00000000-0000-0000-0000-00000000de01"),
    "dev01",
    "eu-west-1",
    "arn:aws:iam::123456789012:role/duploservices-dev01",
    "dev01-external",
)
PROD = Tenant(
    TenantId("00000000-0000-0000-0000-0000000ad001"),
    "prod01",
    "us-west-2",
    "arn:aws:iam::123456789012:role/duploservices-prod01",
    None,
)
DATA = Tenant(
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
    """Dana is a member of dev01 and reads prod01; the administrator is a member of nothing."""
    tokens = [token_of(user, grant) for user in (DANA, ADMIN) for grant in (None, NOON + timedelta(hours=12))]
    with database.writing() as connection:
        connection.execute(insert(users), [{**asdict(user), "created_at": NOON} for user in (DANA, ADMIN)])
        connection.execute(
            insert(api_tokens), [{**asdict(token), "digest": token.id.encode()} for token in tokens]
        )
        connection.execute(
            insert(tenants), [{**asdict(tenant), "created_at": NOON} for tenant in (DEV, PROD, DATA)]
        )
        connection.execute(
            insert(memberships),
            [
                {"user_id": DANA.id, "tenant_id": tenant.id, "is_read_only": is_read_only, "created_at": NOON}
                for tenant, is_read_only in ((DEV, False), (PROD, True))
            ],
        )


@dataclass(slots=True)
class Rig:
    """The issuer, all around it, and what to do to it."""

    database: Database
    audit: AuditLog
    broker: FakeBroker
    clock: FakeClock
    issuer: Issuer = field(init=False)

    def __post_init__(self) -> None:
        self.issuer = self.issuer_with(self.audit)

    def issuer_with(self, audit: AuditLog, *, is_attribution_required: bool = False) -> Issuer:
        """An issuer that is otherwise the same."""
        return Issuer(
            self.database,
            audit,
            self.broker,
            self.clock,
            lambda: MASTER,
            "us-west-2",
            is_attribution_required,
        )

    def issue(
        self, user: User, ask: Ask | str, *, door: Channel = Channel.API, token: ApiToken | None = None
    ) -> Issuance:
        """Ask as *user*; a text is the name of a tenant."""
        asked = Ask(TenantScope(ask)) if isinstance(ask, str) else ask
        return self.issuer.issue(caller(user, door=door, token=token), asked)

    def set(self, setting: Setting, value: str, tenant: Tenant | None = None) -> None:
        """Write a setting."""
        with self.database.writing() as connection:
            owner = tenant.id if tenant else SYSTEM
            SettingStore(connection).put(owner, setting.type, setting.key, value, by=ADMIN.id, now=NOON)

    def rows(self) -> list[Mapping[str, Any]]:
        """The issuances on record, in the order of their asking."""
        with self.database.reading() as connection:
            return [*connection.execute(select(issuances).order_by(issuances.c.asked_at)).mappings()]

    def states(self) -> list[str]:
        """What became of each attempt."""
        return [row["state"] for row in self.rows()]

    def outcomes(self) -> list[str]:
        """The outcome of each audit event about a session."""
        with self.database.reading() as connection:
            return list(
                connection.scalars(
                    select(audit_events.c.outcome)
                    .where(audit_events.c.action == "session.issue")
                    .order_by(audit_events.c.position)
                )
            )

    def facts(self) -> list[Mapping[str, Any]]:
        """What is remembered of roles."""
        with self.database.reading() as connection:
            return [*connection.execute(select(role_facts)).mappings()]

    def disable(self, user: User) -> None:
        """End a user."""
        with self.database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(disabled_at=NOON))

    def revoke(self, token: ApiToken) -> None:
        """End a token."""
        with self.database.writing() as connection:
            connection.execute(update(api_tokens).where(api_tokens.c.id == token.id).values(revoked_at=NOON))

    def leave(self, user: User, tenant: Tenant) -> None:
        """End a membership."""
        with self.database.writing() as connection:
            connection.execute(
                delete(memberships).where(
                    memberships.c.user_id == user.id, memberships.c.tenant_id == tenant.id
                )
            )

    def narrow(self, user: User, tenant: Tenant) -> None:
        """Make a member a reader."""
        with self.database.writing() as connection:
            connection.execute(
                update(memberships)
                .where(memberships.c.user_id == user.id, memberships.c.tenant_id == tenant.id)
                .values(is_read_only=True)
            )

    def move(self, tenant: Tenant, role_arn: str) -> None:
        """Give a tenant another role."""
        with self.database.writing() as connection:
            connection.execute(update(tenants).where(tenants.c.id == tenant.id).values(role_arn=role_arn))

    def demote(self, user: User) -> None:
        """Make an administrator a user."""
        with self.database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(role=Role.USER))


def caller(user: User, *, door: Channel = Channel.API, token: ApiToken | None = None) -> Caller:
    return Caller(user, token or token_of(user), door, "192.0.2.7", "request-1")


def build(database: Database) -> Iterator[Rig]:
    """A fresh world at noon."""
    seed(database)
    clock = FakeClock()
    audit = AuditLog(database, clock)
    yield Rig(database, audit, FakeBroker(clock), clock)
    audit.close()


@pytest.fixture
def rig(database: Database) -> Iterator[Rig]:
    """A fresh world, on each kind of database in turn."""
    yield from build(database)
