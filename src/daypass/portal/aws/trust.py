"""Analysis of a role's trust policy: which actions it allows the portal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from daypass.portal.aws.policies import SESSION_ACTIONS


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


def read_trust(document: Mapping[str, Any], principal_arn: str, external_id: str | None) -> Trust:
    """Analyse *document* for the portal's principal, which sends *external_id*."""
    statements = [
        statement for statement in _list(document.get("Statement")) if statement.get("Effect") == "Allow"
    ]
    ours = [
        statement for statement in statements if _matches_principal(statement.get("Principal"), principal_arn)
    ]
    allowed = {
        action for statement in ours for action in SESSION_ACTIONS if _allows(statement.get("Action"), action)
    }
    required = [
        _external_ids(statement) for statement in ours if _allows(statement.get("Action"), SESSION_ACTIONS[0])
    ]
    shuts_out = []
    if SESSION_ACTIONS[0] not in allowed:
        shuts_out.append(f"it does not let {principal_arn} assume the role (sts:AssumeRole)")
    elif all(ids and external_id not in ids for ids in required):
        shuts_out.append("it requires a different ExternalId than the tenant's")
    return Trust(
        exclusion_reasons=shuts_out,
        missing_actions=[action for action in SESSION_ACTIONS[1:] if action not in allowed],
        is_open=any(_is_anybody(statement.get("Principal")) for statement in statements),
        requires_external_id=bool(required) and all(required),
    )


def _list(value: object) -> list[Any]:
    """Return a list; in policies AWS accepts a single value in place of a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _matches_principal(principal: object, arn: str) -> bool:
    if principal == "*":
        return True
    account = arn.split(":")[4]
    accepted = {"*", arn, account, f"{arn.rpartition('::')[0]}::{account}:root"}
    return isinstance(principal, dict) and not accepted.isdisjoint(_texts(principal.get("AWS")))


def _is_anybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in _texts(principal.get("AWS")))


def _texts(value: object) -> Iterable[str]:
    return [text for text in _list(value) if isinstance(text, str)]


def _allows(actions: object, wanted: str) -> bool:
    return any(fnmatchcase(wanted.lower(), action.lower()) for action in _texts(actions))


def _external_ids(statement: Mapping[str, Any]) -> Sequence[str]:
    """Return the ExternalIds that a statement requires; empty if it requires none."""
    external_ids: list[str] = []
    for operator, keys in (statement.get("Condition") or {}).items():
        if operator.lower() in {"stringequals", "forallvalues:stringequals", "foranyvalue:stringequals"}:
            external_ids += [
                text
                for key, value in keys.items()
                if key.lower() == "sts:externalid"
                for text in _texts(value)
            ]
    return external_ids
