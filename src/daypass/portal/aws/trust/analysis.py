"""Analysis of a role's trust policy: which actions it allows the portal."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from daypass.portal.aws.policies import SESSION_ACTIONS, as_list

_REQUIRING = {"stringequals", "foranyvalue:stringequals"}
# ForAllValues also holds for a request without the key, so it compares an ExternalId but does not require it.
_COMPARING = {*_REQUIRING, "forallvalues:stringequals"}


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
        statement for statement in as_list(document.get("Statement")) if statement.get("Effect") == "Allow"
    ]
    ours = [
        statement for statement in statements if _matches_principal(statement.get("Principal"), principal_arn)
    ]
    allowed = {
        action for statement in ours for action in SESSION_ACTIONS if _allows(statement.get("Action"), action)
    }
    assuming = [statement for statement in ours if _allows(statement.get("Action"), SESSION_ACTIONS[0])]
    required = [_external_ids(statement, _REQUIRING) for statement in assuming]
    operators = _REQUIRING if external_id is None else _COMPARING
    compared = [_external_ids(statement, operators) for statement in assuming]
    exclusion_reasons = []
    if SESSION_ACTIONS[0] not in allowed:
        exclusion_reasons.append(f"it does not let {principal_arn} assume the role (sts:AssumeRole)")
    # One statement that fits is sufficient, because AWS unites the statements that allow.
    elif all(ids and external_id not in ids for ids in compared):
        exclusion_reasons.append("it requires a different ExternalId than the tenant's")
    return Trust(
        exclusion_reasons=exclusion_reasons,
        missing_actions=[action for action in SESSION_ACTIONS[1:] if action not in allowed],
        is_open=any(_is_anybody(statement.get("Principal")) for statement in statements),
        requires_external_id=bool(required) and all(required),
    )


def _matches_principal(principal: object, arn: str) -> bool:
    if principal == "*":
        return True
    account = arn.split(":")[4]
    # The account's number and its root ARN both mean the whole account.
    accepted = {"*", arn, account, f"{arn.rpartition('::')[0]}::{account}:root"}
    return isinstance(principal, dict) and not accepted.isdisjoint(_texts(principal.get("AWS")))


def _is_anybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in _texts(principal.get("AWS")))


def _texts(value: object) -> Iterable[str]:
    return [text for text in as_list(value) if isinstance(text, str)]


def _allows(actions: object, wanted: str) -> bool:
    # IAM does not distinguish the case of actions.
    return any(fnmatchcase(wanted.lower(), action.lower()) for action in _texts(actions))


def _external_ids(statement: Mapping[str, Any], operators: Collection[str]) -> Sequence[str]:
    """Return the ExternalIds that these operators of a statement allow; empty if it has no such condition."""
    external_ids: list[str] = []
    for operator, keys in (statement.get("Condition") or {}).items():
        if operator.lower() in operators:
            external_ids += [
                text
                for key, value in keys.items()
                if key.lower() == "sts:externalid"
                for text in _texts(value)
            ]
    return external_ids
