"""The executor of changes: planned twice, retried if the plans differ, and all changes or none."""

from itertools import count

import pytest
from sqlalchemy import text

from daypass.portal.access.model import Caller
from daypass.portal.admin.transactions import Change, ChangeRequest, Plan, PlannedChange, single_change
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AccessDenied, PreconditionFailed, UserNotFound
from daypass.portal.identity.model import Role
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.unit_of_work import RowChange
from tests.portal.admin.conftest import REGION, Administration

DANA = "dana@example.com"


def noted(after: int) -> Change:
    return Change((), after={"number": after})


@pytest.mark.parametrize("changes", [1, 4])
def test_a_plan_that_changes_before_its_commit_is_made_again(
    administration: Administration, changes: int
) -> None:
    calls = count()

    def plan(_: Connection) -> Change:
        # Each try plans twice, so one plan of each of the first tries differs from the other.
        return noted(min(next(calls), 2 * changes))

    administration.users.executor.execute(single_change("user.update", DANA, OPERATOR, plan))

    assert [event[2:] for event in administration.events("user.update")] == [
        ("done", {"new.number": 2 * changes})
    ]


def test_a_plan_that_never_stays_the_same_is_refused_after_five_tries(administration: Administration) -> None:
    calls = count()
    request = single_change("user.update", DANA, OPERATOR, lambda _: noted(next(calls)))

    with pytest.raises(PreconditionFailed, match="being changed by others"):
        administration.users.executor.execute(request)

    assert next(calls) == 2 * 5
    assert administration.events("user.update") == []


def test_changes_of_one_plan_are_recorded_each_with_its_own_event_or_not_at_all(
    administration: Administration,
) -> None:
    plan: Plan = [
        PlannedChange("membership.put", DANA, noted(1)),
        PlannedChange("user.update", DANA, noted(2)),
    ]
    executor = administration.users.executor
    calls = count()

    def refused_at_commit(_: Connection) -> Plan:
        if next(calls):
            raise UserNotFound("There is no such user.")
        return plan

    with pytest.raises(UserNotFound):
        executor.execute(ChangeRequest("user.import", "a table", OPERATOR, refused_at_commit))
    assert administration.events("membership.put") == administration.events("user.update") == []

    assert executor.execute(ChangeRequest("user.import", "a table", OPERATOR, lambda _: plan)) == plan
    assert len(administration.events("membership.put")) == len(administration.events("user.update")) == 1
    assert administration.events("user.import") == []


def test_further_rows_are_committed_also_without_changes_unless_the_request_is_refused(
    administration: Administration, dana: Caller
) -> None:
    executor = administration.users.executor
    row = RowChange(text("UPDATE tenants SET region = :region"), {"region": "eu-west-1"})

    with pytest.raises(AccessDenied):
        executor.execute(ChangeRequest("user.import", "a table", dana, lambda _: ()), row)
    assert administration.tenants.find("dev01").tenant.target.region == REGION

    assert executor.execute(ChangeRequest("user.import", "a table", OPERATOR, lambda _: ()), row) == ()
    assert administration.tenants.find("dev01").tenant.target.region == "eu-west-1"


def test_a_preview_is_refused_and_recorded_like_the_change_and_changes_nothing(
    administration: Administration, dana: Caller, alice: Caller
) -> None:
    executor = administration.users.executor
    planned: list[Connection] = []

    def plan(connection: Connection) -> Change:
        planned.append(connection)
        return noted(1)

    with pytest.raises(AccessDenied):
        executor.plan(single_change("user.update", DANA, dana, plan))
    # The author is checked first, so a User learns nothing from the refusals of a plan.
    assert planned == []
    assert [event[2] for event in administration.events("user.update")] == ["denied"]

    assert [one.change for one in executor.plan(single_change("user.update", DANA, alice, plan))] == [
        noted(1)
    ]
    assert [event[2] for event in administration.events("user.update")] == ["denied"]
    assert administration.users.find(DANA).user.role is Role.USER


def test_a_precondition_allows_another_plan_but_no_refusal(
    administration: Administration, alice: Caller
) -> None:
    calls = count()
    check = administration.users.executor.precondition(
        single_change("user.update", DANA, alice, lambda _: noted(next(calls)))
    )

    with administration.database.reading() as connection:
        assert check(connection) is None
        assert check(connection) is None
    administration.users.update("alice@example.com", OPERATOR, role=Role.USER)
    with administration.database.reading() as connection:
        assert isinstance(check(connection), AccessDenied)
