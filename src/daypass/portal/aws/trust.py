"""What a role's trust policy lets the portal do, as far as its text tells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from daypass.portal.aws.policies import SESSION_ACTIONS


@dataclass(frozen=True, slots=True)
class Trust:
    """What is wrong with a trust policy, in the order in which it matters."""

    shuts_out: Sequence[str]
    """Why the portal gets no session at all."""
    lacks: Sequence[str]
    """Of identity and tags, the actions that it does not allow."""
    is_open: bool
    """Whether anybody at all may come in."""
    asks_for_external_id: bool


def read_trust(document: Mapping[str, Any], principal_arn: str, external_id: str | None) -> Trust:
    """How *document* stands to the portal, which comes with *external_id*."""
    statements = [one for one in _list(document.get("Statement")) if one.get("Effect") == "Allow"]
    ours = [one for one in statements if _names(one.get("Principal"), principal_arn)]
    allowed = {action for one in ours for action in SESSION_ACTIONS if _allows(one.get("Action"), action)}
    asked = [_external_ids(one) for one in ours if _allows(one.get("Action"), SESSION_ACTIONS[0])]
    shuts_out = []
    if SESSION_ACTIONS[0] not in allowed:
        shuts_out.append(f"it does not let {principal_arn} in (sts:AssumeRole)")
    elif all(ids and external_id not in ids for ids in asked):
        shuts_out.append("it asks for another ExternalId than the tenant's")
    return Trust(
        shuts_out=shuts_out,
        lacks=[action for action in SESSION_ACTIONS[1:] if action not in allowed],
        is_open=any(_is_anybody(one.get("Principal")) for one in statements),
        asks_for_external_id=bool(asked) and all(asked),
    )


def _list(value: object) -> list[Any]:
    """AWS takes one for a list of one, everywhere."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _names(principal: object, arn: str) -> bool:
    if principal == "*":
        return True
    account = arn.split(":")[4]
    accepted = {"*", arn, account, f"{arn.rpartition('::')[0]}::{account}:root"}
    return isinstance(principal, dict) and not accepted.isdisjoint(_texts(principal.get("AWS")))


def _is_anybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in _texts(principal.get("AWS")))


def _texts(value: object) -> Iterable[str]:
    return [one for one in _list(value) if isinstance(one, str)]


def _allows(actions: object, wanted: str) -> bool:
    return any(fnmatchcase(wanted.lower(), action.lower()) for action in _texts(actions))


def _external_ids(statement: Mapping[str, Any]) -> Sequence[str]:
    """The ExternalIds that a statement asks for; empty where it asks for none."""
    found: list[str] = []
    for operator, keys in (statement.get("Condition") or {}).items():
        if operator.lower() in {"stringequals", "forallvalues:stringequals", "foranyvalue:stringequals"}:
            found += [
                text
                for key, value in keys.items()
                if key.lower() == "sts:externalid"
                for text in _texts(value)
            ]
    return found
