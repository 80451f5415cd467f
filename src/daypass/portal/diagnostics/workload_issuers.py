"""The check that the operator still allows the issuers of the saved workload rules."""

from collections.abc import Collection, Iterator, Sequence

from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.workloads.checks import is_issuer_allowed
from daypass.portal.workloads.model import WorkloadRule


def examine_issuers(rules: Sequence[WorkloadRule], allowed: Collection[str]) -> Iterator[Finding]:
    """Report the enabled rules whose issuer is neither public nor in *allowed*: their jobs get no token."""
    enabled = [rule for rule in rules if not rule.is_disabled]
    refused = [rule for rule in enabled if not is_issuer_allowed(rule, allowed)]
    for rule in refused:
        yield Finding(
            "workload_issuer",
            Level.WARNING,
            f"workload rule {rule.name}",
            f"Its issuer {rule.issuer} is not allowed by the operator, so its jobs get no token. Allow the "
            "issuer, or disable or delete the rule.",
            f"DAYPASS_WORKLOAD_ISSUERS={','.join([*allowed, rule.issuer])}",
        )
    if enabled and not refused:
        sentence = "The issuers of all enabled rules are allowed."
        yield Finding("workload_issuer", Level.FINE, "workload rules", sentence)
