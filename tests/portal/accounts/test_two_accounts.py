"""Two accounts: a tenant is served in the account of its role, and neither account waits for the other."""

import json
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from daypass.portal.access.broker import Broker, Brokers, Deadline, SetRole
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import (
    AssumeRoleParameters,
    Credentials,
    IssuedSession,
    Purpose,
    SessionRequest,
)
from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.accounts.model import Account
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.admin.roles.accounts import AccountRoles
from daypass.portal.admin.roles.provisioner import IamRoles, RoleOutcome
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.admin.settings.duration_report import DurationReports
from daypass.portal.aws.console import Destinations
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.diagnostics.accounts import AccountExaminers
from daypass.portal.diagnostics.finding import Examiner, Finding, Level
from daypass.portal.errors import AwsUnavailable
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.legacy.plans import Plans
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.inventory.finder import ResourceFinder
from daypass.portal.inventory.model import TaggedArn
from daypass.portal.inventory.service import Inventory
from daypass.portal.secret import Secret
from daypass.portal.settings.registry import ADMIN_JIT_SESSION_DURATION
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState
from tests.fakes import FakeBroker, FakeDoctor, FakeFinder, retargeted
from tests.portal.access.conftest import ADMIN, DANA, DATA, DEV, MASTER, Rig, build, caller
from tests.portal.inventory.resources import KINDS

FIRST, SECOND = "123456789012", "222222222222"
MASTERS = (MASTER, f"arn:aws-us-gov:iam::{SECOND}:role/duplomaster")
# The role of the same name in the other account, in another partition.
GOV_DEV = retargeted(
    DEV, role_arn=f"arn:aws-us-gov:iam::{SECOND}:role/duploservices-dev01", region="us-gov-west-1"
)
WITH_LINK = Purpose.BOTH


class ConsoleBroker(FakeBroker):
    """A fake broker with the real console pages of its partition."""

    def destination(self, region: str, typed: str | None) -> str:
        """Return the full URL of a console page."""
        return Destinations(PARTITIONS[self.partition], None).resolve(region, typed)


class UnreachedBroker:
    """The broker of an account whose AWS has not answered yet; only `is_chained` may be read."""

    @property
    def is_chained(self) -> bool:
        """Raise the reason."""
        raise unknown()

    def role_maximum(self, role_arn: str, deadline: Deadline) -> timedelta | None:
        """Fail."""
        raise NotImplementedError

    def find_set_role_problem(self, role: SetRole, deadline: Deadline) -> str:
        """Fail."""
        raise NotImplementedError

    def assume(self, session: AssumeRoleParameters, *, attributed: bool, deadline: Deadline) -> Credentials:
        """Fail."""
        raise NotImplementedError

    def destination(self, region: str, typed: str | None) -> str:
        """Fail."""
        raise NotImplementedError

    def console_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:
        """Fail."""
        raise NotImplementedError


def unknown() -> AwsUnavailable:
    return AwsUnavailable("STS of this account has not answered.")


@dataclass(slots=True)
class TwoAccounts:
    """Dana's tenants: dev01 in the second account, prod01 in the first, which is the default."""

    rig: Rig
    first: ConsoleBroker = field(init=False)
    second: ConsoleBroker = field(init=False)
    unreached: set[str] = field(default_factory=set)
    """The names of the accounts whose id is unknown."""
    prefixes: dict[str, str] = field(default_factory=dict)
    """The role prefixes of accounts by name, where they are not the common one."""

    def __post_init__(self) -> None:
        self.first = ConsoleBroker(self.rig.clock, account_id=FIRST)
        self.second = ConsoleBroker(self.rig.clock, account_id=SECOND, partition="aws-us-gov")
        self.rig.change_role(DEV, GOV_DEV.target.role_arn)

    @property
    def accounts(self) -> Accounts:
        return Accounts(
            self._account("first", FIRST, "aws", "us-west-2"),
            self._account("second", SECOND, "aws-us-gov", "us-gov-west-1"),
        )

    @property
    def brokers(self) -> Brokers:
        reached: dict[str, Broker] = {"first": self.first, "second": self.second}
        return PerAccount(reached | {name: UnreachedBroker() for name in self.unreached})

    def issue(self, scope: Scope, purpose: Purpose = Purpose.KEYS) -> IssuedSession:
        """Issue a session: of the admin scope to the Administrator, of a tenant to Dana."""
        rig, user = self.rig, ADMIN if scope.is_admin else DANA
        issuer = Issuer(rig.database, rig.committer, self.accounts, self.brokers, rig.clock)
        return issuer.issue(caller(user), SessionRequest(scope, purpose=purpose))

    def _account(self, name: str, account_id: str, partition: str, region: str) -> Account:
        def find_id() -> str:
            if name in self.unreached:
                raise unknown()
            return account_id

        prefix = self.prefixes.get(name, "duploservices-")
        return Account(name, partition, region, prefix, "duplomaster", find_id)


