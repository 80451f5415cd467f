"""The composition root: builds every object of the portal once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

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
from daypass.portal.config import PortalConfig
from daypass.portal.core import Core, make_core
from daypass.portal.http.api.admin_operations import AdministrationCalls
from daypass.portal.http.api.docs import docs_page
from daypass.portal.http.api.me import Me
from daypass.portal.http.api.metadata import Metadata
from daypass.portal.http.api.openapi import describe
from daypass.portal.http.api.records import Records
from daypass.portal.http.api.resources import Resources
from daypass.portal.http.api.routes import DESCRIPTION, PREFIX, api_operations, api_routes
from daypass.portal.http.api.sessions import Sessions
from daypass.portal.http.api.settings import Settings
from daypass.portal.http.api.tenants import Tenants as ApiTenants
from daypass.portal.http.api.tokens import Tokens
from daypass.portal.http.api.users import Members
from daypass.portal.http.api.users import Users as ApiUsers
from daypass.portal.http.core.dispatcher import Dispatcher, make_channel_app
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
from daypass.portal.http.pages.admin.routes import administrator_routes
from daypass.portal.http.pages.console_access import ConsoleAccess
from daypass.portal.http.pages.profile import ProfilePages
from daypass.portal.http.pages.resources import ResourcePages
from daypass.portal.http.pages.routes import PageHandlers, page_routes
from daypass.portal.http.pages.sessions import SessionPages
from daypass.portal.http.pages.sign_in import SignInPages
from daypass.portal.http.pages.tenant_choice import TenantChoice
from daypass.portal.http.pages.tokens import TokenPages
from daypass.portal.http.pages.workstation import Workstations
from daypass.portal.identity.legacy_consent import LegacyConsents
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.sealing import Sealing
from daypass.portal.identity.oauth.token_families import TokenFamilies
from daypass.portal.identity.personal_tokens import PersonalTokens
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
    core = make_core(config, database, aws, clock, templates)
    api, legacy, pages = _api_channel(core), _legacy_channel(core), _page_channel(core)
    local_access = _local_access_channel(core)
    machine, consent = _oauth_channels(core)
    probe = WriteProbe(database, core.audit, clock)
    health = make_channel_app(health_routes(probe, aws.issuing), problem)
    doors = {
        PREFIX: api,
        **dict.fromkeys(PREFIXES, legacy),
        **dict.fromkeys(PROBES, health),
        LOCAL_ACCESS: local_access,
        **dict.fromkeys(MACHINE_PREFIXES, machine),
        PAGE_PREFIX: consent,
    }

    attempts = AbandonedAttempts(database, core.audit)

    if core.administration.role_reconciler is not None:
        # This resumes the changes of roles that an earlier process left. Without AWS, each would be refused.
        aws.when_known(core.administration.role_reconciler.reconcile)
    attempts.settle_some()
    return Portal(
        RequestMiddleware(
            Transport(Dispatcher(doors, otherwise=pages), config.public_url), core.authenticator.addresses
        ),
        (api, legacy, local_access, machine, consent, health, pages),
        core.has_administrator,
        database.profile,
        aws.learn,
        attempts.start,
        _closing(core, aws, attempts),
        core.administration,
    )


def _closing(core: Core, aws: Aws, attempts: AbandonedAttempts) -> Callable[[], None]:
    """Return the function that stops all work of a portal and closes its database."""
    background: list[Verification | AbandonedAttempts | RoleReconciler]
    background = [core.administration.verification, attempts]
    if core.administration.role_reconciler is not None:
        background.append(core.administration.role_reconciler)

    def close() -> None:
        # All are interrupted first, so that none begins new work while another is joined.
        aws.close()
        for work in background:
            work.interrupt()
        core.pools.close()
        for work in background:
            work.close()
        core.audit.close()
        core.database.close()

    return close


def _api_channel(core: Core) -> Starlette:
    config = core.config
    operations = api_operations(
        Me(core.account_id, config.aws.region, core.release, config.aws.endpoint_url),
        Sessions(core.database, core.issuer),
        Resources(core.inventory),
        AdministrationCalls(
            users=ApiUsers(core.administration),
            members=Members(core.administration),
            tenants=ApiTenants(core.database, core.administration, core.doctor),
            settings=Settings(core.administration),
            metadata=Metadata(core.administration),
            tokens=Tokens(core.administration),
            records=Records(core.administration, core.clock),
        ),
    )
    # Both are built on first use, to keep the start fast.
    document = cache(lambda: describe(operations, config.public_url, core.release))
    docs = cache(lambda: core.pages.show_alone("api/docs.html", docs_page(document(), DESCRIPTION)))
    return make_channel_app(api_routes(operations, core.api_endpoints(Channel.API), document, docs), problem)


def _legacy_channel(core: Core) -> Starlette:
    config, broker = core.config, core.broker
    system = System(
        database=core.database,
        public_url=config.public_url,
        account_id=core.account_id,
        partition=broker.partition,
        region=config.aws.region,
        role_prefix=config.aws.role_prefix,
        version=core.release,
    )
    handlers = LegacyHandlers(
        jit=Jit(core.issuer, core.clock),
        tenants=Tenants(core.database, core.administration, core.account_id, config.aws.region),
        system=system,
        users=CompatUsers(core.administration),
        settings=CompatSettings(core.administration),
        plans=Plans(core.database, core.account_id, config.aws.region),
    )
    return make_channel_app(legacy_routes(core.api_endpoints(Channel.LEGACY), handlers), message, absence)


def _local_access_channel(core: Core) -> Starlette:
    approvals = LegacyConsents(core.identity, core.config.legacy_loopback)
    local_access = LocalAccess(core.pages, approvals, core.clock)
    routes = local_access_routes(core.page_endpoints(Channel.LEGACY), local_access)
    return make_channel_app(routes, core.error_pages)


def _oauth_channels(core: Core) -> tuple[Starlette, Starlette]:
    """Return the OAuth endpoints for clients, and the consent pages for users."""
    origin = core.config.public_url
    consents = AuthorizationRequests(
        core.database, core.audit, core.clock, Sealing(core.database, core.clock)
    )
    grants = TokenFamilies(core.database, core.audit, core.clock, origin + CODE)
    endpoints = Endpoints(consents, grants, core.clock, origin)
    machine = client_routes(ClientEndpoints(core.authenticator.addresses, core.pools.local), endpoints)
    pages = ConsentPages(core.pages, consents, core.clock, origin)
    page_endpoints = core.page_endpoints(Channel.WEB)
    return make_channel_app(machine, oauth_error), make_channel_app(
        consent_routes(page_endpoints, pages), core.error_pages
    )


def _page_channel(core: Core) -> Starlette:
    aws, own = core.config.aws, PersonalTokens(core.identity)
    workstations = Workstations(core.config.public_url, core.release, aws.region, aws.endpoint_url)
    ways = ConsoleAccess(core.pages, core.issuer)
    profile = ProfilePages(core.pages, core.database, core.issuer, own, workstations)
    web = PageHandlers(
        sign_in=SignInPages(
            core.pages, core.reauthentication, core.sign_ins, core.has_administrator, core.config.public_url
        ),
        tenant=TenantChoice(core.database),
        profile=profile,
        sessions=SessionPages(core.pages, core.database),
        tokens=TokenPages(own, profile),
        console_access=ways,
        resources=ResourcePages(core.pages, core.database, core.inventory, ways, core.config.public_url),
    )
    page_endpoints = core.page_endpoints(Channel.WEB)
    routes = [
        *page_routes(page_endpoints, web),
        *administrator_routes(
            page_endpoints, core.pages, core.administration, core.durations, core.doctor, aws.region
        ),
        *core.assets.routes(),
    ]
    return make_channel_app(routes, core.error_pages)
