"""The objects that the channels share: identity, issuer, inventory, administration, thread pools."""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from daypass.portal.access.broker import Broker
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import Channel
from daypass.portal.access.role_concurrency import RoleConcurrency
from daypass.portal.admin.administration import Administration, administration
from daypass.portal.admin.roles.findings import Examiner
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.admin.settings.duration_report import DurationReports
from daypass.portal.admin.tenants.service import RoleNaming
from daypass.portal.audit.log import AuditLog
from daypass.portal.aws.factory import browser_origins
from daypass.portal.aws_services import Aws
from daypass.portal.clock import Clock
from daypass.portal.config import AwsConfig, PortalConfig
from daypass.portal.http.core.authentication import Authenticator, ClientAddresses
from daypass.portal.http.core.authorization import Authorizer
from daypass.portal.http.core.endpoints import ApiEndpoints
from daypass.portal.http.core.threadpool import ThreadPools, role_shares
from daypass.portal.http.layout.assets import Assets
from daypass.portal.http.layout.endpoints import PageEndpoints
from daypass.portal.http.layout.errors import ErrorPages
from daypass.portal.http.layout.page_layout import PageLayouts
from daypass.portal.http.layout.reauthentication import Reauthentication
from daypass.portal.http.layout.rendering import PageRenderer, Templates
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.store import UserStore
from daypass.portal.inventory.service import Inventory
from daypass.portal.storage.engine import Database


@dataclass(frozen=True, slots=True)
class Core:
    """The objects that the channels share."""

    config: PortalConfig
    database: Database
    audit: AuditLog
    broker: Broker
    clock: Clock
    identity: Identity
    issuer: Issuer
    inventory: Inventory
    administration: Administration
    doctor: Examiner | None
    authenticator: Authenticator
    authorizer: Authorizer
    sign_ins: BrowserSessions
    assets: Assets
    pages: PageRenderer
    pools: ThreadPools
    role_concurrency: RoleConcurrency
    release: str

    def api_endpoints(self, door: Channel) -> ApiEndpoints:
        """Return the endpoint factory of one channel."""
        return ApiEndpoints(door, self.authenticator, self.pools, self.authorizer)

    def page_endpoints(self, door: Channel) -> PageEndpoints:
        """Return the endpoint factory of a channel's pages."""
        return PageEndpoints(
            channel=door,
            signed_in=self.sign_ins.find,
            layouts=PageLayouts(self.database, self.clock),
            addresses=self.authenticator.addresses,
            pools=self.pools,
            origin=self.config.public_url,
            reauthentication=self.reauthentication,
            authorizer=self.authorizer,
        )

    def account_id(self) -> str:
        """Return the portal's account; raises an `AwsError` while it is unknown."""
        return self.broker.account_id

    @property
    def reauthentication(self) -> Reauthentication:
        """The pages of reauthentication."""
        return Reauthentication(self.pages)

    @property
    def error_pages(self) -> ErrorPages:
        """The error pages of channels with pages."""
        return ErrorPages(self.pages, self.config.public_url)

    @property
    def durations(self) -> DurationReports:
        """The reports on session durations."""
        return DurationReports(
            self.database, self.broker, self.clock, self.issuer.master_role_arn, shares=self.role_concurrency
        )

    def has_administrator(self) -> bool:
        """Return whether there is an Administrator."""
        with self.database.reading() as connection:
            return UserStore(connection).count_administrators() > 0


def make_core(config: PortalConfig, database: Database, aws: Aws, clock: Clock, templates: Templates) -> Core:
    """Build the core of a portal on a database whose schema was checked."""
    audit, broker = AuditLog(database, clock), aws.broker
    identity, shares = Identity(database, audit, clock), role_shares(config.threads)
    master_role_arn = partial(_role_arn, broker, config.aws.master_role)
    return Core(
        config=config,
        database=database,
        audit=audit,
        broker=broker,
        clock=clock,
        identity=identity,
        issuer=Issuer(
            database=database,
            audit=audit,
            broker=broker,
            clock=clock,
            master_role_arn=master_role_arn,
            region=config.aws.region,
            is_attribution_required=config.require_attribution,
            role_concurrency=shares,
        ),
        inventory=Inventory(
            database=database,
            audit=audit,
            broker=broker,
            finder=aws.source,
            clock=clock,
            role_prefix=config.aws.role_prefix,
            is_attribution_required=config.require_attribution,
            role_concurrency=shares,
        ),
        administration=administration(
            identity,
            _role_rules(broker, config.aws),
            aws.roles,
            None if aws.roles is None else RoleReconciler(database, audit, clock, aws.roles, master_role_arn),
        ),
        doctor=aws.doctor,
        authenticator=Authenticator(
            identity, ClientAddresses(config.trusted_proxies if config.is_behind_proxy else ())
        ),
        authorizer=Authorizer(audit.commit_refusal, clock),
        sign_ins=BrowserSessions(database, audit, clock),
        assets=templates.assets,
        pages=PageRenderer(templates, browser_origins(config.aws)),
        pools=ThreadPools.sized(config.threads),
        role_concurrency=shares,
        release=version("daypass"),
    )


def _role_rules(broker: Broker, aws: AwsConfig) -> RoleNaming:
    return RoleNaming(
        broker.partition, lambda: broker.account_id, aws.role_prefix, aws.master_role, aws.extra_regions
    )


def _role_arn(broker: Broker, name: str) -> str:
    """Return the ARN of a role in the portal's account; raises an `AwsError` while that is unknown."""
    return f"arn:{broker.partition}:iam::{broker.account_id}:role/{name}"
