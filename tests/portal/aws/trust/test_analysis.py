"""Tests of the analysis of trust policies."""

from typing import Any

import pytest

from daypass.portal.aws.trust.analysis import Trust, read_trust
from daypass.portal.aws.trust.conditions import RequestKeys, holds
from daypass.portal.aws.trust.policy import trust_policy
from tests.portal.aws.trust.former import former_trust

PORTAL = "arn:aws:iam::123456789012:user/daypass-portal"
ALL = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]


def read(principal: object, actions: object = ALL, condition: object = None) -> Trust:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": actions}
    if condition is not None:
        statement["Condition"] = condition
    return read_trust({"Statement": statement}, PORTAL, "external", "dev01")


def asking(external_id: object) -> dict[str, Any]:
    return {"StringEquals": {"sts:ExternalId": external_id}}


@pytest.mark.parametrize(("external_id", "tenant"), [("external", "dev01"), (None, None)])
def test_the_trust_policy_that_the_portal_writes_has_no_faults(
    external_id: str | None, tenant: str | None
) -> None:
    for principal in (PORTAL, "arn:aws:iam::123456789012:role/daypass"):
        trust = read_trust(trust_policy(principal, external_id, tenant), principal, external_id, tenant)

        assert trust == Trust([], [], is_open=False, requires_external_id=external_id is not None)


def test_the_trust_policy_of_an_earlier_version_works_without_pins() -> None:
    trust = read_trust(former_trust(PORTAL, "external"), PORTAL, "external", "dev01")

    assert trust == Trust(
        [],
        [],
        is_open=False,
        requires_external_id=True,
        accepts_tenant_tag=True,
        are_tags_pinned=False,
    )


@pytest.mark.parametrize(
    "principal",
    [{"AWS": PORTAL}, {"AWS": ["x", PORTAL]}, {"AWS": "123456789012"}, {"AWS": PORTAL[:25] + ":root"}],
)
def test_a_trust_policy_with_the_portal_principal_allows_it(principal: object) -> None:
    assert not read(principal).exclusion_reasons


@pytest.mark.parametrize(
    "principal", [{"AWS": "arn:aws:iam::123456789012:user/other"}, {"Service": "ec2.amazonaws.com"}, None, {}]
)
def test_a_trust_policy_with_another_principal_excludes_the_portal(principal: object) -> None:
    assert read(principal).exclusion_reasons


def test_each_fault_is_reported_separately() -> None:
    portal = {"AWS": PORTAL}

    assert read(portal, "sts:TagSession").exclusion_reasons
    assert read(portal, "sts:AssumeRole").missing_actions == ["sts:SetSourceIdentity", "sts:TagSession"]
    assert read(portal, "sts:*").missing_actions == []
    assert read(portal, condition=asking("another")).exclusion_reasons
    assert not read(portal, condition=asking(["another", "external"])).exclusion_reasons
    assert not read(portal).requires_external_id
    assert read("*").is_open
    assert read({"AWS": "*"}).is_open


def test_for_all_values_holds_without_an_external_id() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": PORTAL}, "Action": ALL}
    statement["Condition"] = {"ForAllValues:StringEquals": {"sts:ExternalId": "external"}}
    document = {"Statement": statement}

    assert not read_trust(document, PORTAL, None, "dev01").exclusion_reasons
    assert read_trust(document, PORTAL, "another", "dev01").exclusion_reasons
    assert not read_trust(document, PORTAL, "external", "dev01").requires_external_id


def own(*others: dict[str, Any], tenant: str | None = "dev01") -> Trust:
    """Analyse the portal's own trust policy with additional statements."""
    policy: Any = trust_policy(PORTAL, "external", tenant)
    statements = [*policy["Statement"], *others]
    return read_trust({"Statement": statements}, PORTAL, "external", tenant)


