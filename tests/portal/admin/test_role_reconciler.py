"""Reconciliation of the roles' maximum session durations with the settings."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from daypass.portal.access.model import Caller, LimitSource
from daypass.portal.accounts.registry import Accounts
from daypass.portal.admin import administration as all_of
from daypass.portal.admin.roles.provisioner import RoleOutcome, RoleStatus
from daypass.portal.admin.roles.reconciler import AT_ONCE, RoleReconciler
from daypass.portal.admin.roles.remediation import Remedy
from daypass.portal.admin.settings.duration_report import DurationReports
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AwsError, AwsNotAllowed, InvalidRequest, RoleNotFound
from daypass.portal.settings.registry import APP_CONFIG
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState
from tests.fakes import FakeBroker, brokers_of
from tests.portal.admin.conftest import ACCOUNT, REGION, RULES, Administration
from tests.settings import put_text

HOUR = timedelta(hours=1)
MASTER = RULES.account.master_target.role_arn
DEV, PROD = RULES.own("dev01"), RULES.own("prod01")


@dataclass
class FakeIam:
    """An IAM that applies and remembers all changes, except those in `refusals`."""

    maxima: dict[str, timedelta] = field(default_factory=dict)
    services: dict[str, Collection[str] | None] = field(default_factory=dict)
    refusals: dict[str, AwsError] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    # Barriers at which calls wait for the expected others, and then shortly for one too many.
    _together: threading.Barrier | None = None
    _one_more: threading.Barrier | None = None
    during: Callable[[], None] | None = None
    """A hook that runs once during a change of a role."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, role_arn: str) -> RoleState:
        """Return the role with its current maximum."""
        return RoleState(role_arn, self.maxima.get(role_arn, HOUR), {}, None, {})

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Set the maximum, or raise the refusal for this role."""
        with self._lock:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        self._wait_for_the_others()
        with self._lock:
            self.busy -= 1
            during, self.during = self.during, None
        if during is not None:
            during()
        if role_arn in self.refusals:
            raise self.refusals[role_arn]
        self.maxima[role_arn] = maximum

    def set_services(self, role_arn: str, services: Collection[str] | None) -> None:
        """Set the services, or raise the refusal for this role."""
        if role_arn in self.refusals:
            raise self.refusals[role_arn]
        self.services[role_arn] = services

    def gather(self, crowd: int) -> None:
        """Make calls wait until that many run in parallel."""
        self._together, self._one_more = threading.Barrier(crowd), threading.Barrier(crowd + 1)

    def _wait_for_the_others(self) -> None:
        if self._together is not None and self._one_more is not None:
            self._together.wait(60)
            with suppress(threading.BrokenBarrierError):
                self._one_more.wait(0.3)

    def make(self, tenant: Tenant) -> None:
        """Remember the tenant."""
        self.made.append(tenant.name)

    def empty(self, tenant: Tenant) -> bool:
        """Leave the role unchanged."""
        return tenant.name not in self.made

    def restore(self, tenant: Tenant) -> bool:
        """Leave the role unchanged."""
        return tenant.name not in self.made


@pytest.fixture
def iam() -> FakeIam:
    return FakeIam()


@pytest.fixture
def maxima(administration: Administration, committer: Committer, iam: FakeIam) -> Iterator[RoleReconciler]:
    """A reconciler with a second tenant, without a background run."""
    administration.tenants.create("prod01", REGION, OPERATOR)
    opened = RoleReconciler(
        administration.database, committer, administration.clock, iam, Accounts(RULES.account)
    )
    yield opened
    opened.close()


def put(administration: Administration, tenant: str | None, key: str, hours: int) -> None:
    type_ = APP_CONFIG if tenant is None else ""
    put_text(administration.settings, tenant, type_, key, str(hours * 3600), OPERATOR)


def results(maxima: RoleReconciler) -> dict[str, tuple[timedelta, RoleOutcome]]:
    """Return maximum and outcome by role ARN."""
    records = maxima.page(None, PageRequest()).records
    return {change.desired.role_arn: (change.desired.maximum, change.outcome) for change in records}


def settle(maxima: RoleReconciler) -> None:
    """Reconcile, and wait for the result."""
    maxima.reconcile()
    maxima.run()


def test_a_maximum_for_all_tenants_is_set_on_every_tenants_role_but_not_the_master_role(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    put(administration, None, "MaximumSessionDuration", 4)

    settle(maxima)

    assert iam.maxima == {DEV: 4 * HOUR, PROD: 4 * HOUR}
    assert results(maxima) == {DEV: (4 * HOUR, RoleOutcome.DONE), PROD: (4 * HOUR, RoleOutcome.DONE)}
    told = [(subject, outcome) for _, subject, outcome, _ in administration.events("role.set_maximum")]
    assert sorted(told) == [(DEV, "done"), (PROD, "done")]


def test_a_tenants_own_maximum_takes_precedence(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    put(administration, None, "MaximumSessionDuration", 4)
    put(administration, "dev01", "aws_role_max_session_duration", 2)

    settle(maxima)

    assert iam.maxima == {DEV: 2 * HOUR, PROD: 4 * HOUR}


def test_admin_sessions_raise_the_master_roles_maximum_and_never_lower_it(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    put(administration, None, "AdminJitSessionDuration", 8)
    settle(maxima)
    assert iam.maxima == {MASTER: 8 * HOUR}

    put(administration, None, "AdminJitSessionDuration", 2)
    settle(maxima)

    assert iam.maxima == {MASTER: 8 * HOUR}
    assert results(maxima) == {MASTER: (2 * HOUR, RoleOutcome.DONE)}


def test_a_refusal_of_aws_is_stored_with_its_reason_and_the_manual_remedy(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    iam.refusals[DEV] = AwsNotAllowed("AWS does not let the portal change the role.")
    put(administration, None, "MaximumSessionDuration", 2)

    settle(maxima)

    change = maxima.of(DEV)
    assert isinstance(change, RoleStatus)
    assert (change.outcome, change.reason) == (
        RoleOutcome.REFUSED,
        "AWS does not let the portal change the role.",
    )
    assert change.remedy == Remedy(
        "aws iam update-role --role-name duploservices-dev01 --max-session-duration 7200",
        "MaxSessionDuration: 7200",
        "max_session_duration = 7200",
    )
    found = {outcome: number for outcome, number in maxima.progress().items() if number}
    assert found == {RoleOutcome.DONE: 1, RoleOutcome.REFUSED: 1}
    assert administration.settings.find(None, APP_CONFIG, "MaximumSessionDuration").stored.value == "7200"


def test_a_role_that_does_not_exist_has_no_manual_remedy(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    iam.refusals[DEV] = RoleNotFound("There is no such role.")
    put(administration, None, "MaximumSessionDuration", 2)
    settle(maxima)

    change = maxima.of(DEV)
    assert isinstance(change, RoleStatus)
    assert (change.outcome, change.reason, change.remedy) == (
        RoleOutcome.MISSING,
        "There is no such role.",
        None,
    )
    assert maxima.progress()[RoleOutcome.MISSING] == 1

    iam.refusals.clear()
    maxima.try_again()
    maxima.run()
    assert results(maxima)[DEV] == (2 * HOUR, RoleOutcome.DONE)


def test_a_refused_change_is_retried_only_on_request(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    iam.refusals[DEV] = AwsNotAllowed("No.")
    put(administration, None, "MaximumSessionDuration", 2)
    settle(maxima)
    iam.refusals.clear()

    settle(maxima)
    assert results(maxima)[DEV] == (2 * HOUR, RoleOutcome.REFUSED)
    maxima.try_again()
    maxima.run()

    assert results(maxima)[DEV] == (2 * HOUR, RoleOutcome.DONE)


def test_an_interrupted_run_is_resumed_by_the_next_process(
    administration: Administration, committer: Committer, maxima: RoleReconciler, iam: FakeIam
) -> None:
    maxima.close()
    put(administration, None, "MaximumSessionDuration", 2)
    maxima.reconcile()
    assert set(results(maxima).values()) == {(2 * HOUR, RoleOutcome.WAITING)}

    later = RoleReconciler(
        administration.database, committer, administration.clock, iam, Accounts(RULES.account)
    )
    settle(later)
    later.close()

    assert iam.maxima == {DEV: 2 * HOUR, PROD: 2 * HOUR}


def test_a_setting_changed_during_a_run_is_applied_last(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    put(administration, None, "MaximumSessionDuration", 2)
    maxima.reconcile()
    put(administration, None, "MaximumSessionDuration", 3)

    settle(maxima)

    assert results(maxima) == {DEV: (3 * HOUR, RoleOutcome.DONE), PROD: (3 * HOUR, RoleOutcome.DONE)}
    assert iam.maxima == {DEV: 3 * HOUR, PROD: 3 * HOUR}


def test_a_setting_changed_during_the_call_of_aws_is_still_pending(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    def change_of_mind() -> None:
        put(administration, None, "MaximumSessionDuration", 3)
        maxima.reconcile()

    put(administration, None, "MaximumSessionDuration", 2)
    iam.during = change_of_mind

    settle(maxima)

    assert iam.maxima == {DEV: 3 * HOUR, PROD: 3 * HOUR}
    assert results(maxima) == {DEV: (3 * HOUR, RoleOutcome.DONE), PROD: (3 * HOUR, RoleOutcome.DONE)}


def test_removing_a_setting_leaves_the_roles_unchanged(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    put(administration, None, "MaximumSessionDuration", 2)
    settle(maxima)

    administration.settings.remove(None, APP_CONFIG, "MaximumSessionDuration", OPERATOR)
    settle(maxima)

    assert results(maxima) == {DEV: (2 * HOUR, RoleOutcome.LEFT), PROD: (2 * HOUR, RoleOutcome.LEFT)}
    assert iam.maxima == {DEV: 2 * HOUR, PROD: 2 * HOUR}

    administration.tenants.delete("prod01", OPERATOR)
    settle(maxima)
    assert results(maxima) == {DEV: (2 * HOUR, RoleOutcome.LEFT)}

    # The role may have been changed by hand in the meantime, so the same value is applied again.
    iam.maxima.clear()
    put(administration, None, "MaximumSessionDuration", 2)
    settle(maxima)
    assert results(maxima) == {DEV: (2 * HOUR, RoleOutcome.DONE)}
    assert iam.maxima == {DEV: 2 * HOUR}


def test_a_refused_change_is_deleted_with_its_setting(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    iam.refusals[DEV] = AwsNotAllowed("No.")
    put(administration, None, "MaximumSessionDuration", 2)
    settle(maxima)

    administration.settings.remove(None, APP_CONFIG, "MaximumSessionDuration", OPERATOR)
    settle(maxima)

    assert results(maxima) == {PROD: (2 * HOUR, RoleOutcome.LEFT)}


def test_the_number_of_roles_changed_in_parallel_is_limited(
    administration: Administration, maxima: RoleReconciler, iam: FakeIam
) -> None:
    for number in range(2 * AT_ONCE - 2):
        administration.tenants.create(f"team{number}", REGION, OPERATOR)
    put(administration, None, "MaximumSessionDuration", 2)
    iam.gather(AT_ONCE)

    settle(maxima)

    assert iam.busiest == AT_ONCE
    assert len(iam.maxima) == 2 * AT_ONCE


def test_a_changed_setting_starts_the_reconciliation(
    administration: Administration, committer: Committer, maxima: RoleReconciler, iam: FakeIam, alice: Caller
) -> None:
    built = all_of.administration(administration.identity, RULES, iam, maxima)
    put_text(built.settings, None, APP_CONFIG, "MaximumSessionDuration", "7200", alice)
    built.tenants.create("new01", REGION, alice)
    with pytest.raises(InvalidRequest):
        built.tenants.create("new01-more", REGION, alice)
    maxima.close()
    settled = RoleReconciler(
        administration.database, committer, administration.clock, iam, Accounts(RULES.account)
    )
    settled.run()
    settled.close()

    assert iam.made == ["new01"]
    assert iam.maxima == {DEV: 2 * HOUR, PROD: 2 * HOUR, RULES.own("new01"): 2 * HOUR}


def durations(administration: Administration, broker: FakeBroker) -> DurationReports:
    return DurationReports(
        administration.database, Accounts(RULES.account), brokers_of(broker), administration.clock
    )


def test_the_duration_report_names_the_deciding_limit_and_the_remedy(
    administration: Administration, maxima: RoleReconciler
) -> None:
    broker = FakeBroker(administration.clock, account_id=ACCOUNT, maximum=HOUR)
    put(administration, "dev01", "aws_access_token_validity", 2)

    ruler = durations(administration, broker).of_tenant("dev01")

    assert ruler.limit(LimitSource.CONFIGURED) == 2 * HOUR
    assert ruler.limit(LimitSource.ROLE_MAXIMUM) == HOUR
    assert (ruler.validity.duration, ruler.validity.deciding_limit.source) == (HOUR, LimitSource.ROLE_MAXIMUM)
    assert ruler.remedy == "The role's own maximum is shorter. Raise “AWS Role Max Session Duration”."

    put(administration, "dev01", "aws_role_max_session_duration", 2)
    settle(maxima)

    # The next request knows the new maximum without a call of AWS.
    ruler = durations(administration, broker).of_tenant("dev01")
    assert (ruler.validity.duration, ruler.remedy) == (2 * HOUR, None)
    assert broker.maximum_reads == 1


def test_the_duration_report_explains_the_limit_of_role_chaining(administration: Administration) -> None:
    broker = FakeBroker(administration.clock, account_id=ACCOUNT, maximum=12 * HOUR, is_chained=True)
    put(administration, None, "AdminJitSessionDuration", 8)

    ruler = durations(administration, broker).of_admin()

    assert ruler.validity.duration == HOUR
    assert "Run the portal with an IAM user's keys" in (ruler.remedy or "")
