"""Limits of tenants' roles to some AWS services, from the setting to the role."""

from collections.abc import Iterator

import pytest

from daypass.portal.accounts.registry import Accounts
from daypass.portal.admin.roles.provisioner import RoleOutcome
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.admin.settings.service import Settings
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AwsNotAllowed, InvalidRequest, RoleNotFound
from tests.portal.admin.conftest import REGION, RULES, Administration
from tests.portal.admin.test_role_reconciler import FakeIam
from tests.settings import put_text

DEV, PROD = RULES.own("dev01"), RULES.own("prod01")
KEY = "aws_services"


@pytest.fixture
def iam() -> FakeIam:
    return FakeIam()


@pytest.fixture
def reconciler(
    administration: Administration, committer: Committer, iam: FakeIam
) -> Iterator[RoleReconciler]:
    """A reconciler with a second tenant, without a background run."""
    administration.tenants.create("prod01", REGION, OPERATOR)
    opened = RoleReconciler(
        administration.database, committer, administration.clock, iam, Accounts(RULES.account)
    )
    yield opened
    opened.close()


@pytest.fixture
def settings(administration: Administration) -> Settings:
    return Settings(administration.settings.executor, services=("s3", "sqs", "lambda"))


def settle(reconciler: RoleReconciler) -> None:
    """Reconcile, and wait for the result."""
    reconciler.reconcile()
    reconciler.run()


def record_desired(reconciler: RoleReconciler) -> None:
    """Store the desired limits, without a run in the background."""
    with reconciler.services.database.writing() as connection:
        reconciler.services.record_desired(connection)


def results(reconciler: RoleReconciler) -> dict[str, tuple[str, RoleOutcome]]:
    """Return the services and the outcome by role ARN."""
    return {arn: (status.desired.text, status.outcome) for arn, status in reconciler.services.all().items()}


def test_the_services_of_a_tenant_are_written_to_its_role_only(
    administration: Administration, settings: Settings, reconciler: RoleReconciler, iam: FakeIam
) -> None:
    put_text(settings, "dev01", "", KEY, "sqs, s3", OPERATOR)

    settle(reconciler)

    assert iam.services == {DEV: {"s3", "sqs"}}
    assert results(reconciler) == {DEV: ("s3,sqs", RoleOutcome.DONE)}
    ((_, subject, outcome, detail),) = administration.events("role.set_services")
    assert (subject, outcome, detail["wanted"]) == (DEV, "done", "s3,sqs")


def test_a_limit_is_removed_from_the_role_with_the_setting(
    settings: Settings, reconciler: RoleReconciler, iam: FakeIam
) -> None:
    put_text(settings, "dev01", "", KEY, "sqs", OPERATOR)
    settle(reconciler)
    settings.remove("dev01", "", KEY, OPERATOR)

    settle(reconciler)

    assert iam.services == {DEV: None}
    assert results(reconciler) == {DEV: ("", RoleOutcome.DONE)}
    settle(reconciler)
    assert results(reconciler) == {}, "A removed limit has no use after the next reconciliation."


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [(AwsNotAllowed("no"), RoleOutcome.REFUSED), (RoleNotFound("gone"), RoleOutcome.MISSING)],
)
def test_a_failure_is_kept_with_its_reason_until_it_is_tried_again(
    settings: Settings,
    reconciler: RoleReconciler,
    iam: FakeIam,
    refusal: AwsNotAllowed | RoleNotFound,
    outcome: RoleOutcome,
) -> None:
    iam.refusals[DEV] = refusal
    put_text(settings, "dev01", "", KEY, "sqs", OPERATOR)
    settle(reconciler)
    settle(reconciler)
    before = reconciler.services.all()[DEV]
    iam.refusals.clear()

    reconciler.try_again()
    reconciler.run()

    assert (before.outcome, before.reason) == (outcome, refusal.reason)
    assert iam.services == {DEV: {"sqs"}}
    assert results(reconciler) == {DEV: ("sqs", RoleOutcome.DONE)}


def test_a_setting_that_changes_while_its_role_is_written_is_written_again(
    settings: Settings, reconciler: RoleReconciler, iam: FakeIam
) -> None:
    put_text(settings, "dev01", "", KEY, "sqs", OPERATOR)
    record_desired(reconciler)
    (old,) = reconciler.services.waiting(10)
    put_text(settings, "dev01", "", KEY, "s3", OPERATOR)
    record_desired(reconciler)

    reconciler.services.apply(old)

    assert results(reconciler) == {DEV: ("s3", RoleOutcome.WAITING)}
    reconciler.run()
    assert iam.services == {DEV: {"s3"}}


def test_the_limit_of_a_deleted_tenant_is_forgotten(
    administration: Administration, settings: Settings, reconciler: RoleReconciler
) -> None:
    put_text(settings, "prod01", "", KEY, "sqs", OPERATOR)
    settle(reconciler)
    administration.tenants.delete("prod01", OPERATOR)

    settle(reconciler)

    assert results(reconciler) == {}


def test_a_service_that_tenants_cannot_use_is_refused_with_those_they_can(settings: Settings) -> None:
    with pytest.raises(InvalidRequest, match=r"use iam, organizations\. The services are: lambda, s3, sqs\."):
        put_text(settings, "dev01", "", KEY, "sqs,organizations,iam", OPERATOR)
    with pytest.raises(InvalidRequest, match="takes names of AWS services"):
        put_text(settings, "dev01", "", KEY, "sqs;s3", OPERATOR)
