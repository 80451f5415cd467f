"""The composition root: builds every object of the portal once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.types import ASGIApp

from daypass.portal.access.abandoned_attempts import AbandonedAttempts
from daypass.portal.access.model import Channel
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.verification import Verification
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.audit.readiness_probe import WriteProbe
from daypass.portal.aws_services import Aws, aws_services
from daypass.portal.clock import Clock, utc_now
from daypass.portal.composition import make_services
from daypass.portal.config import PortalConfig
from daypass.portal.http.api.build import build as build_api
from daypass.portal.http.core.dispatcher import ChannelApp, Dispatcher, make_channel_app
from daypass.portal.http.core.health import PROBES, health_routes
from daypass.portal.http.core.middleware import RequestMiddleware
from daypass.portal.http.core.problems import message, problem
from daypass.portal.http.core.transport import Transport
from daypass.portal.http.layout.assets import Assets
from daypass.portal.http.layout.rendering import Templates
from daypass.portal.http.legacy.absent import absence
from daypass.portal.http.legacy.jit import Jit
from daypass.portal.http.legacy.local_access import PAGE as LOCAL_ACCESS
from daypass.portal.http.legacy.local_access import LocalAccess, local_access_routes
from daypass.portal.http.legacy.plans import Plans
from daypass.portal.http.legacy.routes import PREFIXES, LegacyHandlers, legacy_routes
from daypass.portal.http.legacy.settings import Settings as CompatSettings
from daypass.portal.http.legacy.system import System
from daypass.portal.http.legacy.tenants import Tenants
from daypass.portal.http.legacy.users import Users as CompatUsers
from daypass.portal.http.oauth.client_endpoints import ClientEndpoints, oauth_error
from daypass.portal.http.oauth.consent import ConsentPages
from daypass.portal.http.oauth.endpoints import CODE, Endpoints
from daypass.portal.http.oauth.routes import MACHINE_PREFIXES, PAGE_PREFIX, client_routes, consent_routes
from daypass.portal.http.pages.build import build as build_pages
from daypass.portal.http.services import Services
from daypass.portal.identity.legacy_consent import LegacyConsents
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.sealing import Sealing
from daypass.portal.identity.oauth.token_families import TokenFamilies
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import check
from daypass.portal.storage.pooler import Profile

PACKAGES_WITH_TEMPLATES = ("pages", "api", "legacy", "oauth")
"""The packages of `http` that have templates."""

_SPARE_CONNECTIONS = 5
"""Connections for background work: readiness probe, abandoned attempts, roles, two for the verification."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A built portal, with what the process that serves it calls."""

    app: ASGIApp
    channels: Sequence[Starlette]
    has_administrator: Callable[[], bool]
    """Returns whether an Administrator exists."""
    database_profile: Profile
    """The session profile of the database connections."""
    reach_aws: Callable[[], None]
    """Starts to look up the portal's identity in AWS; waits two seconds at most. Called before `start`."""
    start: Callable[[], None]
    """Starts the background work; called once, by the process that serves."""
    close: Callable[[], None]
    administration: Administration


def build(config: PortalConfig, clock: Clock = utc_now) -> Portal:
    """Build a portal with the configured database and AWS services.

    Raises `ConfigError`, `SchemaError`, `StorageUnavailable` or, for an AWS setting, `AwsMisconfigured`, each
    with the remedy. AWS is not called yet, see `Portal.reach_aws`.
    """
    database = open_database(config)
    try:
        check(database)
        aws = aws_services(config, database, clock)
    except BaseException:
        database.close()
        raise
    return assemble(config, database, aws, clock, page_templates())


def page_templates() -> Templates:
    """Return the templates of all packages."""
    return Templates(Assets(), PACKAGES_WITH_TEMPLATES)


def open_database(config: PortalConfig) -> Database:
    """Open the database, with a connection per request thread, and some for background work."""
    return Database(config.database_url, connections=config.threads + _SPARE_CONNECTIONS)