@pytest.fixture
def two(sqlite_url: str) -> Iterator[TwoAccounts]:
    """Two accounts in different partitions, on SQLite."""
    with closing(Database(sqlite_url)) as database:
        for rig in build(database):
            yield TwoAccounts(rig)


def test_a_tenants_session_comes_from_the_broker_of_its_account(two: TwoAccounts) -> None:
    session = two.issue(Scope.of_tenant("dev01"), WITH_LINK)

    assert (session.account_id, session.role_arn) == (SECOND, GOV_DEV.target.role_arn)
    assert [asked.role_arn for asked, _ in two.second.assumed] == [GOV_DEV.target.role_arn]
    (page,) = two.second.opened_pages
    assert page.startswith("https://eu-west-1.console.amazonaws-us-gov.com/")
    assert (two.first.assumed, two.first.opened_pages, two.first.maximum_reads) == ([], [], 0)


def test_the_admin_scope_is_that_of_the_default_account(two: TwoAccounts) -> None:
    session = two.issue(ADMIN_SCOPE, WITH_LINK)

    assert (session.account_id, session.role_arn, session.region) == (FIRST, MASTER, "us-west-2")
    assert [asked.role_arn for asked, _ in two.first.assumed] == [MASTER]
    assert two.first.opened_pages[0].startswith("https://us-west-2.console.aws.amazon.com/")
    assert two.second.assumed == []


def test_an_account_that_is_not_reached_yet_stops_only_its_own_tenants(two: TwoAccounts) -> None:
    two.unreached.add("second")

    assert two.issue(Scope.of_tenant("prod01")).account_id == FIRST
    assert two.issue(ADMIN_SCOPE).account_id == FIRST
    with pytest.raises(AwsUnavailable, match="this account has not answered"):
        two.issue(Scope.of_tenant("dev01"))

    assert sorted(two.rig.states()) == ["denied", "issued", "issued"]
    assert GOV_DEV.target.role_arn not in {asked.role_arn for asked, _ in two.first.assumed}


def test_a_default_account_that_is_not_reached_yet_does_not_stop_the_others(two: TwoAccounts) -> None:
    two.unreached.add("first")

    assert two.issue(Scope.of_tenant("dev01")).account_id == SECOND
    for scope in (ADMIN_SCOPE, Scope.of_tenant("prod01")):
        with pytest.raises(AwsUnavailable, match="this account has not answered"):
            two.issue(scope)


def test_a_role_outside_of_all_accounts_is_reached_through_the_default_one(two: TwoAccounts) -> None:
    foreign = "arn:aws:iam::333333333333:role/theirs"
    two.rig.change_role(DEV, foreign)

    session = two.issue(Scope.of_tenant("dev01"))

    assert (session.account_id, session.role_arn) == (FIRST, foreign)
    assert [asked.role_arn for asked, _ in two.first.assumed] == [foreign]


def test_roles_of_the_same_name_do_not_share_their_cached_maximum(two: TwoAccounts) -> None:
    two.first.maximum, two.second.maximum = timedelta(hours=1), timedelta(hours=2)
    two.rig.change_role(DATA, DEV.target.role_arn)
    rig = two.rig
    reports = DurationReports(rig.database, two.accounts, two.brokers, rig.clock)

    for tenant in (DEV, DATA):
        reports.of_tenant(tenant.id)

    assert {fact["role_arn"]: fact["maximum"] for fact in rig.facts()} == {
        GOV_DEV.target.role_arn: 7200,
        DEV.target.role_arn: 3600,
    }


def test_a_tenants_resources_are_searched_in_its_account(two: TwoAccounts) -> None:
    rig, finders = two.rig, {"first": FakeFinder(), "second": FakeFinder()}
    each: PerAccount[ResourceFinder] = PerAccount(finders)
    inventory = Inventory(rig.database, rig.committer, two.accounts, two.brokers, each, KINDS, rig.clock)

    inventory.listing(caller(DANA), "dev01")

    assert [asked.role_arn for asked, _ in two.second.assumed] == [GOV_DEV.target.role_arn]
    assert (len(finders["first"].queries), len(finders["second"].queries)) == (0, 1)
    assert two.first.assumed == []


