"""The objects from which the channels build their routes.

The fields are made once, by `composition.py`. The properties and methods return new objects without state of
their own on each access.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daypass.portal.access.broker import Brokers
from daypass.portal.access.issue import Issuer
from daypass.portal.access.issuing_status import IssuingStatus
from daypass.portal.access.model import Channel
from daypass.portal.access.role_concurrency import RoleConcurrency
from daypass.portal.access.sessions import SessionHistory
from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.accounts.registry import Accounts
from daypass.portal.accounts.services import TenantService
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.settings.duration_report import DurationReports
from daypass.portal.audit.committer import Committer
from daypass.portal.clock import Clock
from daypass.portal.config.model import PortalConfig
from daypass.portal.diagnostics.account_fence import FenceReader
from daypass.portal.diagnostics.finding import Examiner
from daypass.portal.groups.lapse.claims import LapsedClaims
from daypass.portal.groups.synchronisation import GroupSynchronisation
from daypass.portal.http.core.authentication import Authenticator, Permission
from daypass.portal.http.core.authorization import Authorizer
from daypass.portal.http.core.endpoints import ApiEndpoints
from daypass.portal.http.core.threadpool import ThreadPools
from daypass.portal.http.layout.assets import Assets
from daypass.portal.http.layout.endpoints import PageEndpoints
from daypass.portal.http.layout.errors import ErrorPages
from daypass.portal.http.layout.page_layout import PageLayouts
from daypass.portal.http.layout.reauthentication import Reauthentication
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.layout.routes import PageRoutes
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.attempts import SignInAttempts
from daypass.portal.identity.external.links import ExternalLinks, SignInMethods
from daypass.portal.identity.passkeys.challenges import Challenges
from daypass.portal.identity.passkeys.second_factor import SecondFactors
from daypass.portal.identity.passkeys.service import Passkeys
from daypass.portal.identity.providers.base import RedirectProvider
from daypass.portal.identity.providers.registry import IdentityProviders
from daypass.portal.identity.users import UserDirectory
from daypass.portal.inventory.service import Inventory
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.storage.engine import Database
from daypass.portal.workloads.exchange import TokenExchange


@dataclass(frozen=True, slots=True)
class Services:
    """The objects that the channels share: domain services, thread pools, and factories of endpoints.

    A channel reads from here the fields that its handlers need. The handlers take these as arguments of their
    own, so that a reader of a handler sees what it can reach.
    """

    config: PortalConfig
    database: Database
    committer: Committer
    accounts: Accounts
    brokers: Brokers
    clock: Clock
    identity: Identity
    issuer: Issuer
    inventory: Inventory
    administration: Administration
    doctor: Examiner | None
    """None if the portal does not check roles."""
    fences: FenceReader | None
    """Reads what each account has of the fence; None if the portal does not check roles."""
    tenant_services: Sequence[TenantService]
    """The AWS services that tenants may use, by category and title."""
    issuing: Callable[[], IssuingStatus]
    """Returns the state of the portal's own AWS credentials."""
    authenticator: Authenticator
    authorizer: Authorizer
    providers: IdentityProviders
    browser_sessions: BrowserSessions
    challenges: Challenges
    token_exchange: TokenExchange
    """Exchanges the ID tokens of workloads."""
    assets: Assets
    pages: PageRenderer
    pools: ThreadPools
    role_concurrency: RoleConcurrency
    release: str
    """The version of the portal."""

    def api_endpoints(self, channel: Channel) -> ApiEndpoints:
        """Return the factory of the endpoints of one channel that clients call."""
        return ApiEndpoints(channel, self.authenticator, self.pools, self.authorizer)

    def page_endpoints(self, channel: Channel) -> PageEndpoints:
        """Return the factory of the endpoints of a channel's pages."""
        return PageEndpoints(
            channel=channel,
            signed_in=self.browser_sessions.find,
            layouts=PageLayouts(self.tenants, self.clock),
            addresses=self.authenticator.addresses,
            pools=self.pools,
            origin=self.config.public_url,
            reauthentication=self.reauthentication,
            authorizer=self.authorizer,
        )

    def page_routes(self, permission: Permission, channel: Channel = Channel.WEB) -> PageRoutes:
        """Return the factory of the routes of pages that all require *permission*."""
        return PageRoutes(self.page_endpoints(channel), permission)

    @property
    def reauthentication(self) -> Reauthentication:
        """The pages of reauthentication."""
        return Reauthentication(self.pages, self.providers, self.passkeys)

    @property
    def passkeys(self) -> Passkeys:
        """The passkeys of signed-in users."""
        return Passkeys(self.challenges)

    @property
    def second_factors(self) -> SecondFactors:
        """The step of a sign-in after the password."""
        return SecondFactors(self.challenges)

    @property
    def error_pages(self) -> ErrorPages:
        """The error pages of channels with pages."""
        return ErrorPages(self.pages, self.config.public_url)

    @property
    def attempts(self) -> SignInAttempts:
        """The sign-ins at identity providers that have no answer yet."""
        return SignInAttempts.of(self.database, self.clock)

    @property
    def external_accounts(self) -> ExternalAccounts:
        """The users of accounts at identity providers."""
        groups = GroupSynchronisation(self.database, self.committer, self.clock)
        return ExternalAccounts.of(self.database, self.committer, self.clock, groups.changes_of_sign_in)

    @property
    def lapsed_claims(self) -> LapsedClaims:
        """The end of what no configured identity provider stands for any more."""
        return LapsedClaims(
            self.database,
            self.committer,
            self.clock,
            GroupSynchronisation(self.database, self.committer, self.clock),
            [each.config for each in self.providers if isinstance(each, RedirectProvider)],
        )

    @property
    def sign_in_methods(self) -> SignInMethods:
        """The ways in which people sign in."""
        return self.administration.identities.methods

    @property
    def external_links(self) -> ExternalLinks:
        """A user's own accounts at identity providers."""
        return ExternalLinks(self.database, self.committer, self.clock, self.sign_in_methods)

    @property
    def durations(self) -> DurationReports:
        """The reports on session durations."""
        return DurationReports(
            self.database,
            self.accounts,
            self.brokers,
            self.clock,
            role_concurrency=self.role_concurrency,
        )

    @property
    def tenants(self) -> VisibleTenants:
        """The tenants that a user may know of."""
        return VisibleTenants(self.database, self.clock)

    @property
    def history(self) -> SessionHistory:
        """The sessions of a user."""
        return SessionHistory(self.database)

    @property
    def users(self) -> UserDirectory:
        """The facts about users that every user may know."""
        return UserDirectory(self.database)

    @property
    def settings(self) -> SettingsReader:
        """The settings of the system."""
        return SettingsReader(self.database)