def assemble(
    config: PortalConfig, database: Database, aws: Aws, clock: Clock, templates: Templates
) -> Portal:
    """Build a portal from its services; takes ownership of the database, whose schema must be checked."""
    services = make_services(config, database, aws, clock, templates)
    machine, consent = _oauth_channels(services)
    probe = WriteProbe(database, services.audit, clock)
    apps = [
        *build_api(services),
        ChannelApp(PREFIXES, _legacy_channel(services)),
        ChannelApp(PROBES, make_channel_app(health_routes(probe, aws.issuing), problem)),
        ChannelApp((LOCAL_ACCESS,), _local_access_channel(services)),
        ChannelApp(MACHINE_PREFIXES, machine),
        ChannelApp((PAGE_PREFIX,), consent),
        *build_pages(services),
    ]

    attempts = AbandonedAttempts(database, services.audit)

    if services.administration.role_reconciler is not None:
        # This resumes the changes of roles that an earlier process left. Without AWS, each would be refused.
        aws.when_known(services.administration.role_reconciler.reconcile)
    attempts.settle_some()
    return Portal(
        RequestMiddleware(Transport(Dispatcher(apps), config.public_url), services.authenticator.addresses),
        [mounted.app for mounted in apps],
        services.has_administrator,
        database.profile,
        aws.learn,
        attempts.start,
        _closing(services, aws, attempts),
        services.administration,
    )


def _closing(services: Services, aws: Aws, attempts: AbandonedAttempts) -> Callable[[], None]:
    """Return the function that stops all work of a portal and closes its database."""
    background: list[Verification | AbandonedAttempts | RoleReconciler]
    background = [services.administration.verification, attempts]
    if services.administration.role_reconciler is not None:
        background.append(services.administration.role_reconciler)

    def close() -> None:
        # All are interrupted first, so that none begins new work while another is joined.
        aws.close()
        for work in background:
            work.interrupt()
        services.pools.close()
        for work in background:
            work.close()
        services.audit.close()
        services.database.close()

    return close


def _legacy_channel(services: Services) -> Starlette:
    config, broker = services.config, services.broker
    system = System(
        database=services.database,
        public_url=config.public_url,
        account_id=services.account_id,
        partition=broker.partition,
        region=config.aws.region,
        role_prefix=config.aws.role_prefix,
        version=services.release,
    )
    handlers = LegacyHandlers(
        jit=Jit(services.issuer, services.clock),
        tenants=Tenants(services.database, services.administration, services.account_id, config.aws.region),
        system=system,
        users=CompatUsers(services.administration),
        settings=CompatSettings(services.administration),
        plans=Plans(services.database, services.account_id, config.aws.region),
    )
    return make_channel_app(legacy_routes(services.api_endpoints(Channel.LEGACY), handlers), message, absence)


def _local_access_channel(services: Services) -> Starlette:
    approvals = LegacyConsents(services.identity, services.config.legacy_loopback)
    local_access = LocalAccess(services.pages, approvals, services.clock)
    routes = local_access_routes(services.page_endpoints(Channel.LEGACY), local_access)
    return make_channel_app(routes, services.error_pages)


def _oauth_channels(services: Services) -> tuple[Starlette, Starlette]:
    """Return the OAuth endpoints for clients, and the consent pages for users."""
    origin = services.config.public_url
    consents = AuthorizationRequests(
        services.database, services.audit, services.clock, Sealing(services.database, services.clock)
    )
    grants = TokenFamilies(services.database, services.audit, services.clock, origin + CODE)
    endpoints = Endpoints(consents, grants, services.clock, origin)
    machine = client_routes(
        ClientEndpoints(services.authenticator.addresses, services.pools.local), endpoints
    )
    pages = ConsentPages(services.pages, consents, services.clock, origin)
    page_endpoints = services.page_endpoints(Channel.WEB)
    return make_channel_app(machine, oauth_error), make_channel_app(
        consent_routes(page_endpoints, pages), services.error_pages
    )
