"""Analysis of a role's trust policy: its decisions on the portal's requests and on unwanted ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from daypass.portal.access.session_names import ISSUANCE_TAG
from daypass.portal.access.session_names import TENANT_TAG as TENANT_SESSION_TAG
from daypass.portal.aws.policies import SESSION_ACTIONS, TENANT_TAG, as_list
from daypass.portal.aws.trust.conditions import REQUEST_TAG, RequestKeys, holds, like

_ASSUME, _, _TAG = SESSION_ACTIONS
# A value of any key, and a key, that no request of the portal has.
_ANOTHER = "another-than-daypass-sends"
_EXTERNAL_ID = "sts:externalid"
_ISSUANCE = {ISSUANCE_TAG: _ANOTHER}

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trust:
    """The faults of a trust policy, the most serious first."""

    exclusion_reasons: Sequence[str]
    """The reasons why the portal cannot assume the role at all."""
    missing_actions: Sequence[str]
    """The actions for source identity and session tags that the policy does not allow."""
    is_open: bool
    """Whether any AWS principal may assume the role."""
    requires_external_id: bool
    accepts_tenant_tag: bool = False
    """Whether a trusted principal may replace the role's tag `TENANT_NAME` by a session tag."""
    are_tags_pinned: bool = True
    """Whether the portal may send no other session tags than its own, with this tenant's name."""


def read_trust(
    document: Mapping[str, Any], principal_arn: str, external_id: str | None, tenant: str | None
) -> Trust:
    """Analyse *document* for the portal's principal, which sends *external_id* and tags with *tenant*."""
    statements = _Statements(as_list(document.get("Statement")), principal_arn, external_id, tenant)
    return Trust(
        exclusion_reasons=list(statements.exclusion_reasons()),
        missing_actions=[action for action in SESSION_ACTIONS[1:] if not statements.permit(action)],
        is_open=any(
            _is_anybody(one.get("Principal")) for one in statements.all if one.get("Effect") == "Allow"
        ),
        requires_external_id=statements.require_external_id(),
        accepts_tenant_tag=statements.accept_tenant_tag(),
        are_tags_pinned=statements.pin_tags(),
    )


