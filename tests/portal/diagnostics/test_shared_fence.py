"""Tests of the doctor's findings on the policies that roles of generation 2 share."""

import json
import shlex
from contextlib import closing

import pytest

from daypass.portal.aws import policies
from daypass.portal.aws.fence.services_policy import services_policy
from daypass.portal.diagnostics.finding import Finding, Level, readiness
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.storage.engine import Database
from tests.fakes import NOON
from tests.portal.diagnostics.test_doctor import ACCOUNT, DEV, Examine, Iam, examine, iam, shared, verify
from tests.settings import store_setting

__all__ = ["examine", "iam", "shared"]

PLAN = "daypass portal fence plan"


def notices(findings: list[Finding]) -> list[tuple[str, Level, str]]:
    """Return the findings on the shared fence, without the others of level fine."""
    codes = {"shared_policies", "portal_permissions", "generation", "fence", "emptied"}
    return [(each.code, each.level, each.patch) for each in findings if each.code in codes]


def test_an_account_of_an_earlier_release_gets_a_notice(examine: Examine) -> None:
    assert notices(examine(with_fine=True)) == [("shared_policies", Level.FINE, PLAN)]


def test_an_identity_of_an_earlier_release_gets_a_notice_with_its_permissions(
    examine: Examine, iam: Iam
) -> None:
    iam.unreadable = frozenset({ACCOUNT.policy_arn("daypass-fence-data")})

    (finding,) = notices(examine(with_fine=True))

    assert finding[:2] == ("portal_permissions", Level.FINE)
    assert "iam:AttachRolePolicy" in finding[2]


@pytest.mark.usefixtures("shared")
def test_shared_policies_of_this_version_are_in_use_once_they_are_verified(
    examine: Examine, sqlite_url: str
) -> None:
    before = notices(examine(with_fine=True))
    verify(sqlite_url)

    assert before == [("shared_policies", Level.FINE, "daypass portal fence verify")]
    assert notices(examine(with_fine=True)) == [("shared_policies", Level.FINE, "")]


def test_missing_and_different_policies_have_the_plan_as_their_remedy(
    examine: Examine, shared: Iam, sqlite_url: str
) -> None:
    verify(sqlite_url)
    del shared.policies[ACCOUNT.policy_arn("daypass-level-operator")]
    shared.policies[ACCOUNT.policy_arn("daypass-boundary-2")] = policies.nothing()

    (finding,) = examine()

    assert (finding.code, finding.level, finding.patch) == ("shared_policies", Level.WARNING, PLAN)
    assert finding.sentence.endswith(" Missing: daypass-level-operator. Different: daypass-boundary-2.")


def test_verified_policies_that_are_all_gone_are_a_warning(examine: Examine, sqlite_url: str) -> None:
    verify(sqlite_url)

    assert [(each.code, each.level) for each in examine()] == [("shared_policies", Level.WARNING)]


def test_the_order_of_keys_is_no_difference(examine: Examine, shared: Iam) -> None:
    arn = ACCOUNT.policy_arn("daypass-fence-guards")
    shared.policies[arn] = json.loads(json.dumps(shared.policies[arn], sort_keys=True))

    assert examine() == []


@pytest.mark.usefixtures("shared")
def test_a_portal_that_may_not_attach_the_fence_gets_the_statements_that_it_lacks(
    examine: Examine, iam: Iam, sqlite_url: str
) -> None:
    verify(sqlite_url)
    iam.may_list_attached = False

    attach, role = examine()

    assert (attach.code, attach.level) == ("portal_permissions", Level.WARNING)
    assert (role.code, role.subject) == ("unreadable_policy", "dev01")
    assert attach.patch == role.patch
    actions = {action for one in json.loads(attach.patch)["Statement"] for action in one["Action"]}
    assert {"iam:AttachRolePolicy", "iam:ListAttachedRolePolicies", "iam:DeleteRolePolicy"} <= actions


def test_a_role_that_lacks_attached_policies_comes_with_the_commands(examine: Examine, shared: Iam) -> None:
    missing = [shared.attached["duploservices-dev01"].pop(0) for _ in range(2)]

    (finding,) = examine()

    assert (finding.code, finding.level, finding.subject) == ("fence", Level.WARNING, "dev01")
    assert [shlex.split(command) for command in finding.patch.split(" && ")] == [
        ["aws", "iam", "attach-role-policy", "--role-name", "duploservices-dev01", "--policy-arn", arn]
        for arn in missing
    ]


def test_an_emptied_role_with_the_shared_fence_is_an_error(examine: Examine, shared: Iam) -> None:
    shared.policies["duploservices-dev01/tenant"] = policies.nothing()

    (finding,) = examine()

    assert (finding.code, finding.level) == ("emptied", Level.ERROR)
    assert shlex.split(finding.patch)[2] == "delete-role-policy"
    assert readiness([finding]).can_issue is False


@pytest.mark.usefixtures("shared")
def test_a_role_of_an_earlier_version_is_fine_and_named_where_the_fence_is_verified(
    examine: Examine, iam: Iam, sqlite_url: str
) -> None:
    verify(sqlite_url)
    iam.roles["duploservices-dev01"]["PermissionsBoundary"] = {"PermissionsBoundaryArn": ACCOUNT.boundary_arn}
    iam.policies["duploservices-dev01/tenant"] = policies.tenant_policy(ACCOUNT, "dev01")

    findings = examine(with_fine=True)

    assert ("generation", Level.FINE, f"{PLAN} --tenant dev01") in notices(findings)
    assert all(each.level is Level.FINE for each in findings)


@pytest.mark.parametrize("may_read", [True, False])
def test_no_finding_blocks_the_sessions_of_a_tenant(examine: Examine, shared: Iam, may_read: bool) -> None:
    shared.may_list_attached = may_read
    shared.attached.clear()

    assert readiness(examine()).can_issue is True


def test_a_role_with_other_services_than_the_setting_comes_with_the_command(
    examine: Examine, iam: Iam, sqlite_url: str
) -> None:
    iam.policies["duploservices-dev01/services"] = services_policy({"sqs", "lambda"})
    (unset,) = examine()
    with closing(Database(sqlite_url)) as database, database.writing() as connection:
        place = (DEV.id, TENANT_SERVICES.type, TENANT_SERVICES.key)
        store_setting(connection, *place, "sqs", by="operator", now=NOON)

    (other,) = examine()
    iam.policies["duploservices-dev01/services"] = services_policy({"sqs"})

    assert (unset.code, unset.level, shlex.split(unset.patch)[2]) == (
        "services",
        Level.WARNING,
        "delete-role-policy",
    )
    assert (other.code, other.level) == ("services", Level.WARNING)
    assert json.loads(shlex.split(other.patch)[-1]) == services_policy({"sqs"})
    assert examine() == []
