"""The table of the kinds of issuers."""

from collections.abc import Mapping

from daypass.portal.workloads.issuers.model import IssuerKind, IssuerRules
from daypass.portal.workloads.issuers.platforms import AWS, GOOGLE, KUBERNETES, OTHER, TERRAFORM
from daypass.portal.workloads.issuers.repositories import BITBUCKET, BUILDKITE, CIRCLECI, GITHUB, GITLAB

KINDS: Mapping[IssuerKind, IssuerRules] = {
    rules.kind: rules
    for rules in (
        GITHUB,
        GITLAB,
        BITBUCKET,
        CIRCLECI,
        BUILDKITE,
        TERRAFORM,
        KUBERNETES,
        AWS,
        GOOGLE,
        OTHER,
    )
}
"""The kinds of issuers, in the order of the form."""