@dataclass(frozen=True, slots=True)
class _Statements:
    """The statements of a trust policy, with the portal's usual request."""

    all: Sequence[Statement]
    principal_arn: str
    external_id: str | None
    tenant: str | None

    def exclusion_reasons(self) -> Iterator[str]:
        """Yield the reasons why the portal cannot assume the role."""
        if not self._granting(_ASSUME):
            yield f"it does not let {self.principal_arn} assume the role (sts:AssumeRole)"
        elif not self._allowing(_ASSUME, self._request()):
            with_any_id = dict(self._request().values)
            del with_any_id[_EXTERNAL_ID]
            if self._allowing(_ASSUME, RequestKeys(with_any_id)):
                yield "it requires a different ExternalId than the tenant's"
            else:
                yield "its conditions on sts:AssumeRole do not allow the portal's requests"
        for label in self._denying(_ASSUME, self._request()):
            yield f"its statement {label} denies sts:AssumeRole to the portal"

    def permit(self, action: str, request: RequestKeys | None = None) -> bool:
        """Return whether the portal may do *action*: a statement allows it, and none denies it."""
        request = request or self._request()
        return bool(self._allowing(action, request)) and not self._denying(action, request)

    def require_external_id(self) -> bool:
        """Return whether the role can only be assumed with the ExternalId."""
        others = [replace(self, external_id=other) for other in (None, _ANOTHER)]
        return bool(self._granting(_ASSUME)) and not any(other.permit(_ASSUME) for other in others)

    def pin_tags(self) -> bool:
        """Return whether every request of the portal with other tags than its own is denied."""
        tenant = {} if self.tenant is None else {TENANT_SESSION_TAG: self.tenant}
        others = [{**_ISSUANCE, **tenant, _ANOTHER: _ANOTHER}]
        if self.tenant is not None:
            names = (_ANOTHER, f"{self.tenant}-{_ANOTHER}")
            others += [_ISSUANCE, *(_ISSUANCE | {TENANT_SESSION_TAG: name} for name in names)]
        return not any(self.permit(_TAG, self._request(tags)) for tags in others)

    def accept_tenant_tag(self) -> bool:
        """Return whether some statement allows the tag `TENANT_NAME`, and none denies it."""
        return any(
            _applies(allow, "Allow", _TAG) and self._accepts(allow, keys)
            for allow in self.all
            for name in (TENANT_TAG, TENANT_TAG.lower(), TENANT_TAG.title())
            for keys in ([name], [name, ISSUANCE_TAG, TENANT_SESSION_TAG])
        )

    def _accepts(self, allow: Statement, keys: Sequence[str]) -> bool:
        """Return whether *allow* lets its principals, not only the portal, send tags with these keys."""
        named = [self.tenant] if self.tenant is not None and TENANT_SESSION_TAG in keys else []
        request = RequestKeys(
            {
                "aws:tagkeys": keys,
                f"{REQUEST_TAG}{TENANT_SESSION_TAG}": named,
                f"{REQUEST_TAG}{TENANT_TAG.lower()}": [_ANOTHER],
            },
            has_other_tags=True,
        )
        return holds(allow.get("Condition"), request) is not False and not any(
            _applies(deny, "Deny", _TAG)
            and _covers(deny.get("Principal"), allow.get("Principal"))
            and holds(deny.get("Condition"), request)
            for deny in self.all
        )

    def _request(self, tags: Mapping[str, str] | None = None) -> RequestKeys:
        """Return the portal's request, with its usual tags or with *tags*."""
        if tags is None:
            tags = _ISSUANCE if self.tenant is None else _ISSUANCE | {TENANT_SESSION_TAG: self.tenant}
        return RequestKeys(
            {
                _EXTERNAL_ID: [] if self.external_id is None else [self.external_id],
                "aws:principalarn": [self.principal_arn],
                "aws:principalaccount": [self.principal_arn.split(":")[4]],
                "aws:tagkeys": list(tags),
                "sts:transitivetagkeys": [ISSUANCE_TAG],
                **{f"{REQUEST_TAG}{key.lower()}": [value] for key, value in tags.items()},
            }
        )

    def _granting(self, action: str) -> Sequence[Statement]:
        """Return the statements that allow the portal *action*, whatever their conditions."""
        return [
            one
            for one in self.all
            if _applies(one, "Allow", action) and _matches_principal(one.get("Principal"), self.principal_arn)
        ]

    def _allowing(self, action: str, request: RequestKeys) -> Sequence[Statement]:
        # A condition on a key that is unknown here may hold.
        return [one for one in self._granting(action) if holds(one.get("Condition"), request) is not False]

    def _denying(self, action: str, request: RequestKeys) -> Sequence[str]:
        """Return the labels of the statements that certainly deny the portal *action*."""
        return [
            f"“{one['Sid']}”" if "Sid" in one else f"number {position}"
            for position, one in enumerate(self.all, start=1)
            if _applies(one, "Deny", action)
            and _matches_principal(one.get("Principal"), self.principal_arn)
            and holds(one.get("Condition"), request)
        ]


def _matches_principal(principal: object, arn: str) -> bool:
    if principal == "*":
        return True
    account = arn.split(":")[4]
    # The account's number and its root ARN both mean the whole account.
    accepted = {"*", arn, account, f"{arn.rpartition('::')[0]}::{account}:root"}
    return isinstance(principal, dict) and not accepted.isdisjoint(_texts(principal.get("AWS")))


def _covers(denied: object, allowed: object) -> bool:
    """Return whether a Deny for the principal *denied* applies to all principals that are *allowed*."""
    if denied == "*":
        return True
    if not (isinstance(denied, Mapping) and isinstance(allowed, Mapping)):
        return False
    return all(
        "*" in _texts(denied.get(kind)) or set(_texts(names)) <= set(_texts(denied.get(kind)))
        for kind, names in allowed.items()
    )


def _is_anybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in _texts(principal.get("AWS")))


def _texts(value: object) -> Iterable[str]:
    return [text for text in as_list(value) if isinstance(text, str)]


def _applies(statement: Statement, effect: str, action: str) -> bool:
    """Return whether *statement* has this effect on *action*."""
    if statement.get("Effect") != effect:
        return False
    # IAM does not distinguish the case of actions.
    if "NotAction" in statement:
        return not any(like(one.lower(), action.lower()) for one in _texts(statement["NotAction"]))
    return any(like(one.lower(), action.lower()) for one in _texts(statement.get("Action")))