def denying(action: str, condition: object = None, principal: object = "*", **more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    statement = {"Effect": "Deny", "Principal": principal, "Action": action, **more}
    return statement if condition is None else statement | {"Condition": condition}


def test_statements_are_united() -> None:
    portal = {"Effect": "Allow", "Principal": {"AWS": PORTAL}}
    parts = [
        portal | {"Action": action} for action in ("sts:AssumeRole", "sts:Tag*", "STS:SetSourceIdentity")
    ]

    trust = read_trust({"Statement": parts}, PORTAL, "external", "dev01")

    assert not trust.exclusion_reasons
    assert trust.missing_actions == []
    assert not trust.requires_external_id


def test_a_deny_statement_that_applies_to_the_portal_is_found() -> None:
    assume, tag = "sts:AssumeRole", "sts:TagSession"
    without_tag = {"Null": {"aws:RequestTag/daypass:issuance": "false"}}

    assert "“Freeze”" in own(denying(assume, Sid="Freeze")).exclusion_reasons[0]
    assert "number 5" in own(denying("sts:*")).exclusion_reasons[0]
    assert own(denying(tag, without_tag)).missing_actions == [tag]
    assert own(denying(assume, {"StringNotEquals": {"sts:ExternalId": "another"}})).exclusion_reasons
    assert own({"Effect": "Deny", "Principal": "*", "NotAction": "iam:*"}).exclusion_reasons


@pytest.mark.parametrize(
    "deny",
    [
        denying("sts:AssumeRole", principal={"AWS": "arn:aws:iam::123456789012:user/other"}),
        denying("sts:AssumeRole", {"StringNotEquals": {"sts:ExternalId": "external"}}),
        denying("sts:AssumeRole", {"StringEquals": {"sts:ExternalId": "another"}}),
        # Whether these hold depends on the request.
        denying("sts:AssumeRole", {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        denying("sts:AssumeRole", {"StringEquals": {"sts:SourceIdentity": "dana-id"}}),
        denying("sts:AssumeRoleWithSAML"),
    ],
)
def test_a_deny_statement_that_does_not_apply_is_no_fault(deny: dict[str, Any]) -> None:
    assert own(deny) == own()


def test_conditions_that_refuse_the_tags_of_the_portal_are_found() -> None:
    def tagging(condition: object) -> Trust:
        portal = {"Effect": "Allow", "Principal": {"AWS": PORTAL}}
        tag = portal | {"Action": "sts:TagSession", "Condition": condition}
        rest = portal | {"Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
        return read_trust({"Statement": [rest, tag]}, PORTAL, "external", "dev01")

    for refused in (
        {"StringEquals": {"aws:RequestTag/daypass:tenant": "dev02"}},
        {"StringEquals": {"aws:RequestTag/project": "x"}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["daypass:tenant"]}},
    ):
        assert tagging(refused).missing_actions == ["sts:TagSession"], refused
    for accepted in (
        {"StringEquals": {"aws:RequestTag/Daypass:Tenant": ["dev02", "dev01"]}},
        {"ForAllValues:StringLike": {"aws:TagKeys": "daypass:*"}},
        {"StringEqualsIfExists": {"aws:RequestTag/project": "x"}},
        {"StringLike": {"aws:RequestTag/daypass:tenant": "${aws:PrincipalTag/x}"}},
    ):
        assert tagging(accepted).missing_actions == [], accepted


@pytest.mark.parametrize(
    "condition",
    [
        {"ForAllValues:StringLike": {"aws:TagKeys": "daypass:*"}},
        {"StringEquals": {"aws:RequestTag/daypass:tenant": "dev01"}},
        {
            "ForAllValues:StringLike": {"aws:TagKeys": "daypass:*"},
            "StringLike": {"aws:RequestTag/daypass:tenant": "dev01*"},
        },
        {
            "ForAllValues:StringLike": {"aws:TagKeys": "daypass:*"},
            "StringEqualsIfExists": {"aws:RequestTag/daypass:tenant": "dev01"},
        },
    ],
)
def test_conditions_that_accept_other_tags_do_not_pin_them(condition: dict[str, Any]) -> None:
    second = {"Effect": "Allow", "Principal": {"AWS": PORTAL}, "Action": "sts:TagSession"}

    assert not own(second | {"Condition": condition}).are_tags_pinned


OTHER = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/ops"}, "Action": "sts:*"}


@pytest.mark.parametrize(
    ("deny", "accepts"),
    [
        (None, True),
        (denying("sts:TagSession"), False),
        (denying("sts:*", {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": "Tenant_Name"}}), False),
        (denying("sts:*", {"Null": {"aws:RequestTag/TENANT_NAME": "false"}}), False),
        (denying("sts:*", {"ForAnyValue:StringEquals": {"aws:TagKeys": "TENANT_NAME"}}), True),
        (denying("sts:TagSession", principal=OTHER["Principal"]), False),
        (denying("sts:TagSession", principal={"AWS": PORTAL}), True),
        (denying("sts:TagSession", {"Bool": {"aws:SecureTransport": "false"}}), True),
    ],
)
def test_the_tenant_tag_must_be_denied_to_all_trusted_principals(
    deny: dict[str, Any] | None, *, accepts: bool
) -> None:
    statements = [OTHER] if deny is None else [OTHER, deny]

    trust = read_trust({"Statement": statements}, PORTAL, "external", "dev01")

    assert trust.accepts_tenant_tag == accepts
    assert not own(OTHER).accepts_tenant_tag


@pytest.mark.parametrize(
    ("condition", "accepts"),
    [
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "TENANT_NAME"}}, True),
        ({"StringEquals": {"aws:RequestTag/project": "x"}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["project", "owner"]}}, False),
        ({"Null": {"aws:RequestTag/TENANT_NAME": "true"}}, False),
    ],
)
def test_a_foreign_statement_may_accept_the_tenant_tag_alone_or_with_other_tags(
    condition: dict[str, Any], *, accepts: bool
) -> None:
    document = {"Statement": [OTHER | {"Condition": condition}]}

    assert read_trust(document, PORTAL, "external", "dev01").accepts_tenant_tag == accepts


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ({"StringEquals": {"sts:ExternalId": "a"}}, True),
        ({"StringEquals": {"sts:ExternalId": "A"}}, False),
        ({"StringNotEquals": {"sts:ExternalId": ["a", "b"]}}, False),
        ({"StringLike": {"sts:ExternalId": "?"}}, True),
        ({"StringLike": {"sts:ExternalId": "[a]"}}, False),
        ({"Null": {"sts:ExternalId": "true"}}, False),
        ({"Null": {"aws:RequestTag/x": True}}, True),
        ({"StringNotEquals": {"aws:RequestTag/x": "y"}}, True),
        ({"ForAnyValue:StringNotEquals": {"aws:RequestTag/x": "y"}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["k"]}}, False),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["k"]}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, None),
        ({"NumericLessThan": {"sts:ExternalId": "1"}}, None),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"sts:ExternalId": "b"}}, False),
        (None, True),
    ],
)
def test_conditions_are_evaluated_as_by_iam(condition: object, *, result: bool | None) -> None:
    request = RequestKeys({"sts:externalid": ["a"], "aws:tagkeys": ["k", "l"]})

    assert holds(condition, request) is result
