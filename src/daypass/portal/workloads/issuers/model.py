"""The kinds of issuers of ID tokens of workloads, and the form in which the portal knows each.

A rule demands immutable ids. Names can be given up and registered again by others, and the claim `sub` of
most CI systems consists of names.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class IssuerKind(StrEnum):
    """The kinds of issuers."""

    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    CIRCLECI = "circleci"
    BUILDKITE = "buildkite"
    TERRAFORM = "terraform"
    KUBERNETES = "kubernetes"
    AWS = "aws"
    GOOGLE = "google"
    OTHER = "other"


ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""The signature algorithms (RFC 7518, RFC 8037) that are accepted; AWS signs with RS256 or ES384."""

ID = r"[0-9]{1,20}"
UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_TEN_MINUTES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ClaimField:
    """A claim that the form of a kind asks for."""

    claim: str
    label: str
    help: str
    is_required: bool = False
    pattern: str = ".+"
    """The regular expression that the whole value must match."""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A value of a claim that no rule and no token may have, because others than maintainers can cause it."""

    claim: str
    pattern: str
    """The regular expression that matches the beginning of such values."""
    reason: str


@dataclass(frozen=True, slots=True)
class IssuerRules:
    """Everything that the portal knows about one kind of issuers."""

    kind: IssuerKind
    label: str
    issuer_pattern: str
    """The regular expression of the issuers that need no consent of the operator; "" if there are none."""
    issuer_help: str
    fields: tuple[ClaimField, ...]
    issuer: str = ""
    """The issuer that the form suggests."""
    one_of: tuple[frozenset[str], ...] = ()
    """Groups of claims of which a rule must demand at least one each, in addition to the required fields."""
    one_of_help: str = ""
    refused: tuple[Refused, ...] = ()
    foreign_audience: str = ""
    """The regular expression of the audiences that the issuer uses when the job asks for none; "" if none."""
    longest: timedelta = timedelta(hours=1)
    """The longest life of an ID token."""
    max_age: timedelta | None = _TEN_MINUTES
    """The age up to which an ID token is accepted; None for its whole life, if a job gets only one."""
    takes_keys: bool = False
    """Whether a rule may bring the keys of the issuer, because the portal may be unable to fetch them."""

    @property
    def required(self) -> Sequence[ClaimField]:
        """The claims that every rule of the kind must demand."""
        return [field for field in self.fields if field.is_required]

    def field(self, claim: str) -> ClaimField | None:
        """Return the field of a claim, or None if the form does not ask for it."""
        return next((field for field in self.fields if field.claim == claim), None)

    def find_refused(self, claims: Mapping[str, str | None]) -> Refused | None:
        """Return why *claims*, of a rule or of a token, can never be accepted; None if they can."""
        for refused in self.refused:
            value = claims.get(refused.claim)
            if value is not None and re.match(refused.pattern, value):
                return refused
        return None
