"""The policies of the permission sets that Daypass provides, generated from the catalogue.

Each is one managed policy of an account, used as a session policy: a session may do what both its role and
the policy allow.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

from daypass.portal.accounts.model import LEVEL_POLICY_PREFIX
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import ALWAYS
from daypass.portal.aws.fence.model import Action, Service
from daypass.portal.aws.policies import Document, document

LevelName: TypeAlias = Literal["read-only", "operator", "data-reader"]
LEVELS: Sequence[LevelName] = get_args(LevelName)


def level_policy_name(level: LevelName) -> str:
    """Return the name in IAM of a level's policy."""
    return f"{LEVEL_POLICY_PREFIX}{level}"


def levels(services: Sequence[Service] | None = None) -> Mapping[LevelName, Document]:
    """Return the policies by level; they are the same in every account."""
    offered = offered_services() if services is None else services
    return {level: _policy(offered, level) for level in LEVELS}


def withheld_actions(services: Sequence[Service] | None = None) -> Sequence[Action]:
    """Return the reads that return secrets or have effects: only the set `full` has them."""
    offered = offered_services() if services is None else services
    return _without_covered(action for service in offered for action in service.levels.secrets)


def _policy(offered: Sequence[Service], level: LevelName) -> Document:
    actions = _without_covered(
        {*ALWAYS, *(action for service in offered for action in _actions(service, level))}
    )
    statements: list[dict[str, object]] = [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    if withheld := withheld_actions(offered):
        # The patterns of the Allow may match these too.
        statements.append({"Effect": "Deny", "Action": withheld, "Resource": "*"})
    if level == "operator":
        statements += [
            {"Effect": "Deny", "Action": list(limit.actions), "Resource": "*", "Condition": limit.condition}
            for service in offered
            for limit in service.levels.operate_limits
        ]
    return document(*statements)


def _without_covered(actions: Iterable[Action]) -> Sequence[Action]:
    """Return the actions, sorted, without those that the pattern of another one matches.

    A managed policy has 6,144 characters for all services, so nothing is named twice.
    """
    patterns = set(actions)
    return sorted(
        action
        for action in patterns
        if not any(fnmatchcase(action, pattern) for pattern in patterns if pattern != action)
    )


def _actions(service: Service, level: LevelName) -> Iterable[Action]:
    yield from (action for rule in service.allow if rule.by == "list" for action in rule.actions)
    # The set data-reader has the configuration of services with data only, to find the data.
    if level in {"read-only", "operator"} or service.levels.data:
        yield from service.levels.read
    if level in {"read-only", "data-reader"}:
        yield from service.levels.data
    if level == "operator":
        yield from service.levels.operate
