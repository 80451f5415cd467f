"""The checks of a rule before it is saved: each refuses a rule by which strangers could get access."""

import json
import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from daypass.common.session_limits import MAXIMUM_DURATION, MINIMUM_DURATION
from daypass.portal.errors import InvalidRequest, invalid_field
from daypass.portal.identity.jwt import InvalidToken
from daypass.portal.identity.jwt.keys import parse_key_set
from daypass.portal.identity.jwt.urls import discovery_url
from daypass.portal.workloads.issuers.model import IssuerKind, IssuerRules
from daypass.portal.workloads.issuers.table import KINDS
from daypass.portal.workloads.model import TAG_PREFIX, WorkloadRule
from daypass.portal.workloads.unknown_issuers import check_claims_of_unknown_kind

SHORTEST_TOKEN, LONGEST_TOKEN = timedelta(minutes=15), timedelta(minutes=60)
MOST_CLAIMS, MOST_TAGS, MOST_TENANTS = 16, 10, 50

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_TAG_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_TEXT = 512
_LARGEST_JWKS = 64 * 1024

_FOREIGN_AUDIENCES = re.compile(
    r"sts\.amazonaws\.com(\.cn)?|api://azureadtokenexchange|(https:)?//iam\.googleapis\.com/.*"
    r"|sigstore|pypi|vault|npm:registry\.npmjs\.org",
    re.IGNORECASE,
)
"""Audiences of other services, which could use a token here that a job made for them."""


def check_rule(rule: WorkloadRule, allowed_issuers: Collection[str]) -> None:
    """Return if *rule* may be saved; raises `InvalidRequest` with the reason and the remedy."""
    kind = KINDS[rule.kind]
    if not _NAME.fullmatch(rule.name):
        raise InvalidRequest(
            "A rule's name has 1 to 64 lower-case letters, digits, dots, dashes and underscores, and begins "
            "and ends with a letter or digit.",
            "name",
        )
    with invalid_field("issuer"):
        _check_issuer(kind, rule, allowed_issuers)
    with invalid_field("audience"):
        _check_audience(kind, rule)
    with invalid_field("claims"):
        _check_claims(kind, rule.claims)
    _check_limits(rule)
    with invalid_field("tags"):
        _check_tags(rule.tags)


def _check_issuer(kind: IssuerRules, rule: WorkloadRule, allowed: Collection[str]) -> None:
    issuer = rule.issuer
    if not is_issuer_url(issuer):
        raise InvalidRequest(
            "An issuer is an https:// URL without a query, exactly as the claim “iss” has it, with or "
            "without the slash at its end."
        )
    if rule.jwks is not None:
        with invalid_field("jwks"):
            _check_keys(kind, rule.jwks)
    # Otherwise the kind "other" would be the way around the conditions of the known kinds.
    if kind.kind is IssuerKind.OTHER and (known := _kind_of(issuer)) is not None:
        raise InvalidRequest(f"Choose the kind {known.label} for this issuer: its rules need certain claims.")
    check_issuer_allowed(rule, allowed)


def is_issuer_allowed(rule: WorkloadRule, allowed: Collection[str]) -> bool:
    """Return whether tokens of the rule's issuer may be accepted; *allowed* are the operator's own ones."""
    pattern = KINDS[rule.kind].issuer_pattern
    is_public = bool(pattern) and re.fullmatch(pattern, rule.issuer) is not None
    # With keys of its own the portal requests nothing from the issuer.
    return is_public or rule.issuer in allowed or rule.jwks is not None


def check_issuer_allowed(rule: WorkloadRule, allowed: Collection[str]) -> None:
    """Return if tokens of the rule's issuer may be accepted; raises `InvalidRequest` with the remedy."""
    if not is_issuer_allowed(rule, allowed):
        kind = KINDS[rule.kind]
        raise InvalidRequest(
            f"“{rule.issuer}” is not a known issuer of {kind.label}. {kind.issuer_help} For an issuer of "
            "your own, the portal's operator adds it to DAYPASS_WORKLOAD_ISSUERS first: the portal fetches "
            "keys from it."
        )


def is_issuer_url(text: str) -> bool:
    """Return whether *text* can be an issuer: an https URL without query, or an http URL of this machine."""
    return len(text) <= _LONGEST_TEXT and "*" not in text and discovery_url(text) is not None


def _kind_of(issuer: str) -> IssuerRules | None:
    known = (kind for kind in KINDS.values() if kind.issuer_pattern)
    return next((kind for kind in known if re.fullmatch(kind.issuer_pattern, issuer)), None)


def _check_keys(kind: IssuerRules, jwks: str) -> None:
    if not kind.takes_keys:
        raise InvalidRequest(f"The keys of {kind.label} are fetched from the issuer. Leave them out.")
    try:
        content = json.loads(jwks) if len(jwks) <= _LARGEST_JWKS else None
    except (ValueError, RecursionError):
        content = None
    keys = content.get("keys") if isinstance(content, dict) else None
    if not (isinstance(keys, list) and keys and all(isinstance(key, dict) for key in keys)):
        raise InvalidRequest(
            "The keys are a JSON Web Key Set, such as kubectl get --raw /openid/v1/jwks prints: "
            'a JSON object with a list "keys".'
        )
    if any(key.get("kty") == "oct" or "d" in key for key in keys):
        raise InvalidRequest(
            "The key set has a private or a symmetric key. Paste public keys only, and replace that key."
        )
    _check_usable(jwks)


