"""A complete portal on a real database, with a fake AWS, users and tokens."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

from daypass.portal.accounts.model import DEFAULT
from daypass.portal.accounts.registry import PerAccount
from daypass.portal.admin.roles.provisioner import IamRoles
from daypass.portal.app import Portal, assemble, page_templates
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.aws.fence.offered import tenant_services
from daypass.portal.aws.fence.resource_kinds import resource_kinds
from daypass.portal.aws_services import Aws
from daypass.portal.config.model import PortalConfig
from daypass.portal.config.reader import read_config
from daypass.portal.diagnostics.account_fence import FenceReader
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import ApiToken, Role, TokenKind, User
from daypass.portal.identity.providers.base import RedirectProvider
from daypass.portal.settings.registry import REGISTRY, Registry
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import SYSTEM
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fakes import (
    NOON,
    FakeBoundaries,
    FakeBroker,
    FakeClock,
    FakeDoctor,
    FakeFinder,
    accounts_of,
    brokers_of,
)
from tests.portal.http.client import PEER, Client
from tests.settings import store_setting

PUBLIC_URL = "https://portal.example.com"
ACCOUNT = "123456789012"
METRICS_TOKEN = "scraper-canary-0123456789"


def _tenant(name: str, id_: str, region: str) -> Tenant:
    return Tenant.with_role(
        TenantId(id_), name, region, f"arn:aws:iam::{ACCOUNT}:role/duploservices-{name}", f"{name}-x"
    )


DEV = _tenant("dev01", "00000000-0000-0000-0000-00000000de01", "eu-west-1")
PROD = _tenant("prod01", "00000000-0000-0000-0000-0000000ad001", "us-west-2")
DATA = _tenant("data01", "00000000-0000-0000-0000-0000000da001", "us-west-2")

DANA, NOOR, ADMIN = "dana@example.com", "noor@example.com", "admin@example.com"


@dataclass(slots=True)
class World:
    """A portal with its dependencies, its users and a token for each of them."""

    portal: Portal
    database: Database
    broker: FakeBroker
    source: FakeFinder
    doctor: FakeDoctor
    boundaries: FakeBoundaries
    clock: FakeClock
    committer: Committer
    identity: Identity
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, peer: str = PEER) -> Client:
        """Return an HTTP client with the address *peer*."""
        return Client(self.portal.app, peer)

    def token(
        self,
        username: str,
        kind: TokenKind = TokenKind.PERMANENT,
        **more: Any,  # noqa: ANN401  see `create_token`
    ) -> tuple[str, ApiToken]:
        """Create another token of a user."""
        if kind is TokenKind.TEMPORARY:
            more = {"grant_ends_at": self.clock() + timedelta(hours=12)} | more
        secret, token = self.identity.create_token(self.users[username], kind, "another", OPERATOR, **more)
        return secret.reveal(), token

    def set(self, setting: Setting[Any], value: str, tenant: Tenant | None = None) -> None:
        """Write a setting."""
        with self.database.writing() as connection:
            owner = tenant.id if tenant else SYSTEM
            store_setting(connection, owner, setting.type, setting.key, value, by="x", now=self.clock())


# Cached, because compiling the templates takes most of the time to build a portal.
_templates = cache(page_templates)
_tenant_services = cache(tenant_services)
_resource_kinds = cache(resource_kinds)

# The portal's own limits would fail a test on a busy machine. A test of a limit sets a short one.
_PATIENCE = timedelta(seconds=60)


@contextmanager
def world(
    url: str,
    patience: timedelta = _PATIENCE,
    roles: IamRoles | None = None,
    registry: Registry = REGISTRY,
    redirect_providers: Callable[[Database], Sequence[RedirectProvider]] = lambda _database: (),
    fences: FenceReader | None = None,
    **changed: object,
) -> Iterator[World]:
    """Yield a portal on the migrated database at *url*; *changed* overrides its configuration."""
    database, clock = Database(url, patience=patience), FakeClock()
    broker, source, doctor = FakeBroker(clock), FakeFinder(), FakeDoctor()
    boundaries = FakeBoundaries()
    config: PortalConfig = replace(portal_config(url), **changed)  # type: ignore[arg-type]  # by name
    committer = Committer(database, clock)
    portal = assemble(
        config,
        database,
        fake_aws(broker, source, roles, doctor, boundaries, fences),
        clock,
        _templates(),
        registry,
        redirect_providers(database),
        request_time_limit=_PATIENCE,
    )
    created = World(
        portal,
        database,
        broker,
        source,
        doctor,
        boundaries,
        clock,
        committer,
        Identity(database, committer, clock),
    )
    _populate(created)
    yield created
    committer.close()
    portal.close()


def fake_aws(
    broker: FakeBroker,
    finder: FakeFinder,
    roles: IamRoles | None = None,
    doctor: FakeDoctor | None = None,
    boundaries: FakeBoundaries | None = None,
    fences: FenceReader | None = None,
) -> Aws:
    """Return the services of a fake AWS with one account."""
    return Aws(
        accounts_of(broker),
        brokers_of(broker),
        PerAccount({DEFAULT: finder}),
        _resource_kinds(),
        roles,
        doctor,
        None if boundaries is None else PerAccount({DEFAULT: boundaries}),
        services=[service for service in _tenant_services() if service.name in {"lambda", "s3", "sqs"}],
        fences=fences,
    )


def portal_config(database_url: str) -> PortalConfig:
    """Return the configuration of portals for tests."""
    return read_config(
        {
            "DAYPASS_DATABASE_URL": database_url,
            "DAYPASS_PUBLIC_URL": PUBLIC_URL,
            "DAYPASS_AWS_REGION": "us-west-2",
            "DAYPASS_THREADS": "4",
            "DAYPASS_METRICS_TOKEN": METRICS_TOKEN,
        }
    )


def _populate(created: World) -> None:
    for username, role in ((DANA, Role.USER), (NOOR, Role.USER), (ADMIN, Role.ADMINISTRATOR)):
        created.users[username] = created.identity.create_user(username, role, None, OPERATOR)
        created.tokens[username] = created.token(username)[0]
    with created.database.writing() as connection:
        store = TenantStore(connection)
        for tenant in (DEV, PROD, DATA):
            store.add(tenant, NOON)
        store.add_member(DEV.id, created.users[DANA].id, Access.FULL, NOON)
        store.add_member(PROD.id, created.users[DANA].id, Access.READ_ONLY, NOON)
