"""The console pages of a tenant's resources open with the tenant's role, decided by an IAM evaluator."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest

from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import resolve
from daypass.portal.aws.fence.levels import LevelName
from daypass.portal.aws.fence.model import ResourceKind
from daypass.portal.aws.fence.resource_kinds import resource_kinds
from daypass.portal.aws.policies import tenant_policy
from tests.evaluator.authorization_data import actions, resource_types
from tests.evaluator.run import Request, Rights, decide
from tests.portal.aws.fence.rights import ACCOUNT, request, rights, tagged

KINDS = {kind.kind: kind for service in offered_services() for kind in service.resources}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
LISTS = [
    action.lower()
    for service in offered_services()
    for rule in service.allow
    if rule.by == "list"
    for action in rule.actions
]
# The ARN of a part of a resource, for actions that take the part's.
PARTS = {"log-stream": ":log-stream:today"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a console page about a resource, in a session of dev01: of a level, or of full access."""

    kind: str
    action: str
    owner: str
    level: LevelName | None = None


def is_list(action: str) -> bool:
    """Return whether the catalogue lets all tenants of the account make the call."""
    return any(fnmatchcase(action.lower(), pattern) for pattern in LISTS)


def resource_of(kind: ResourceKind, action: str, owner: str) -> str:
    """Return the ARN that AWS compares: the resource's, that of a part of it, or `*` for a list."""
    arn = resolve(kind.example, ACCOUNT, owner)
    prefix = action.partition(":")[0]
    types = actions(prefix)[action.lower()].resource_types
    for suffix in ("", *(PARTS[name] for name in types if name in PARTS)):
        if any(_matches(resource_types(prefix)[name][0], arn + suffix) for name in types):
            return arn + suffix
    assert is_list(action), f"{action} is not about {arn}, and no rule by list has it"
    return "*"


def _matches(arn_format: str, arn: str) -> bool:
    pattern = "".join(
        "[^:]+" if part.startswith("${") else re.escape(part) for part in re.split(r"(\$\{\w+\})", arn_format)
    )
    return re.fullmatch(pattern, arn) is not None


def calls() -> Iterator[Call]:
    for kind in KINDS.values():
        for action in kind.page_actions:
            yield Call(kind.kind, action, "dev01")
            yield Call(kind.kind, action, "dev01", "read-only")
            if not is_list(action):
                yield Call(kind.kind, action, "dev02")


@pytest.fixture(scope="module")
def open_inline() -> Mapping[str, bool]:
    """Decide for each kind whether the inline policy of generation 1 allows a call about the resource."""
    role = Rights(role=tenant_policy(ACCOUNT, "dev01"))
    about_resource = [
        Call(kind.kind, action, "dev01")
        for kind in KINDS.values()
        for action in kind.page_actions
        if resource_of(kind, action, "dev01") != "*"
    ]
    outcomes = decide([(role, made(call)) for call in about_resource])
    return {
        kind: any(
            outcome for call, outcome in zip(about_resource, outcomes, strict=True) if call.kind == kind
        )
        for kind in KINDS
    }


@EVERY_KIND
def test_roles_of_generation_1_open_the_kinds_of_six_services(
    kind: ResourceKind, open_inline: Mapping[str, bool]
) -> None:
    listed = resource_kinds().find(kind.kind)

    assert listed is not None
    assert open_inline[kind.kind] == (not listed.needs_shared_fence)


def made(call: Call) -> Request:
    kind = KINDS[call.kind]
    context: Mapping[str, str] = {} if kind.is_named else tagged(call.owner)
    return request(call.action, resource_of(kind, call.action, call.owner), context)


@pytest.fixture(scope="module")
def decisions() -> Mapping[Call, bool]:
    """Decide the calls of the pages of all kinds, in one process."""
    every = list(calls())
    attempts = [(rights(call.action, level=call.level), made(call)) for call in every]
    return dict(zip(every, decide(attempts), strict=True))


def refused(decisions: Mapping[Call, bool], kind: ResourceKind, level: LevelName | None) -> list[str]:
    return [action for action in kind.page_actions if not decisions[Call(kind.kind, action, "dev01", level)]]


@EVERY_KIND
def test_full_access_may_make_the_calls_of_the_page(
    kind: ResourceKind, decisions: Mapping[Call, bool]
) -> None:
    assert refused(decisions, kind, None) == []


@EVERY_KIND
def test_read_only_access_may_make_the_calls_of_a_page_unless_the_catalogue_names_the_gap(
    kind: ResourceKind, decisions: Mapping[Call, bool]
) -> None:
    missing = refused(decisions, kind, "read-only")

    assert (missing != []) == (kind.read_only_gap is not None), missing
    # The page opens; some of it may stay empty.
    assert missing != list(kind.page_actions)


@EVERY_KIND
def test_the_calls_about_a_neighbour_s_resource_are_denied(
    kind: ResourceKind, decisions: Mapping[Call, bool]
) -> None:
    own_calls = [action for action in kind.page_actions if not is_list(action)]

    assert [action for action in own_calls if decisions[Call(kind.kind, action, "dev02")]] == []
