"""The grammar of custom permission sets: every accepted set only takes access away."""

import json
from dataclasses import replace
from typing import Any

import pytest

from daypass.portal.accounts.model import set_role_name
from daypass.portal.aws.fence.levels import levels
from daypass.portal.aws.fence.permission_templates import templates
from daypass.portal.errors import InvalidRequest
from daypass.portal.permission_sets import grammar
from daypass.portal.permission_sets.model import PermissionSet, PermissionSetTemplate
from daypass.portal.tenants import names
from tests.portal.permission_sets.examples import ANALYST, DATA_READER, custom, deny

DENY = deny("s3:Get*")


def parsed(*statements: object) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = json.loads(grammar.denies_text(statements, grammar.any_action))
    return result


@pytest.mark.parametrize(
    "statement",
    [
        DENY,
        {"Effect": "Deny", "NotAction": ["s3:*", "ec2:Describe?"], "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::duploservices-dev01-*"},
        {"Effect": "Deny", "Action": "*", "Resource": ["arn:*:s3:::${aws:PrincipalTag/TENANT_NAME}-x"]},
        {
            "Sid": "Office",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::/32"]},
                "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": "TENANT_*"},
                "Null": {"aws:ResourceTag/TENANT_NAME": "false"},
            },
        },
    ],
)
def test_a_valid_deny_statement_is_kept_as_it_is(statement: dict[str, Any]) -> None:
    assert parsed(statement) == [statement]


