"""The findings of the doctor on the issuers of workload rules."""

from daypass.portal.diagnostics.finding import Level
from daypass.portal.diagnostics.workload_issuers import examine_issuers
from daypass.portal.workloads.issuers.model import IssuerKind
from tests.portal.workloads.test_checks import rule

OWN = "https://git.example.com"


def test_a_rule_whose_issuer_is_no_longer_allowed_is_reported_with_the_variable() -> None:
    rules = [rule(), rule(IssuerKind.GITLAB, name="own", issuer=OWN)]

    [finding] = examine_issuers(rules, ["https://ci.example.com"])

    assert (finding.level, finding.subject) == (Level.WARNING, "workload rule own")
    assert OWN in finding.sentence
    assert finding.patch == f"DAYPASS_WORKLOAD_ISSUERS=https://ci.example.com,{OWN}"


def test_allowed_issuers_are_fine_and_disabled_rules_are_left_out() -> None:
    own = rule(IssuerKind.GITLAB, name="own", issuer=OWN)
    disabled = rule(IssuerKind.GITLAB, name="off", issuer="https://old.example.com", is_disabled=True)

    assert [finding.level for finding in examine_issuers([own, disabled], [OWN])] == [Level.FINE]
    assert not list(examine_issuers([disabled], []))
