"""Comparison and combination of policy documents, statement by statement."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from daypass.portal.aws.fence.documents import NO_ACTION, not_empty
from daypass.portal.aws.policies import Document, as_list


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement without its Sid, in a form in which equivalent notations are equal."""

    effect: str
    actions: frozenset[str]
    resources: frozenset[str]
    condition: str = "{}"
    """The Condition element as canonical JSON."""
    all_actions_but: bool = False
    """Whether the statement has NotAction."""
    all_resources_but: bool = False
    """Whether the statement has NotResource."""

    @property
    def is_deny(self) -> bool:
        """Whether the statement denies."""
        return self.effect == "Deny"

    @property
    def has_plain_lists(self) -> bool:
        """Whether the statement has Action and Resource, not their negations."""
        return not self.all_actions_but and not self.all_resources_but

    def covers(self, other: "Parsed") -> bool:
        """Return whether this statement applies to each request to which *other* applies.

        False may also mean that it is unknown: patterns are compared as text.
        """
        if self == other:
            return True
        return (
            self.effect == other.effect
            and self.condition in {other.condition, "{}"}
            and self.has_plain_lists
            and other.has_plain_lists
            and all(covered(action, self.actions) for action in other.actions)
            # IAM ignores the case of actions, but not that of ARNs.
            and all(covered(resource, self.resources, ignore_case=False) for resource in other.resources)
        )

    def written(self, sid: str | None = None) -> Document:
        """Return the statement as IAM takes it."""
        statement: Document = {} if sid is None else {"Sid": sid}
        statement["Effect"] = self.effect
        statement["NotAction" if self.all_actions_but else "Action"] = _one_or_list(self.actions)
        statement["NotResource" if self.all_resources_but else "Resource"] = _one_or_list(self.resources)
        if condition := json.loads(self.condition):
            statement["Condition"] = condition
        return statement


def parse(statement: Mapping[str, object]) -> Parsed:
    """Return a statement of a policy in its comparable form."""
    actions, resources = ("NotAction" in statement), ("NotResource" in statement)
    return Parsed(
        effect=str(statement.get("Effect")),
        # IAM ignores the case of actions; that of the first notation is kept, for readers.
        actions=frozenset(_texts(statement.get("NotAction" if actions else "Action"))),
        resources=frozenset(_texts(statement.get("NotResource" if resources else "Resource"))),
        condition=_canonical(statement.get("Condition")),
        all_actions_but=actions,
        all_resources_but=resources,
    )


def parsed(policy: Mapping[str, object] | None) -> Sequence[Parsed]:
    """Return the statements of a policy that have an effect; none if there is no policy."""
    statements = [parse(statement) for statement in as_list((policy or {}).get("Statement"))]
    return [statement for statement in statements if statement.actions != {NO_ACTION}]


def equal(one: Mapping[str, object] | None, other: Mapping[str, object] | None) -> bool:
    """Return whether two policies have the same statements, in any order and notation."""
    return (one is None) == (other is None) and _lowered(one) == _lowered(other)


def united(first: Iterable[Parsed], second: Iterable[Parsed]) -> Sequence[Parsed]:
    """Return statements that apply to the requests to which *first* or *second* apply, and to no other."""
    statements: list[Parsed] = []
    for statement in (*first, *second):
        if not any(present.covers(statement) for present in statements):
            statements = [present for present in statements if not statement.covers(present)]
            _merge(statements, statement)
    return statements


def common(first: Sequence[Parsed], second: Sequence[Parsed]) -> Sequence[Parsed]:
    """Return statements that allow no more than either of two policies allows, and deny what either denies.

    Actions that both allow by different patterns may be missing.
    """
    allows = []
    for one in (statement for statement in first if not statement.is_deny):
        for other in (statement for statement in second if not statement.is_deny):
            if one.covers(other):
                allows.append(other)
            elif other.covers(one):
                allows.append(one)
            elif one.has_plain_lists and other.has_plain_lists and _place(one) == _place(other):
                both = [action for action in one.actions if covered(action, other.actions)]
                both += [action for action in other.actions if covered(action, one.actions)]
                if both:
                    allows.append(replace(one, actions=frozenset(both)))
    denies = [statement for statement in (*first, *second) if statement.is_deny]
    return [*united(allows, ()), *united(denies, ())]


