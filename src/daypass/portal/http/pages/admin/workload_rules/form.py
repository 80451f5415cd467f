"""The form of a workload rule: fields for what the people of each kind of issuer know, as text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from daypass.common.duration_text import format_duration
from daypass.portal.access.duration import parse_duration
from daypass.portal.admin.workloads.service import RuleDefinition
from daypass.portal.errors import (
    InvalidDuration,
    InvalidRequest,
    PermissionSetNotFound,
    PortalError,
    PreconditionFailed,
    TenantNotFound,
    UserNotFound,
    invalid_field,
)
from daypass.portal.http.layout.forms import WHOLE, Form
from daypass.portal.workloads.issuers.model import IssuerKind, IssuerRules
from daypass.portal.workloads.issuers.table import KINDS
from daypass.portal.workloads.model import TAG_PREFIX, WorkloadRule

_CLAIM = "claim "
"""The beginning of the names of the fields with the kind's claims."""

_LIFETIMES = tuple((str(minutes), f"{minutes} minutes") for minutes in (15, 30, 45, 60))


@dataclass(frozen=True, slots=True)
class ClaimInput:
    """The field of one claim that the kind asks for."""

    name: str
    """The name of the field in the form."""
    label: str
    help: str
    value: str
    is_required: bool
    placeholder: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The fields of the form as text."""

    kind: IssuerRules
    name: str = ""
    service_account: str = ""
    issuer: str = ""
    audience: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    """The claims that the kind asks for."""
    more_claims: str = ""
    """Further claims, one a line."""
    tenants: str = ""
    """One tenant a line, with its permission set."""
    tags: str = ""
    """One session tag a line, with its claim."""
    token_lifetime: str = "15"  # noqa: S105  minutes
    session_limit: str = "1h"
    jwks: str = ""
    is_disabled: bool = False
    version: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    """The errors by the names of the fields; `WHOLE` is an error of no single field."""

    @classmethod
    def empty(cls, kind: str, service_account: str, audience: str) -> "RuleForm":
        """Return the form for a new rule; an unknown kind is GitHub."""
        rules = KINDS[_kind(kind) or IssuerKind.GITHUB]
        # Suggested where the claims are known, so that AWS's own logs name the run.
        tags = "repository = repository\nrun = run_id" if rules.kind is IssuerKind.GITHUB else ""
        return cls(rules, service_account=service_account, issuer=rules.issuer, audience=audience, tags=tags)

    @classmethod
    def of(cls, rule: WorkloadRule, service_account: str, version: str) -> "RuleForm":
        """Return the fields that define an existing rule."""
        kind = KINDS[rule.kind]
        asked = {each.claim for each in kind.fields}
        return cls(
            kind,
            rule.name,
            service_account,
            rule.issuer,
            rule.audience,
            {name: value for name, value in rule.claims.items() if name in asked},
            _lines((name, value) for name, value in rule.claims.items() if name not in asked),
            _lines((each.name, each.permission_set.name) for each in rule.tenants),
            _lines((name, claim) for claim, name in rule.tags.items()),
            str(rule.token_lifetime // timedelta(minutes=1)),
            format_duration(rule.session_limit).replace(" ", ""),
            rule.jwks or "",
            rule.is_disabled,
            version,
        )

    @classmethod
    def submitted(cls, form: Form, name: str) -> "RuleForm":
        """Return the fields that were submitted for the rule *name*."""
        kind = KINDS[_kind(form.get("kind")) or IssuerKind.OTHER]
        claims = {each.claim: form.get(_CLAIM + each.claim) for each in kind.fields}
        return cls(
            kind,
            name,
            form.get("service_account"),
            form.get("issuer"),
            form.get("audience"),
            {name: value for name, value in claims.items() if value},
            _text(form, "more_claims"),
            _text(form, "tenants"),
            _text(form, "tags"),
            form.get("token_lifetime"),
            form.get("session_limit"),
            _text(form, "jwks"),
            form.has("disabled"),
            form.get("version"),
        )

    @property
    def inputs(self) -> Sequence[ClaimInput]:
        """The fields of the claims that the kind asks for."""
        return [
            ClaimInput(
                _CLAIM + each.claim,
                each.label,
                each.help,
                self.claims.get(each.claim, ""),
                each.is_required,
                each.example,
                self.errors.get(_CLAIM + each.claim, ""),
            )
            for each in self.kind.fields
        ]

    @property
    def lifetimes(self) -> Sequence[tuple[str, str]]:
        """The values and labels of the field *Portal token*."""
        return _LIFETIMES

    @property
    def tag_prefix(self) -> str:
        """The beginning of the keys of session tags in AWS."""
        return TAG_PREFIX

    def definition(self) -> RuleDefinition:
        """Return the definition in the fields; raises `InvalidRequest`."""
        with invalid_field("claims"):
            more_claims = _pairs(self.more_claims, "=", "A further claim")
        with invalid_field("tenants"):
            tenants = _pairs(self.tenants, "=", "A tenant", default="full")
        with invalid_field("tags"):
            tags = _pairs(self.tags, "=", "A session tag")
        return RuleDefinition(
            kind=self.kind.kind,
            claims={**self.claims, **more_claims},
            service_account=self.service_account,
            tenants=tenants,
            issuer=self.issuer,
            audience=self.audience,
            token_lifetime=_minutes(self.token_lifetime),
            session_limit=_duration(self.session_limit),
            tags={claim: name for name, claim in tags.items()},
            jwks=self.jwks or None,
            is_disabled=self.is_disabled,
        )

    def refused(self, refusal: PortalError, *, is_new: bool) -> "RuleForm":
        """Return the form with the error of *refusal* beside its field."""
        # A new rule expects that there is none of its name, so a failed precondition means that the name is
        # taken.
        if is_new and isinstance(refusal, PreconditionFailed):
            error = "A rule with this name exists already. Enter another name."
            return replace(self, errors={"name": error})
        field_name = self._field_of(refusal)
        # A field that the page does not show, which only a changed form can have.
        is_hidden = (field_name == "name" and not is_new) or (
            field_name == "jwks" and not self.kind.takes_keys
        )
        return replace(self, errors={WHOLE if is_hidden else field_name: refusal.reason})

    def _field_of(self, refusal: PortalError) -> str:
        if isinstance(refusal, UserNotFound):
            return "service_account"
        if isinstance(refusal, TenantNotFound | PermissionSetNotFound):
            return "tenants"
        if not isinstance(refusal, InvalidRequest):
            return WHOLE
        name, _, claim = refusal.field.partition(".")
        if name != "claims":
            return name or WHOLE
        return _CLAIM + claim if self.kind.field(claim) is not None else "more_claims"


def _kind(text: str) -> IssuerKind | None:
    return next((kind for kind in IssuerKind if kind.value == text), None)


def _text(form: Form, name: str) -> str:
    # Browsers submit CRLF line breaks.
    return form.raw(name).replace("\r\n", "\n").strip()


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in pairs)


def _pairs(text: str, sign: str, what: str, default: str = "") -> Mapping[str, str]:
    """Return the names and values in lines of the form NAME = VALUE; raises `InvalidRequest`."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, separator, value = (part.strip() for part in line.partition(sign))
        # A tenant alone on its line has the default permission set.
        if not separator and default:
            value = default
        if not name or not value:
            raise InvalidRequest(f"{what} in line {number} has the form NAME {sign} VALUE.")
        if name in found:
            raise InvalidRequest(f"{what} in line {number} has the same name as one before.")
        found[name] = value
    return found


def _minutes(text: str) -> timedelta:
    if text not in dict(_LIFETIMES):
        raise InvalidRequest("Choose how long the portal token lives.", "token_lifetime")
    return timedelta(minutes=int(text))


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except InvalidDuration as error:
        raise InvalidRequest(error.reason, "session_limit") from error
