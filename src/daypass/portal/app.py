"""The composition root: constructs the channels, the ASGI application and the background work.

`composition.py` constructs the services that the channels share, and `aws_services.py` the objects that call
AWS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from daypass.portal.access.abandoned_attempts import AbandonedAttempts
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.verification import Verification
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.aws_services import Aws, aws_services
from daypass.portal.clock import Clock, utc_now
from daypass.portal.composition import make_services
from daypass.portal.config.model import PortalConfig
from daypass.portal.groups.lapse.claims import LapsedClaimsJob
from daypass.portal.http import health, metrics
from daypass.portal.http.api import build as api
from daypass.portal.http.core.dispatcher import ChannelApp, Dispatcher
from daypass.portal.http.core.middleware import RequestMiddleware
from daypass.portal.http.core.threadpool import PATIENCE
from daypass.portal.http.core.transport import Transport
from daypass.portal.http.layout.assets import Assets
from daypass.portal.http.layout.rendering import Templates
from daypass.portal.http.legacy import build as legacy
from daypass.portal.http.oauth import build as oauth
from daypass.portal.http.pages import build as pages
from daypass.portal.http.scim import build as scim
from daypass.portal.http.services import Services
from daypass.portal.identity.providers.base import RedirectProvider
from daypass.portal.settings.registry import REGISTRY, Registry
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import check
from daypass.portal.storage.pooler import Profile
from daypass.portal.telemetry.metrics_sampler import MetricsSampler

CHANNELS: Sequence[Callable[[Services], Sequence[ChannelApp]]] = (
    api.build,
    legacy.build,
    health.build,
    metrics.build,
    oauth.build,
    scim.build,
    pages.build,
)
"""The channels, in the order in which requests are offered to them. The pages take all remaining paths."""

PACKAGES_WITH_TEMPLATES = ("pages", "api", "legacy", "oauth")
"""The packages of `http` that have templates."""

_SPARE_CONNECTIONS = 6
"""Connections for background work: readiness probe, abandoned attempts, roles, metrics, two for the
verification."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A built portal, with what the process that serves it calls."""

    app: RequestMiddleware
    """The ASGI application."""
    channels: Sequence[ChannelApp]
    has_administrator: Callable[[], bool]
    """Returns whether an Administrator exists."""
    database_profile: Profile
    """The session profile of the database connections."""
    discover_identity: Callable[[], None]
    """Starts to look up the portal's identity in AWS; waits two seconds at most. Called before `start`."""
    start: Callable[[], None]
    """Starts the background work; called once, by the process that serves."""
    close: Callable[[], None]
    metrics_app: RequestMiddleware | None
    """The ASGI application of the listener for metrics; None if none is configured."""
    administration: Administration


def build(config: PortalConfig, clock: Clock = utc_now) -> Portal:
    """Build a portal with the configured database and AWS services.

    Raises `ConfigError`, `SchemaError`, `StorageUnavailable` or, for an AWS setting, `AwsMisconfigured`, each
    with the remedy. AWS is not called yet, see `Portal.discover_identity`.
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
    """Return the configured database, with a connection for each request thread and some for other work."""
    return Database(config.database_url, connections=config.threads + _SPARE_CONNECTIONS)


def assemble(
    config: PortalConfig,
    database: Database,
    aws: Aws,
    clock: Clock,
    templates: Templates,
    registry: Registry = REGISTRY,
    redirect_providers: Sequence[RedirectProvider] = (),
    request_time_limit: timedelta = PATIENCE,
) -> Portal:
    """Build a portal on *database* and *aws*.

    The schema of the database must have been checked. `Portal.close` closes the database and *aws*. This call
    settles attempts that an earlier process left without an outcome, and has the changes of roles resumed
    that it left, as soon as AWS is known.
    """
    services = make_services(
        config, database, aws, clock, templates, registry, redirect_providers, request_time_limit
    )
    channels = [channel for build_channel in CHANNELS for channel in build_channel(services)]
    attempts = AbandonedAttempts(database, services.committer)
    lapsed = LapsedClaimsJob(services.lapsed_claims)
    sampler = MetricsSampler(metrics.process_gauges(services))

    if services.administration.role_reconciler is not None:
        # The reconciler resumes changes of roles that an earlier process left. It starts when AWS is known,
        # because every change would fail before.
        aws.when_known(services.administration.role_reconciler.reconcile)
    attempts.settle_some()
    # The configuration may have changed since the groups were.
    services.administration.groups.withdraw_administrators()
    lapsed.run_once()
    return Portal(
        app=RequestMiddleware(
            Transport(Dispatcher(channels), config.public_url),
            services.authenticator.addresses,
            config.logs.access_log,
        ),
        channels=channels,
        has_administrator=services.users.has_administrator,
        database_profile=database.profile,
        discover_identity=aws.discover_identity,
        start=_starting(attempts, lapsed, sampler),
        close=_closing(services, aws, attempts, lapsed, sampler),
        metrics_app=None if config.metrics.listen is None else metrics.build_listener(services),
        administration=services.administration,
    )


def _starting(
    attempts: AbandonedAttempts, lapsed: LapsedClaimsJob, sampler: MetricsSampler
) -> Callable[[], None]:
    """Return the function that starts the background work."""

    def start() -> None:
        attempts.start()
        lapsed.start()
        sampler.start()

    return start


def _closing(
    services: Services,
    aws: Aws,
    attempts: AbandonedAttempts,
    lapsed: LapsedClaimsJob,
    sampler: MetricsSampler,
) -> Callable[[], None]:
    """Return the function that stops all work of a portal and closes its database."""
    background: list[Verification | AbandonedAttempts | LapsedClaimsJob | RoleReconciler | MetricsSampler]
    background = [services.administration.verification, attempts, lapsed, sampler]
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
        services.committer.close()
        services.database.close()

    return close
