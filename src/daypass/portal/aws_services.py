"""Construction of the objects through which the portal calls AWS.

`composition.py` makes the services that the channels share of them, and `app.py` starts and closes them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daypass.portal.access.broker import Brokers
from daypass.portal.access.issuing_status import IssuingStatus, always_issuing
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.accounts.services import TenantService
from daypass.portal.accounts.store import find_verified
from daypass.portal.admin.roles.accounts import AccountRoles
from daypass.portal.admin.roles.provisioner import IamRoles
from daypass.portal.aws.factory import make_account, make_broker
from daypass.portal.aws.fence.offered import tenant_services
from daypass.portal.aws.fence.resource_kinds import resource_kinds
from daypass.portal.aws.iam import aws_roles
from daypass.portal.aws.tagging import make_finder
from daypass.portal.clock import Clock
from daypass.portal.config.model import PortalConfig
from daypass.portal.diagnostics.account_fence import FenceReader
from daypass.portal.diagnostics.accounts import AccountExaminers
from daypass.portal.diagnostics.doctor import Doctor
from daypass.portal.diagnostics.fence_reader import AwsFenceReader
from daypass.portal.diagnostics.finding import Examiner
from daypass.portal.http.core.threadpool import aws_threads
from daypass.portal.inventory.finder import ResourceFinder
from daypass.portal.inventory.generations import BoundaryReader
from daypass.portal.inventory.kinds import ResourceKinds
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.storage.engine import Database

_FIRST_ANSWER = 2.0
"""Seconds that a start waits for AWS. After that it continues, and retries in the background."""


@dataclass(frozen=True, slots=True)
class Aws:
    """The services through which the portal calls AWS."""

    accounts: Accounts
    """The accounts; each has its own broker and finder."""
    brokers: Brokers
    finders: PerAccount[ResourceFinder]
    kinds: ResourceKinds
    roles: IamRoles | None = None
    """The roles of all accounts; None if the portal does not manage roles."""
    doctor: Examiner | None = None
    """None if the portal does not check roles."""
    boundaries: PerAccount[BoundaryReader] | None = None
    """None if the portal does not read roles."""
    issuing: Callable[[], IssuingStatus] = always_issuing
    """Returns the state of the portal's own credentials for the default account."""
    discover_identity: Callable[[], None] = lambda: None
    """Starts to look up the portal's identity; returns within two seconds, with or without an answer."""
    when_known: Callable[[Callable[[], None]], None] = lambda callback: callback()
    """Calls a callback as soon as the portal's identity is known."""
    close: Callable[[], None] = lambda: None
    services: Sequence[TenantService] = ()
    """The AWS services that tenants may use, by category and title."""
    fences: FenceReader | None = None
    """Reads what each account has of the fence; None if the portal does not check roles."""


def aws_services(config: PortalConfig, database: Database, clock: Clock) -> Aws:
    """Build the services for the portal's AWS account without calling AWS; raises `AwsMisconfigured`."""
    connections = aws_threads(config.threads)
    broker = make_broker(config.aws, public_url=config.public_url, connections=connections)
    account = make_account(config.aws, broker)
    accounts = Accounts(account)
    roles = aws_roles(
        config.aws,
        account,
        credentials=broker.credentials,
        verified_policies=lambda: find_verified(database, account),
        services_of=lambda tenant_id: SettingsReader(database).of_tenant(tenant_id, TENANT_SERVICES),
    )
    doctor = Doctor(database, accounts, broker, roles, clock, extra_regions=config.aws.extra_regions)

    def close() -> None:
        broker.identity.close()
        broker.credentials.close()

    return Aws(
        accounts=accounts,
        brokers=PerAccount({account.name: broker}),
        finders=PerAccount({account.name: make_finder(config.aws, connections=connections)}),
        services=tenant_services(),
        fences=AwsFenceReader(database, accounts, PerAccount({account.name: roles})),
        kinds=resource_kinds(),
        boundaries=PerAccount({account.name: roles}),
        roles=AccountRoles(accounts, PerAccount({account.name: roles})),
        doctor=AccountExaminers(accounts, PerAccount({account.name: doctor})),
        issuing=broker.issuing,
        discover_identity=lambda: broker.identity.discover_in_background(_FIRST_ANSWER),
        when_known=broker.identity.when_known,
        close=close,
    )
