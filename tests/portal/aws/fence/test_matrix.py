"""The generated policies, decided by an IAM evaluator that this project did not write."""

import fcntl
import json
from collections.abc import Mapping
from itertools import cycle

import pytest

from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.levels import LEVELS, LevelName
from daypass.portal.aws.fence.model import Service
from tests.evaluator.run import Request, Rights, decide
from tests.portal.aws.fence.rights import Case, derived, rights

SERVICES = pytest.mark.parametrize("service", offered_services(), ids=lambda service: service.name)
Decisions = Mapping[tuple[LevelName | None, str], bool]
"""Whether a session of a level may make a request, which is given as text."""


def cases(service: Service) -> list[Case]:
    return [case for example in service.examples for case in derived(example)]


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Decisions:
    """Decide all requests of all services in one process, for all workers of this run.

    Each is decided for full access, and those to be denied for one of the levels in turn.
    """
    found = [case for service in offered_services() for case in cases(service)]
    denied = [case for case in found if not case.is_allowed]
    attempts: dict[tuple[LevelName | None, str], tuple[Rights, Request]]
    attempts = {(None, str(case.request)): (rights(case.request.action), case.request) for case in found}
    attempts |= {
        (level, str(case.request)): (rights(case.request.action, level=level), case.request)
        for case, level in zip(denied, cycle(LEVELS), strict=False)
    }
    shared = tmp_path_factory.getbasetemp().parent / f"decisions-{testrun_uid}.json"
    with shared.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        outcomes = json.loads(text) if text else decide(list(attempts.values()))
        if not text:
            json.dump(outcomes, file)
    return dict(zip(attempts, outcomes, strict=True))


@SERVICES
def test_requests_are_decided_as_the_examples_of_the_service_say(
    service: Service, decisions: Decisions
) -> None:
    found = cases(service)

    assert [case.name for case in found if decisions[None, str(case.request)] != case.is_allowed] == []
    assert {case.is_allowed for case in found} == {True, False} or not any(
        rule.by in {"name", "tag"} for rule in service.allow
    )


@SERVICES
def test_no_level_allows_what_full_access_denies(service: Service, decisions: Decisions) -> None:
    wider = [
        (level, case.name)
        for case in cases(service)
        for level in LEVELS
        if not case.is_allowed and decisions.get((level, str(case.request)))
    ]
    assert wider == []
