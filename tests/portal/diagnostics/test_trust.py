"""Tests of the doctor's findings on trust policies."""

import json
import shlex
from datetime import timedelta
from typing import Any

import pytest

from daypass.portal.aws import policies
from daypass.portal.aws.policies import Document
from daypass.portal.aws.trust.policy import trust_policy
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.diagnostics.trust import trust_findings
from daypass.portal.tenants.roles import RoleState
from tests.portal.aws.trust.former import former_trust
from tests.portal.diagnostics.test_doctor import ACCOUNT, DEV, PORTAL

OWN = trust_policy(PORTAL, "external", "dev01")
OPS = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT.role_arn("ops")}, "Action": "sts:AssumeRole"}


def findings_of(trust: Document) -> list[Finding]:
    state = RoleState(DEV.target.role_arn, timedelta(hours=1), trust, None, {})
    return list(trust_findings("dev01", state, PORTAL, DEV))


def with_statements(trust: Any, *others: dict[str, Any]) -> Document:  # noqa: ANN401  JSON
    return {**trust, "Statement": [*trust["Statement"], *others]}


def patched(finding: Finding) -> Any:  # noqa: ANN401  JSON
    """Return the trust policy that a finding's command writes."""
    words = shlex.split(finding.patch)
    assert words[:3] == ["aws", "iam", "update-assume-role-policy"]
    return json.loads(words[-1])


@pytest.mark.parametrize(
    ("trust", "code", "level"),
    [
        (trust_policy("arn:aws:iam::123456789012:user/other", "external", "dev01"), "trust", Level.ERROR),
        (trust_policy(PORTAL, "another", "dev01"), "trust", Level.ERROR),
        (trust_policy(PORTAL, None, "dev01"), "external_id", Level.WARNING),
        (trust_policy(PORTAL, "external", "dev02"), "attribution", Level.WARNING),
        (trust_policy(PORTAL, "external", None), "session_tags", Level.WARNING),
        (former_trust(PORTAL, "external"), "tenant_tag", Level.WARNING),
    ],
)
def test_a_wrong_trust_policy_comes_with_the_correct_one(trust: Document, code: str, level: Level) -> None:
    finding = next(one for one in findings_of(trust) if one.code == code)

    assert finding.level == level
    assert patched(finding) == OWN
    assert not any(finding.level is Level.ERROR for finding in findings_of(trust)) or code == "trust"


def test_a_command_keeps_the_statements_of_other_principals() -> None:
    (finding,) = findings_of(with_statements(former_trust(PORTAL, "external"), OPS))

    assert finding.code == "tenant_tag"
    assert patched(finding) == with_statements(OWN, OPS)
    assert findings_of(patched(finding)) == []


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Sid": "Freeze"}, "trust"),
        ({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}, "open"),
        ({"Effect": "Deny", "Principal": "*", "Action": "sts:TagSession"}, "attribution"),
        (OPS | {"Principal": {"AWS": PORTAL}}, "external_id"),
        (OPS | {"Principal": {"AWS": PORTAL}, "Action": "sts:TagSession"}, "session_tags"),
    ],
)
def test_a_fault_of_a_foreign_statement_has_no_command(statement: dict[str, Any], code: str) -> None:
    finding = next(one for one in findings_of(with_statements(OWN, statement)) if one.code == code)

    assert finding.patch == ""
    assert "edit or remove it" in finding.sentence
    assert "“Freeze”" in finding.sentence or code != "trust"


def test_a_role_that_refuses_attribution_is_a_warning() -> None:
    (assume, *_) = policies.as_list(OWN["Statement"])

    (finding,) = findings_of({"Statement": [assume]})

    assert (finding.code, finding.level) == ("attribution", Level.WARNING)
    assert "sts:SetSourceIdentity and sts:TagSession" in finding.sentence


def test_a_trust_policy_above_the_quota_is_announced() -> None:
    long = [OPS | {"Sid": f"Ops{number}"} for number in range(20)]

    (finding,) = findings_of(with_statements(former_trust(PORTAL, "external"), *long))

    assert "AWS allows 2048 without a higher quota" in finding.sentence
