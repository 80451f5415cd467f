"""Each issuance counts once, by its outcome, and each of its stages is timed."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from daypass.portal.access.abandoned_attempts import ABANDONED_AFTER, AbandonedAttempts
from daypass.portal.errors import AwsThrottled
from tests.portal.http.client import Answer
from tests.portal.http.world import ADMIN, DANA, DEV, PROD, World
from tests.portal.telemetry.recorded import Recorded

ISSUANCES = "daypass_issuances_total"
STAGES = "daypass_issuance_stage_duration_seconds_count"


def issue(world: World, user: str = DANA, **asked: str) -> Answer:
    return world.client().post("/api/v1/sessions", world.tokens[user], {"tenant": DEV.name} | asked)


def refuse(world: World) -> Answer:
    world.broker.assume_error = AwsThrottled("Not now.")
    return issue(world)


def deny(world: World) -> Answer:
    return world.client().post("/api/v1/sessions", world.tokens[DANA], {"admin": True})


def as_admin(world: World) -> Answer:
    return world.client().post("/api/v1/sessions", world.tokens[ADMIN], {"admin": True})


def by_legacy(world: World) -> Answer:
    return world.client().get(f"/subscriptions/{PROD.id}/GetAwsConsoleTokenUrl", world.tokens[DANA])


@dataclass(frozen=True)
class Case:
    act: Callable[[World], Answer]
    status: int
    channel: str
    scope: str
    access: str
    outcome: str
    stages: str


ALL = "decide plan intent assume_role outcome release"
CASES = (
    Case(issue, 201, "api", "tenant", "full", "issued", ALL),
    Case(as_admin, 201, "api", "admin", "full", "issued", ALL),
    Case(by_legacy, 200, "legacy", "tenant", "read-only", "issued", f"{ALL} console"),
    Case(refuse, 503, "api", "tenant", "full", "failed", "decide plan intent assume_role"),
    Case(deny, 403, "api", "admin", "none", "denied", "decide"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.act.__name__)
def test_an_issuance_counts_once_with_its_stages(recorded: Recorded, world: World, case: Case) -> None:
    recorded.reset()

    answer = case.act(world)

    assert answer.status == case.status, answer.body
    assert recorded.changes(ISSUANCES) == {
        frozenset(
            {
                ("channel", case.channel),
                ("scope", case.scope),
                ("access", case.access),
                ("outcome", case.outcome),
            }
        ): 1
    }
    assert recorded.changes(STAGES) == {frozenset({("stage", name)}): 1 for name in case.stages.split()}


def test_an_attempt_settled_later_counts_as_unknown(recorded: Recorded, world: World) -> None:
    attempts = AbandonedAttempts(world.database, world.committer)

    class ProcessDied(BaseException):
        """Nothing handles it, as nothing handles SIGKILL."""

    world.broker.assume_error = ProcessDied()
    world.clock.now -= 2 * ABANDONED_AFTER
    with pytest.raises(ProcessDied):
        issue(world)

    assert attempts.settle(attempts.find()) == 1
    labels = {"channel": "api", "scope": "tenant", "access": "full"}
    assert recorded.change(ISSUANCES, outcome="unknown", **labels) == 1
    assert recorded.change(ISSUANCES, outcome="failed", **labels) == 0


def test_each_commit_of_the_audit_log_is_timed_with_its_size(recorded: Recorded, world: World) -> None:
    recorded.reset()

    issue(world)

    # The intent and the outcome.
    assert recorded.change("daypass_commit_duration_seconds_count") == 2
    assert recorded.change("daypass_commit_batch_size_sum") == 2


def test_refusals_that_are_only_counted_are_visible(recorded: Recorded, world: World) -> None:
    for _ in range(32):
        deny(world)

    assert recorded.change("daypass_audit_suppressed_total") == 2
    assert recorded.change(ISSUANCES, channel="api", scope="admin", access="none", outcome="denied") == 32
