"""Construction of the services that the channels share.

`aws_services.py` constructs the objects among them that call AWS, and `app.py` the channels.
"""

from collections.abc import Sequence
from datetime import timedelta

from daypass import __version__
from daypass.portal.access.issue import Issuer
from daypass.portal.access.role_concurrency import RoleConcurrency
from daypass.portal.accounts.verified import VerifiedPolicyCache
from daypass.portal.admin.administration import Administration, administration
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.admin.tenants.role_naming import RoleNaming
from daypass.portal.audit.committer import Committer
from daypass.portal.aws.factory import browser_origins
from daypass.portal.aws.fence.known_actions import is_known_action
from daypass.portal.aws.fence.permission_templates import templates as permission_set_templates
from daypass.portal.aws_services import Aws
from daypass.portal.clock import Clock
from daypass.portal.config.model import PasswordSignIn, PortalConfig
from daypass.portal.http.core.authentication import Authenticator, ClientAddresses
from daypass.portal.http.core.authorization import Authorizer
from daypass.portal.http.core.threadpool import PATIENCE, ThreadPools, role_slots
from daypass.portal.http.layout.rendering import PageRenderer, Templates
from daypass.portal.http.services import Services
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.external.links import SignInMethods
from daypass.portal.identity.jwt import Issuers
from daypass.portal.identity.passkeys.challenges import Challenges
from daypass.portal.identity.passkeys.model import RelyingParty
from daypass.portal.identity.providers.base import RedirectProvider
from daypass.portal.identity.providers.local_password import LocalPasswords
from daypass.portal.identity.providers.oidc.provider import OidcProvider
from daypass.portal.identity.providers.registry import IdentityProviders
from daypass.portal.inventory.generations import RoleGenerations
from daypass.portal.inventory.service import Inventory
from daypass.portal.settings.registry import Registry
from daypass.portal.storage.engine import Database
from daypass.portal.workloads.exchange import TokenExchange


def make_services(
    config: PortalConfig,
    database: Database,
    aws: Aws,
    clock: Clock,
    templates: Templates,
    registry: Registry,
    redirect_providers: Sequence[RedirectProvider] = (),
    request_time_limit: timedelta = PATIENCE,
) -> Services:
    """Build the services of a portal on a database whose schema was checked.

    The sign-in page offers the configured providers after the portal's own passwords, and then
    *redirect_providers*. No provider is asked for anything yet, so the portal starts while one is down.
    """
    committer = Committer(database, clock)
    identity, role_concurrency = Identity(database, committer, clock), role_slots(config.threads)
    # One object for each process, so that metadata and keys are fetched once for providers and workloads.
    issuers = Issuers(clock)
    providers = _identity_providers(config, identity, issuers, redirect_providers)
    return Services(
        config=config,
        database=database,
        committer=committer,
        accounts=aws.accounts,
        brokers=aws.brokers,
        clock=clock,
        identity=identity,
        issuer=_issuer(config, database, committer, aws, clock, role_concurrency),
        inventory=_inventory(config, database, committer, aws, clock, role_concurrency),
        administration=_administration(config, aws, identity, registry, _sign_in_methods(config, providers)),
        doctor=aws.doctor,
        fences=aws.fences,
        tenant_services=aws.services,
        issuing=aws.issuing,
        authenticator=Authenticator(
            identity, ClientAddresses(config.trusted_proxies if config.is_behind_proxy else ())
        ),
        authorizer=Authorizer(committer.commit_rate_limited, clock),
        providers=providers,
        browser_sessions=BrowserSessions(database, committer, clock),
        challenges=Challenges(database, committer, clock, RelyingParty(config.public_url)),
        token_exchange=TokenExchange(database, committer, clock, issuers, config.workload_issuers),
        assets=templates.assets,
        pages=PageRenderer(templates, browser_origins(config.aws)),
        pools=ThreadPools.sized(config.threads, request_time_limit),
        role_concurrency=role_concurrency,
        release=__version__,
    )


def _identity_providers(
    config: PortalConfig, identity: Identity, issuers: Issuers, others: Sequence[RedirectProvider]
) -> IdentityProviders:
    database, committer, clock = identity.database, identity.committer, identity.clock
    passwords = LocalPasswords(database, committer, clock, config.password_sign_in)
    configured = [OidcProvider(each, issuers, clock) for each in config.providers]
    return IdentityProviders((passwords, *configured, *others))


def _sign_in_methods(config: PortalConfig, providers: IdentityProviders) -> SignInMethods:
    return SignInMethods(
        [provider.config for provider in providers if isinstance(provider, RedirectProvider)],
        config.password_sign_in is PasswordSignIn.ON,
    )


def _issuer(
    config: PortalConfig,
    database: Database,
    committer: Committer,
    aws: Aws,
    clock: Clock,
    role_concurrency: RoleConcurrency,
) -> Issuer:
    return Issuer(
        database=database,
        committer=committer,
        accounts=aws.accounts,
        brokers=aws.brokers,
        clock=clock,
        is_attribution_required=config.require_attribution,
        role_concurrency=role_concurrency,
        find_verified=VerifiedPolicyCache(database).names,
    )


def _inventory(
    config: PortalConfig,
    database: Database,
    committer: Committer,
    aws: Aws,
    clock: Clock,
    role_concurrency: RoleConcurrency,
) -> Inventory:
    return Inventory(
        database=database,
        committer=committer,
        accounts=aws.accounts,
        brokers=aws.brokers,
        finders=aws.finders,
        kinds=aws.kinds,
        clock=clock,
        is_attribution_required=config.require_attribution,
        role_concurrency=role_concurrency,
        generations=RoleGenerations(aws.accounts, aws.boundaries, clock),
    )


def _administration(
    config: PortalConfig, aws: Aws, identity: Identity, registry: Registry, methods: SignInMethods
) -> Administration:
    # A portal that may not change IAM still issues sessions; it only has no reconciler of role durations.
    reconciler = None
    if aws.roles is not None:
        reconciler = RoleReconciler(
            identity.database, identity.committer, identity.clock, aws.roles, aws.accounts
        )
    naming = RoleNaming(aws.accounts.default, config.aws.extra_regions)
    return administration(
        identity,
        naming,
        aws.roles,
        reconciler,
        registry,
        templates=permission_set_templates(),
        is_known_action=is_known_action,
        services=[service.name for service in aws.services],
        public_url=config.public_url,
        workload_issuers=config.workload_issuers,
        methods=methods,
        providers=config.providers,
    )