def test_numbers_and_booleans_of_a_condition_become_text() -> None:
    condition = {"Bool": {"aws:ViaAWSService": False}, "NumericLessThan": {"s3:max-keys": [1, 2]}}

    [statement] = parsed({**DENY, "Condition": condition})

    assert statement["Condition"] == {
        "Bool": {"aws:ViaAWSService": "false"},
        "NumericLessThan": {"s3:max-keys": ["1", "2"]},
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Effect": "Allow"}, "only take access away"),
        ({"Effect": "deny"}, "only take access away"),
        ({"Effect": None}, "only take access away"),
        ({"Principal": "*"}, "“Principal” is not one of"),
        ({"action": "s3:*"}, "“action” is not one of"),
        ({"NotAction": "s3:*"}, "either Action or NotAction"),
        ({"NotResource": "*"}, "either Resource or NotResource"),
        ({"Action": []}, "its Action is empty"),
        ({"Action": "s3"}, "“s3” is not valid as Action"),
        ({"Action": "*:Get*"}, "is not valid as Action"),
        ({"Action": "s3:Get Object"}, "is not valid as Action"),
        ({"Action": "s3:Get*\n"}, "is not valid as Action"),
        ({"Action": {"s3": "*"}}, "is not valid as Action"),
        ({"Resource": "bucket"}, "“bucket” is not valid as Resource"),
        ({"Resource": "arn:aws:s3:::${aws:username}"}, "the variable “${aws:username}” is not supported"),
        ({"Resource": "arn:aws:s3:::${aws:PrincipalTag/TENANT_NAME"}, "is not supported"),
        ({"Sid": "No spaces"}, "is not valid as Sid"),
        ({"Condition": {}}, "not a JSON object of operators"),
        ({"Condition": {"StringEqual": {"aws:RequestedRegion": "x"}}}, "is not a condition operator of IAM"),
        ({"Condition": {"StringEquals": {}}}, "needs a JSON object of condition keys"),
        ({"Condition": {"StringEquals": {"region": "x"}}}, "is not valid as condition key"),
        ({"Condition": {"StringEquals": {"aws:RequestedRegion": {"a": "b"}}}}, "is not valid as"),
        ({"Condition": {"StringEquals": {"aws:RequestedRegion": "a\u202eb"}}}, "is not valid as"),
    ],
)
def test_every_other_statement_is_refused_with_its_number(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^Deny statement 2: ") as refused:
        parsed(DENY, {**DENY, **change})

    assert reason in refused.value.reason
    assert refused.value.reason.isprintable()


@pytest.mark.parametrize("statement", ["Deny", None, 1, [DENY]])
def test_a_statement_is_a_json_object(statement: object) -> None:
    with pytest.raises(InvalidRequest, match="Deny statement 1: it is not a JSON object"):
        parsed(statement)


def test_sids_are_unique_and_statements_few() -> None:
    with pytest.raises(InvalidRequest, match="the same Sid"):
        parsed({**DENY, "Sid": "A"}, {**DENY, "Sid": "A"})
    with pytest.raises(InvalidRequest, match="at most 20"):
        parsed(*[DENY] * 21)


def test_an_action_that_aws_does_not_have_is_refused() -> None:
    def is_known(pattern: str) -> bool:
        return pattern == "s3:Get*"

    assert grammar.denies_text([DENY, {**DENY, "Action": "*"}], is_known)
    for element in ("Action", "NotAction"):
        with pytest.raises(InvalidRequest, match="AWS has no action “s3:Gat\\*”"):
            grammar.denies_text([{"Effect": "Deny", element: "s3:Gat*", "Resource": "*"}], is_known)


@pytest.mark.parametrize(
    ("text", "kept", "arn"),
    [
        ("daypass-level-x", "daypass-level-x", "arn:aws-cn:iam::123456789012:policy/daypass-level-x"),
        ("team/a/b", "team/a/b", "arn:aws-cn:iam::123456789012:policy/team/a/b"),
        ("aws:ReadOnlyAccess", "aws:ReadOnlyAccess", "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"),
        (
            "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
            "aws:job-function/ViewOnlyAccess",
            "arn:aws-cn:iam::aws:policy/job-function/ViewOnlyAccess",
        ),
    ],
)
def test_a_policy_is_kept_by_name_and_gets_the_account_and_partition_of_the_role(
    text: str, kept: str, arn: str
) -> None:
    [policy] = grammar.policies_of([text])

    assert policy.text == kept
    assert policy.arn("aws-cn", "123456789012") == arn


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aws:",
        "/a",
        "a/",
        "a//b",
        "a b",
        "a\n",
        "ä",
        "x" * 129,
        "arn:aws:iam::123456789012:policy/x",
    ],
)
def test_any_other_text_is_no_policy(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a managed policy"):
        grammar.policies_of([text])


def test_a_policy_is_named_once() -> None:
    with pytest.raises(InvalidRequest, match="named twice"):
        grammar.policies_of(["aws:ReadOnlyAccess", "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"])


@pytest.mark.parametrize("name", ["full", "read-only"])
def test_a_custom_set_cannot_have_the_name_of_a_built_in_one(name: str) -> None:
    with pytest.raises(InvalidRequest, match="built-in"):
        grammar.check_name(name)


@pytest.mark.parametrize("name", ["", "a", "Operator", "a--b", "-a", "a-", "a_b", "a:b", "x" * 33, "ab\n"])
def test_a_name_is_lower_case_letters_digits_and_dashes(name: str) -> None:
    with pytest.raises(InvalidRequest, match="name has 2 to 32"):
        grammar.check_name(name)


@pytest.mark.parametrize(
    ("permission_set", "reason"),
    [
        (custom("operator", 0, DENY), "from 1 to 999"),
        (custom("operator", 1000, DENY), "from 1 to 999"),
        (custom("operator", 500), "Without both it would be “full”"),
        (custom("operator", 500, deny(*[f"s3:Get{number:04}*" for number in range(200)])), "2,048"),
        (custom("operator", 500, policies=tuple(f"p{number}" for number in range(11))), "at most 10"),
        (replace(ANALYST, rank=0), "from 1 to 999"),
        (replace(ANALYST, name="a" * 20), "at most 19 characters"),
        (replace(ANALYST, policies=DATA_READER.policies), "has no policies and no Deny statements"),
        (replace(ANALYST, denies=DATA_READER.denies), "has no policies and no Deny statements"),
    ],
)
def test_a_set_has_a_rank_between_the_built_in_ones_and_fits_a_session(
    permission_set: PermissionSet, reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        grammar.check(permission_set)


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_every_template_is_a_valid_set(template: PermissionSetTemplate) -> None:
    permission_set = custom(template.name, template.rank, *template.denies, policies=tuple(template.policies))

    grammar.check(permission_set)
    assert grammar.policies_of(template.policies) == permission_set.policies


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_a_template_names_the_generated_policy_of_its_level(template: PermissionSetTemplate) -> None:
    assert template.policies == (f"daypass-level-{template.name}",)
    assert template.name in levels()
    assert template.denies == ()


def test_every_role_of_a_set_has_a_name_that_iam_accepts() -> None:
    longest = "a" * grammar.LONGEST_NAME_WITH_ROLE

    grammar.check(replace(ANALYST, name=longest))

    assert len(set_role_name("t" * names.LONGEST, longest)) == 64