def test_the_owner_of_a_name_is_found_by_the_prefix_of_its_account(two: TwoAccounts) -> None:
    two.prefixes["second"] = "gov-"
    rig, arn = two.rig, "arn:aws-us-gov:s3:::gov-dev01-files"
    finder = FakeFinder([TaggedArn(arn, {}), TaggedArn("arn:aws-us-gov:s3:::duploservices-dev01-x", {})])
    each: PerAccount[ResourceFinder] = PerAccount({"first": FakeFinder(), "second": finder})
    inventory = Inventory(rig.database, rig.committer, two.accounts, two.brokers, each, KINDS, rig.clock)

    tenant, resource = inventory.owner(caller(DANA), arn)

    assert (tenant.name, resource.arn) == ("dev01", arn)
    assert [each.arn for each in inventory.listing(caller(DANA), "dev01").resources] == [arn]


def test_legacy_clients_get_the_account_of_the_tenant(two: TwoAccounts) -> None:
    plans = Plans(VisibleTenants(two.rig.database, two.rig.clock), two.accounts)

    answers = [
        json.loads(bytes(plans.plan_of(ApiRequest(caller(DANA), {"tenant": name}, {}, b"")).body))
        for name in ("dev01", "prod01")
    ]

    assert [(answer["AccountId"], answer["Region"]) for answer in answers] == [
        (SECOND, "us-gov-west-1"),
        (FIRST, "us-west-2"),
    ]


@dataclass(slots=True)
class NamedRoles:
    """IAM of one account that records the roles it is asked about."""

    asked: list[str] = field(default_factory=list)

    def make(self, tenant: Tenant) -> None:
        """Record the tenant's role."""
        self.asked.append(f"make {tenant.target.role_arn}")

    def empty(self, tenant: Tenant) -> bool:
        """Record the tenant's role."""
        self.asked.append(f"empty {tenant.target.role_arn}")
        return True

    def restore(self, tenant: Tenant) -> bool:
        """Record the tenant's role."""
        self.asked.append(f"restore {tenant.target.role_arn}")
        return True

    def read(self, role_arn: str) -> RoleState:
        """Record the role."""
        self.asked.append(f"read {role_arn}")
        return RoleState(role_arn, timedelta(hours=1), {}, None, {})

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:  # noqa: ARG002  the protocol's
        """Record the role."""
        self.asked.append(f"set_maximum {role_arn}")

    def set_services(self, role_arn: str, services: Collection[str] | None) -> None:  # noqa: ARG002  the protocol's
        """Record the role."""
        self.asked.append(f"set_services {role_arn}")


def test_iam_is_called_in_the_account_of_the_role(two: TwoAccounts) -> None:
    iam = {"first": NamedRoles(), "second": NamedRoles()}
    each: PerAccount[IamRoles] = PerAccount(iam)
    roles, arn = AccountRoles(two.accounts, each), GOV_DEV.target.role_arn

    roles.make(GOV_DEV)
    assert (roles.empty(GOV_DEV), roles.restore(GOV_DEV)) == (True, True)
    assert roles.read(arn).arn == arn
    roles.set_maximum(arn, timedelta(hours=2))
    roles.read(MASTER)

    assert iam["second"].asked == [
        f"{call} {arn}" for call in ("make", "empty", "restore", "read", "set_maximum")
    ]
    assert iam["first"].asked == [f"read {MASTER}"]


def test_the_master_role_of_every_account_follows_the_setting(two: TwoAccounts) -> None:
    rig, iam = two.rig, {"first": NamedRoles(), "second": NamedRoles()}
    each: PerAccount[IamRoles] = PerAccount(iam)
    rig.set(ADMIN_JIT_SESSION_DURATION, "7200")
    roles = AccountRoles(two.accounts, each)
    reconciler = RoleReconciler(rig.database, rig.committer, rig.clock, roles, two.accounts)

    with closing(reconciler):
        reconciler.reconcile()
        reconciler.run()
        # Now that one account cannot be reached, its role is neither forgotten nor changed again.
        two.unreached.add("second")
        reconciler.reconcile()
        reconciler.run()

    assert reconciler.progress()[RoleOutcome.DONE] == len(MASTERS)
    assert [iam[name].asked for name in ("first", "second")] == [
        [f"read {master}", f"set_maximum {master}"] for master in MASTERS
    ]


def test_a_tenants_role_is_examined_in_its_account(two: TwoAccounts) -> None:
    finding = Finding("role", Level.FINE, "dev01", "It is set up correctly.")
    each: PerAccount[Examiner] = PerAccount({"first": FakeDoctor(), "second": FakeDoctor([finding])})
    examiners = AccountExaminers(two.accounts, each)

    assert examiners.examine_tenant(GOV_DEV) == [finding]
    assert examiners.examine_tenant(DEV) == []