def _check_usable(jwks: str) -> None:
    """Return if a token could be verified with the key set; without such a key, each exchange would fail."""
    try:
        usable = parse_key_set(jwks.encode(errors="surrogatepass")).keys
    except InvalidToken:
        raise InvalidRequest(
            "The keys are no JSON Web Key Set: a name is there twice, or it is nested too deeply."
        ) from None
    if not usable:
        raise InvalidRequest(
            "The key set has no key that the portal can use: RSA keys of at least 2048 bits, P-256, P-384, "
            "P-521 or Ed25519, for signatures."
        )


def _check_audience(kind: IssuerRules, rule: WorkloadRule) -> None:
    audience = rule.audience
    if not _is_text(audience):
        raise InvalidRequest("The audience is the text that the job asks for, such as the portal's address.")
    is_default = bool(kind.foreign_audience) and re.fullmatch(kind.foreign_audience, audience) is not None
    is_foreign = is_default or _FOREIGN_AUDIENCES.fullmatch(audience) is not None
    # An own GitHub uses its address with the owner as the audience of jobs that choose none.
    if is_foreign or audience == rule.issuer or _host_of(audience) == _host_of(rule.issuer):
        raise InvalidRequest(
            f"“{audience}” is the audience of other services too, which could use the job's token here. Use "
            "the portal's address."
        )


def _host_of(text: str) -> str | None:
    """Return host and port of an address in lower case; None for an audience that is no address."""
    try:
        return urlsplit(text).netloc.lower() or None
    except ValueError:
        return None


def _check_claims(kind: IssuerRules, claims: Mapping[str, str]) -> None:
    for name, value in claims.items():
        with invalid_field(f"claims.{name}"):
            _check_claim(kind, name, value)
    if len(claims) > MOST_CLAIMS:
        raise InvalidRequest(
            f"A rule demands at most {MOST_CLAIMS} claims. Leave those out that others imply."
        )
    for field in kind.required:
        if field.claim not in claims:
            raise InvalidRequest(
                f"A rule for {kind.label} must demand “{field.claim}” ({field.label}). {field.help}",
                f"claims.{field.claim}",
            )
    # After the required claims, which name what the group narrows further.
    for group in kind.one_of:
        if not group & claims.keys():
            raise InvalidRequest(f"The rule is too wide for {kind.label}. {kind.one_of_help}")
    if refused := kind.find_refused(claims):
        raise InvalidRequest(
            f"A rule must not demand this value of “{refused.claim}”. {refused.reason}",
            f"claims.{refused.claim}",
        )
    if kind.kind is IssuerKind.OTHER:
        check_claims_of_unknown_kind(claims)


def _check_claim(kind: IssuerRules, name: str, value: str) -> None:
    if not (_is_text(name) and _is_text(value)):
        raise InvalidRequest(
            f"A claim's name and value have 1 to {_LONGEST_TEXT} printable characters. A claim with an empty "
            "value is left out of the rule."
        )
    if name.startswith("/") and "/" not in name[1:]:
        # Otherwise the conditions of a claim, which know it by its name, would not apply.
        raise InvalidRequest(f"“{name}” is a claim at the top. Write its name without the slash.")
    # A demanded `exp` or `jti` would be fulfilled by one token only, and the rule has fields for the others.
    if name in {"iss", "aud", "exp", "iat", "nbf", "jti"}:
        raise InvalidRequest(f"The portal checks “{name}” by itself. Leave it out of the claims.")
    if "*" in value or value == "?":
        raise InvalidRequest(
            f"“{name}” has a wildcard. Values are compared exactly, so write one rule for each value."
        )
    field = kind.field(name)
    if field is not None and re.fullmatch(field.pattern, value) is None:
        example = f", such as {field.example}" if field.example else ""
        raise InvalidRequest(f"“{name}” ({field.label}) has an unexpected form{example}. {field.help}")


def _check_limits(rule: WorkloadRule) -> None:
    if not SHORTEST_TOKEN <= rule.token_lifetime <= LONGEST_TOKEN:
        raise InvalidRequest("The portal token lives from 15 to 60 minutes.", "token_lifetime")
    if not MINIMUM_DURATION <= rule.session_limit <= MAXIMUM_DURATION:
        raise InvalidRequest("The limit of AWS sessions is from 15 minutes to 12 hours.", "session_limit")
    if len(rule.tenants) > MOST_TENANTS:
        raise InvalidRequest(
            f"A rule lists at most {MOST_TENANTS} tenants. Make another rule for the others, with claims of "
            "its own.",
            "tenants",
        )


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MOST_TAGS:
        raise InvalidRequest(
            f"A rule makes at most {MOST_TAGS} session tags. Choose the claims that AWS's logs need."
        )
    for claim, name in tags.items():
        if not _is_text(claim):
            raise InvalidRequest("A session tag needs the name of a claim.")
        if not _TAG_NAME.fullmatch(name):
            raise InvalidRequest(
                "A session tag's name has 1 to 64 letters, digits, dots, dashes and underscores. AWS gets it "
                f"as {TAG_PREFIX}NAME."
            )
    # AWS compares the keys of session tags without regard to case.
    if len({name.lower() for name in tags.values()}) != len(tags):
        raise InvalidRequest("Two claims have the same session tag. AWS ignores case in the names.")


def _is_text(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_TEXT and text.isprintable()