def without_idle_denies(statements: Iterable[Parsed]) -> Sequence[Parsed]:
    """Return the statements without the denied actions that none of them allows."""
    kept, all_ = [], list(statements)
    allowed = [statement for statement in all_ if not statement.is_deny]
    for statement in all_:
        if not statement.is_deny or statement.all_actions_but:
            kept.append(statement)
            continue
        actions = [action for action in statement.actions if any(_may_allow(one, action) for one in allowed)]
        if actions:
            kept.append(replace(statement, actions=frozenset(actions)))
    return kept


def _may_allow(statement: Parsed, action: str) -> bool:
    return statement.all_actions_but or any(overlap(action, allowed) for allowed in statement.actions)


def overlap(one: str, other: str) -> bool:
    """Return whether an action exists that both patterns match."""
    return _overlap(one.lower(), other.lower())


@cache
def _overlap(one: str, other: str) -> bool:
    if not one or not other:
        return not (one + other).strip("*")
    if "*" in {one[0], other[0]}:
        star, text = (one, other) if one[0] == "*" else (other, one)
        return _overlap(star[1:], text) or _overlap(star, text[1:])
    return (one[0] == other[0] or "?" in {one[0], other[0]}) and _overlap(one[1:], other[1:])


def written(statements: Iterable[Parsed]) -> Document:
    """Return the statements as a policy."""
    return not_empty(*(statement.written() for statement in statements))


def covered(text: str, patterns: Iterable[str], *, ignore_case: bool = True) -> bool:
    """Return whether one of *patterns* matches all that *text*, possibly a pattern itself, matches."""
    return any(_compiled(pattern, ignore_case).fullmatch(text) for pattern in patterns)


def _merge(statements: list[Parsed], more: Parsed) -> None:
    """Add a statement, as a part of an existing one if the two differ in one list only."""
    for index, present in enumerate(statements):
        if not (present.has_plain_lists and more.has_plain_lists):
            continue
        if _place(present) == _place(more):
            actions = _without_covered(present.actions | more.actions)
            statements[index] = replace(present, actions=actions)
            return
    statements.append(more)


def _place(statement: Parsed) -> tuple[object, ...]:
    return statement.effect, statement.resources, statement.condition


def _without_covered(actions: frozenset[str]) -> frozenset[str]:
    kept: list[str] = []
    for action in sorted(actions, key=lambda text: (len(text), text)):
        if not covered(action, kept):
            kept.append(action)
    return frozenset(kept)


def _lowered(policy: Mapping[str, object] | None) -> frozenset[Parsed]:
    """Return the statements of a policy without the differences in case that have no meaning."""
    return frozenset(
        replace(
            statement,
            actions=frozenset(action.lower() for action in statement.actions),
            condition=_canonical(
                {
                    operator.lower(): {key.lower(): value for key, value in keys.items()}
                    for operator, keys in json.loads(statement.condition).items()
                }
            ),
        )
        for statement in parsed(policy)
    )


def _canonical(condition: object) -> str:
    operators = condition if isinstance(condition, Mapping) else {}
    ordered = {
        operator: {key: _one_or_list(_texts(operators[operator][key])) for key in sorted(operators[operator])}
        for operator in sorted(operators)
    }
    return json.dumps(ordered)


def _texts(value: object) -> Sequence[str]:
    # IAM takes `true` and numbers as values, and returns them as they were written.
    return [str(text).lower() if isinstance(text, bool) else str(text) for text in as_list(value)]


def _one_or_list(texts: Iterable[str]) -> str | list[str]:
    ordered = sorted(set(texts))
    return ordered[0] if len(ordered) == 1 else ordered


@cache
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    # `?` stands for one character, so it covers neither `*` nor a policy variable.
    wildcards = {"*": ".*", "?": "[^*${}]"}
    text = "".join(wildcards.get(character, re.escape(character)) for character in pattern)
    return re.compile(text, re.IGNORECASE if ignore_case else 0)
