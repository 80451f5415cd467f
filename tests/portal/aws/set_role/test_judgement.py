"""Each way in which the role of a permission set could have more rights than its tenant, and its refusal."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from daypass.portal.access.broker import SetRole
from daypass.portal.aws.fence.services_policy import services_policy
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import as_list
from daypass.portal.aws.set_role.judgement import Part, SetRoleState, find_problem, problems
from daypass.portal.aws.trust.policy import trust_policy

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/apps/portal"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apps/portal"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/portal/i-0123456789abcdef0"
ARN = f"arn:aws:iam::{ACCOUNT}:role/daypass-set-dev01.support"
TENANT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/duploservices-dev01"
WANTED = SetRole(role_arn=ARN, tenant_role_arn=TENANT_ROLE, tenant="dev01", external_id="e-1", services=None)


def policy(name: str, account: str = ACCOUNT, path: str = "") -> str:
    return f"arn:aws:iam::{account}:policy/{path}{name}"


GOOD = SetRoleState(
    arn=ARN,
    trust=trust_policy(USER, "e-1", "dev01"),
    boundary_arn=policy("daypass-boundary-2"),
    tags=[("team", "web"), ("TENANT_NAME", "dev01")],
    attached=[policy(name) for name in FENCE_POLICY_NAMES],
    inline={},
)


def changed_trust(sid: str, **elements: Any) -> SetRoleState:  # noqa: ANN401  of a policy
    """Return the good role with other elements in a statement of its trust policy; None omits one."""
    trust = trust_policy(USER, "e-1", "dev01")
    statements = [
        {key: value for key, value in (one | elements).items() if value is not None}
        if one["Sid"] == f"Daypass{sid}"
        else one
        for one in as_list(trust["Statement"])
    ]
    return replace(GOOD, trust=trust | {"Statement": statements})


def more_trust(**statement: object) -> SetRoleState:
    """Return the good role with one more statement in its trust policy."""
    trust = trust_policy(USER, "e-1", "dev01")
    return replace(GOOD, trust=trust | {"Statement": [*as_list(trust["Statement"]), statement]})


def inline(document: Mapping[str, Any] | None) -> SetRoleState:
    return replace(GOOD, inline={"own": document})


DENY = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


@pytest.mark.parametrize(
    ("state", "wanted", "principal"),
    [
        (GOOD, WANTED, USER),
        (replace(GOOD, trust=trust_policy(ROLE, "e-1", "dev01")), WANTED, SESSION),
        (
            replace(GOOD, trust=trust_policy(USER, None, "dev01")),
            replace(WANTED, external_id=None),
            USER,
        ),
        (
            replace(GOOD, attached=[policy("daypass-fence-guards"), policy("daypass-fence-denies")]),
            WANTED,
            USER,
        ),
        (inline({"Version": "2012-10-17", "Id": "own", "Statement": [DENY, DENY]}), WANTED, USER),
        (inline({"Statement": DENY}), WANTED, USER),
        (inline({"Statement": {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "x"}}), WANTED, USER),
        (
            replace(GOOD, inline={"services": services_policy({"s3"})}),
            replace(WANTED, services={"s3"}),
            USER,
        ),
        # The role may stay narrower than the tenant.
        (replace(GOOD, inline={"services": services_policy({"s3"})}), WANTED, USER),
        (more_trust(Effect="Deny", Principal="*", Action="sts:AssumeRoleWithSAML"), WANTED, USER),
        # The portal's own statement allows no other tags, and no other principal is trusted.
        (changed_trust("TenantTag", Action="sts:GetCallerIdentity"), WANTED, USER),
    ],
)
def test_a_role_that_only_takes_access_away_may_be_used(
    state: SetRoleState, wanted: SetRole, principal: str
) -> None:
    assert find_problem(state, wanted, principal) == ""


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "There is no role"),
        (
            replace(GOOD, arn=ARN.replace("role/", "role/own/")),
            "taken by arn:aws:iam::123456789012:role/own/",
        ),
        (replace(GOOD, arn=ARN.replace("dev01", "DEV01")), "another path or spelling"),
        (replace(GOOD, boundary_arn=None), "boundary of"),
        (replace(GOOD, boundary_arn=policy("daypass-boundary")), "must be"),
        (replace(GOOD, boundary_arn=policy("daypass-boundary-2", "210987654321")), "must be"),
        (replace(GOOD, boundary_arn=policy("daypass-boundary-2", path="own/")), "must be"),
        (replace(GOOD, tags=[]), "it has none"),
        (replace(GOOD, tags=[("TENANT_NAME", "dev02")]), "it has TENANT_NAME=dev02"),
        (replace(GOOD, tags=[("tenant_name", "dev01")]), "it has tenant_name=dev01"),
        (replace(GOOD, tags=[*GOOD.tags, ("tenant_name", "dev01")]), "and tenant_name=dev01"),
        (replace(GOOD, tags=[*GOOD.tags, ("Tenant_Name", "dev02")]), "and Tenant_Name=dev02"),
        (replace(GOOD, attached=GOOD.attached[:-1]), "lacks the attached policy daypass-fence-denies"),
        (replace(GOOD, attached=[]), "daypass-fence-guards and daypass-fence-denies"),
        (
            replace(GOOD, attached=[*GOOD.attached, "arn:aws:iam::aws:policy/ReadOnlyAccess"]),
            "aws iam detach-role-policy --role-name daypass-set-dev01.support --policy-arn arn:aws:iam::aws:",
        ),
        (replace(GOOD, attached=[*GOOD.attached, policy("daypass-fence-own")]), "no shared policy"),
        (replace(GOOD, attached=[*GOOD.attached, policy("daypass-level-operator")]), "no shared policy"),
        (
            replace(GOOD, attached=[*GOOD.attached, policy("daypass-fence-data", "210987654321")]),
            "no shared policy",
        ),
        (
            replace(GOOD, attached=[*GOOD.attached, policy("daypass-fence-data", path="own/")]),
            "no shared policy",
        ),
    ],
)
def test_a_role_outside_of_the_fence_is_refused(state: SetRoleState | None, said: str) -> None:
    problem = find_problem(state, WANTED, USER)

    assert said in problem
    assert "Remedy: " in problem


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"Statement": []},
        {"Statement": ALLOW},
        {"Statement": [DENY, ALLOW]},
        {"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]},
        {"Statement": [DENY | {"Effect": "deny"}]},
        {"Statement": [DENY | {"Effect": ["Deny", "Allow"]}]},
        {"Statement": [DENY | {"effect": "Allow"}]},
        {"Statement": [DENY, "Allow"]},
        {"Statement": [[ALLOW]]},
        {"Statement": [DENY], "statement": [ALLOW]},
        {"statement": [DENY]},
        {"Statement": [DENY | {"Condition": "x"}]},
        {"Statement": [DENY | {"Condition": {"StringEquals": "x"}}]},
    ],
)
def test_an_inline_policy_that_may_allow_is_refused(document: Mapping[str, Any] | None) -> None:
    assert "“own”" in find_problem(inline(document), WANTED, USER)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (replace(GOOD, trust=None), "elements that are not IAM's"),
        (replace(GOOD, trust={}), "no statement that allows"),
        (
            replace(GOOD, trust={"Statement": {"Effect": "Deny", "Principal": "*"}}),
            "no statement that allows",
        ),
        (replace(GOOD, trust=trust_policy(USER, "e-2", "dev01")), "different ExternalId"),
        (replace(GOOD, trust=trust_policy(USER, None, "dev01")), "require the tenant's ExternalId"),
        (replace(GOOD, trust=trust_policy(USER, "e-1", "dev02")), "sts:TagSession"),
        (replace(GOOD, trust=trust_policy(USER, "e-1", None)), "session tags"),
        (replace(GOOD, trust=trust_policy(f"{USER}2", "e-1", "dev01")), "it trusts"),
        (replace(GOOD, trust=trust_policy(ROLE, "e-1", "dev01")), "it trusts"),
        (changed_trust("Assume", Principal={"AWS": [USER, f"{USER}2"]}), "it trusts"),
        (changed_trust("Assume", Principal={"AWS": "*"}), "it trusts *"),
        (changed_trust("Assume", Principal="*"), "it trusts *"),
        (changed_trust("Assume", Principal={"AWS": ACCOUNT}), "it trusts"),
        (changed_trust("Assume", Principal={"AWS": []}), "it trusts AWS None"),
        (changed_trust("Assume", Principal=None, NotPrincipal={"AWS": USER}), "not IAM's"),
        (changed_trust("Assume", Principal=None), "it trusts None"),
        (changed_trust("Assume", Effect="allow"), "not IAM's"),
        (changed_trust("Assume", Condition=None), "require the tenant's ExternalId"),
        (changed_trust("Assume", Condition=[]), "not IAM's"),
        (changed_trust("SourceIdentity", Action="sts:GetCallerIdentity"), "sts:SetSourceIdentity"),
        (changed_trust("Tags", Condition=None), "session tags"),
        (
            more_trust(Effect="Allow", Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole"),
            "ec2",
        ),
        (
            more_trust(
                Effect="Allow",
                Principal={"Federated": "accounts.example"},
                Action="sts:AssumeRoleWithWebIdentity",
            ),
            "it trusts Federated accounts.example",
        ),
        (more_trust(Effect="Allow", Principal={"AWS": USER}, Action="sts:TagSession"), "session tags"),
        (
            more_trust(Effect="Deny", Principal={"AWS": USER}, Action="sts:AssumeRole"),
            "denies sts:AssumeRole",
        ),
    ],
)
def test_a_trust_policy_for_more_than_the_portal_is_refused(state: SetRoleState, said: str) -> None:
    problem = find_problem(state, WANTED, USER)

    assert "The trust policy of" in problem
    assert said in problem


@pytest.mark.parametrize(
    "principal",
    [
        f"arn:aws:sts::{ACCOUNT}:assumed-role/porta/i-1",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/ortal/i-1",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/apps/portal",
        "arn:aws:sts::210987654321:assumed-role/portal/i-1",
        f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/portal/i-1",
    ],
)
def test_the_role_of_another_session_is_not_the_portal(principal: str) -> None:
    state = replace(GOOD, trust=trust_policy(ROLE, "e-1", "dev01"))

    assert "it trusts" in find_problem(state, WANTED, principal)


def test_a_trust_policy_that_accepts_the_tenants_tag_is_refused() -> None:
    tags = {"ForAllValues:StringLike": {"aws:TagKeys": ["daypass:*", "TENANT_NAME"]}}
    tags["StringEquals"] = {"aws:RequestTag/daypass:tenant": ["dev01"]}
    state = changed_trust("Tags", Condition=tags)
    assert find_problem(state, WANTED, USER) == ""
    statements = [one for one in as_list((state.trust or {})["Statement"]) if one["Effect"] == "Allow"]

    problem = find_problem(replace(state, trust={"Statement": statements}), WANTED, USER)

    assert "session tags" in problem


def test_a_remedy_is_quoted_for_a_shell() -> None:
    hostile = policy("own", path="$(id)/")

    problem = find_problem(replace(GOOD, attached=[*GOOD.attached, hostile]), WANTED, USER)

    assert f"--policy-arn '{hostile}'`" in problem


def test_a_tenant_whose_name_overlaps_with_another_one_has_no_such_role() -> None:
    problem = find_problem(GOOD, replace(WANTED, overlapping=("dev01-x",)), USER)

    assert "the resources of dev01-x" in problem


def test_a_limit_that_is_no_policy_is_one_problem_more() -> None:
    state = replace(GOOD, inline={"services": {"Statement": ["s3"]}})

    found = list(problems(state, replace(WANTED, services={"s3"}), USER))

    assert [problem.part for problem in found] == [Part.INLINE, Part.SERVICES]


def test_the_root_user_as_the_principal_would_be_the_whole_account() -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"

    problem = find_problem(replace(GOOD, trust=trust_policy(root, "e-1", "dev01")), WANTED, root)

    assert "it trusts" in problem


@pytest.mark.parametrize(
    "inline_policies",
    [
        {},
        {"services": services_policy({"s3", "sqs"})},
        {"services": {"Statement": DENY}},
        {"limit": services_policy({"s3"})},
    ],
)
def test_the_role_of_a_limited_tenant_must_have_the_present_limit(
    inline_policies: Mapping[str, Mapping[str, Any]],
) -> None:
    problem = find_problem(replace(GOOD, inline=inline_policies), replace(WANTED, services={"s3"}), USER)

    assert "The tenant dev01 is limited to some AWS services" in problem
    assert "`daypass portal fence apply`. Run it after each change of the limit." in problem
