"""Tests of what the portal can read of an account's fence, on a fake of IAM."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import NoReturn

import pytest
from botocore.exceptions import EndpointConnectionError

from daypass.portal.accounts.model import DEFAULT, Account, Generation
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.accounts.rollout import PolicyStatus
from daypass.portal.accounts.store import VerifiedPolicies
from daypass.portal.aws import policies
from daypass.portal.aws.fence.shared import digest, shared_policies
from daypass.portal.diagnostics.account_fence import RecordedStatus, purpose_of
from daypass.portal.diagnostics.fence_reader import CACHED_FOR, AwsFenceReader
from daypass.portal.errors import AwsNotAllowed, AwsUnavailable, RoleNotFound
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON
from tests.portal.diagnostics.test_doctor import ACCOUNT, DEV, Iam, change, iam, role, roles_of, shared

__all__ = ["iam", "shared"]

OPERATOR = "daypass-level-operator"


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    with closing(Database(sqlite_url)) as opened:
        with opened.writing() as connection:
            TenantStore(connection).add(DEV, NOON)
        yield opened


@pytest.fixture
def reader(database: Database, iam: Iam) -> AwsFenceReader:
    def patient() -> NoReturn:
        pytest.fail("an Administrator waits, so only the prompt client may be used")

    roles = replace(roles_of(iam), iam=patient)
    return AwsFenceReader(database, Accounts(ACCOUNT), PerAccount({DEFAULT: roles}))


def test_the_record_of_an_account_compares_digests_with_this_release(
    reader: AwsFenceReader, database: Database
) -> None:
    (never,) = reader.recorded()
    assert (never.account_id, never.verified_at, never.is_ready) == (ACCOUNT.id, None, False)
    assert {policy.status for policy in never.policies} == {RecordedStatus.ABSENT}

    found = {name: digest(policy) for name, policy in shared_policies(ACCOUNT).items()}
    with database.writing() as connection:
        VerifiedPolicies(connection).record(ACCOUNT.id, found, NOON)
    (ready,) = reader.recorded()
    assert (ready.verified_at, ready.is_ready) == (NOON, True)

    del found["daypass-fence-data"]
    with database.writing() as connection:
        VerifiedPolicies(connection).record(ACCOUNT.id, {**found, OPERATOR: "of another release"}, NOON)
    (partial,) = reader.recorded()
    others = {one.name: one.status for one in partial.policies if one.status is not RecordedStatus.CURRENT}
    assert others == {"daypass-fence-data": RecordedStatus.ABSENT, OPERATOR: RecordedStatus.EARLIER}
    assert not partial.is_ready


def test_the_reason_is_given_for_an_account_whose_id_is_unknown(database: Database, iam: Iam) -> None:
    def unknown() -> str:
        raise AwsUnavailable("AWS did not answer.")

    account = Account(DEFAULT, "aws", "us-west-2", "duploservices-", "duplomaster", unknown)
    roles = replace(roles_of(iam), account=account)
    reader = AwsFenceReader(database, Accounts(account), PerAccount({DEFAULT: roles}))

    (found,) = reader.recorded()

    assert not found.is_ready
    assert (found.account_id, found.obstacle, found.policies) == (None, "AWS did not answer.", ())
    assert [finding.sentence for finding in reader.compare(DEFAULT).findings] == ["AWS did not answer."]


def test_a_comparison_has_the_difference_and_the_order(reader: AwsFenceReader, shared: Iam) -> None:
    complete = reader.compare(DEFAULT).plan
    assert complete is not None
    assert complete.is_complete

    del shared.policies[ACCOUNT.policy_arn(OPERATOR)]
    shared.policies[ACCOUNT.policy_arn("daypass-fence-data")] = policies.document(
        policies.allow(["s3:*"], ["arn:aws:s3:::elsewhere"])
    )
    plan = reader.compare(DEFAULT).plan

    assert plan is not None
    states = {one.name: one for one in plan.policies if one.status is not PolicyStatus.SAME}
    assert {name: one.status for name, one in states.items()} == {
        "daypass-fence-data": PolicyStatus.DIFFERENT,
        OPERATOR: PolicyStatus.MISSING,
    }
    assert states["daypass-fence-data"].default_version == "v7"
    assert any("arn:aws:s3:::elsewhere" in line for line in states["daypass-fence-data"].patch)
    assert f"{OPERATOR}: create the policy" in [step.sentence for step in plan.steps]


def test_a_portal_that_may_not_read_policies_gets_the_permissions_that_it_lacks(
    reader: AwsFenceReader, iam: Iam
) -> None:
    iam.may_read_policies = False

    comparison = reader.compare(DEFAULT)

    assert comparison.plan is None
    (finding,) = comparison.findings
    assert "iam:GetPolicyVersion" in finding.patch


def test_roles_of_both_generations_are_told_apart(
    reader: AwsFenceReader, iam: Iam, database: Database
) -> None:
    old, gone = (_tenant(name) for name in ("aged01", "gone01"))
    with database.writing() as connection:
        for tenant in (old, gone):
            TenantStore(connection).add(tenant, NOON)
    iam.roles["duploservices-aged01"] = role(old.target.role_arn, "external")
    change(iam, PermissionsBoundary={"PermissionsBoundaryArn": ACCOUNT.boundary_of(Generation.SHARED)})

    tenants = reader.tenants_of(DEFAULT)
    read = {each.tenant.name: each.fence for each in reader.roles(DEFAULT, tenants)}

    assert list(read) == ["aged01", "dev01", "gone01"]
    assert read["aged01"] is not None and read["aged01"].generation == Generation.INLINE
    dev = read["dev01"]
    assert dev is not None and dev.generation == Generation.SHARED
    # The fake's role has no attached policies, and still the inline policy.
    assert [sentence.partition(":")[0] for sentence in dev.differences] == [
        "Not attached",
        "The inline policy “tenant” of generation 1 is still there.",
    ]
    assert read["gone01"] is not None and read["gone01"].differences == [
        f"There is no role {gone.target.role_arn}."
    ]


def test_a_migrated_role_has_no_differences(reader: AwsFenceReader, shared: Iam) -> None:
    (dev,) = reader.roles(DEFAULT, [DEV])

    assert shared.attached
    assert dev.fence is not None and dev.fence.differences == []


def test_reading_of_roles_ends_when_aws_stops_answering(reader: AwsFenceReader, iam: Iam) -> None:
    calls = []

    def unanswered(RoleName: str) -> dict[str, object]:  # noqa: N803  boto3's name
        calls.append(RoleName)
        raise EndpointConnectionError(endpoint_url="https://iam.amazonaws.com")

    iam.get_role = unanswered  # type: ignore[method-assign]  # a fake
    read = reader.roles(DEFAULT, [DEV, _tenant("other01"), _tenant("third01")])

    assert calls == ["duploservices-dev01"]
    assert [one.fence for one in read] == [None, None, None]
    assert read[1].obstacle == read[2].obstacle != read[0].obstacle


def test_one_role_that_may_not_be_read_does_not_end_the_reading(reader: AwsFenceReader, shared: Iam) -> None:
    shared.may_list_attached = False
    iam_role = role(ACCOUNT.role_arn("duploservices-aged01"), "external")
    shared.roles["duploservices-aged01"] = iam_role

    refused, read = reader.roles(DEFAULT, [DEV, _tenant("aged01")])

    assert refused.fence is None and "iam:ListAttachedRolePolicies" in refused.obstacle
    assert read.fence is not None


def test_the_generation_of_a_role_is_read_once_a_minute(database: Database, iam: Iam) -> None:
    now = [0.0]
    reader = AwsFenceReader(
        database, Accounts(ACCOUNT), PerAccount({DEFAULT: roles_of(iam)}), monotonic=lambda: now[0]
    )
    assert reader.generation(DEV) is Generation.INLINE

    change(iam, PermissionsBoundary={"PermissionsBoundaryArn": ACCOUNT.boundary_of(Generation.SHARED)})
    now[0] = CACHED_FOR - 1
    assert reader.generation(DEV) is Generation.INLINE
    now[0] = CACHED_FOR
    assert reader.generation(DEV) is Generation.SHARED

    change(iam, PermissionsBoundary={"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/own"})
    now[0] = 3 * CACHED_FOR
    assert reader.generation(DEV) is None
    iam.is_allowed = False
    now[0] = 5 * CACHED_FOR
    with pytest.raises(AwsNotAllowed):
        reader.generation(DEV)
    iam.is_allowed = True
    iam.roles.clear()
    with pytest.raises(RoleNotFound):
        reader.generation(DEV)


def test_the_purpose_of_each_policy_follows_from_its_name() -> None:
    purposes = {purpose_of(name) for name in shared_policies(ACCOUNT)}

    assert purposes == {"Shared policy", "Boundary", "Permission set"}
    assert purpose_of("daypass-boundary-2") == "Boundary"
    assert purpose_of(OPERATOR) == "Permission set"


def _tenant(name: str) -> Tenant:
    arn = ACCOUNT.role_arn(f"duploservices-{name}")
    return Tenant.with_role(TenantId(name), name, "us-west-2", arn, "external")
