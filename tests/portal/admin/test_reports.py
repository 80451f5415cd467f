from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from daypass.portal.access.model import Caller, Channel, State
from daypass.portal.admin.reporting.model import RecordedEvent
from daypass.portal.admin.reporting.reports import SessionFilter
from daypass.portal.errors import EventNotFound, InvalidRequest
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.storage.schema.access import issuances, role_facts
from tests.fakes import NOON
from tests.portal.admin.conftest import Administration
from tests.settings import put_text

HOUR = timedelta(hours=1)
DANA = "dana@example.com"


def issue(administration: Administration, number: int, **more: Any) -> None:  # noqa: ANN401  columns
    user = administration.users.find(more.pop("user", DANA)).user
    asked_at = more.pop("asked_at", NOON)
    row = {
        "id": f"{number:032}",
        "user_id": user.id,
        "username": user.username,
        "scope": "tenant",
        "tenant_id": administration.tenants.find("dev01").tenant.id,
        "tenant_name": "dev01",
        "role_arn": "arn",
        "access": "full",
        "purpose": "keys",
        "door": Channel.API,
        "address": "192.0.2.1",
        "reason": "",
        "state": State.ISSUED,
        "asked_at": asked_at,
        "validity": 3600,
        "decided_by": "configured",
        "expires_at": asked_at + HOUR,
    }
    with administration.database.writing() as connection:
        connection.execute(insert(issuances).values({**row, **more}))


def test_sessions_of_all_users_are_filtered_by_each_criterion(administration: Administration) -> None:
    issue(administration, 1, asked_at=NOON - 2 * HOUR)
    issue(administration, 2)
    issue(administration, 3, user="alice@example.com", tenant_id=None, tenant_name=None, scope="admin")
    issue(administration, 4, state=State.DENIED, failure="jit_disabled", expires_at=None, door=Channel.WEB)

    def found(wanted: SessionFilter, **more: Any) -> list[int]:  # noqa: ANN401  see `sessions`
        page = administration.records.sessions(wanted, PageRequest(), **more)
        return [int(record.id) for record in page.records]

    assert found(SessionFilter()) == [4, 3, 2, 1]
    assert found(SessionFilter(user="DANA@example.com")) == [4, 2, 1]
    assert found(SessionFilter(user="nobody")) == []
    assert found(SessionFilter(tenant="dev01")) == [4, 2, 1]
    assert found(SessionFilter(since=NOON)) == [4, 3, 2]
    assert found(SessionFilter(until=NOON)) == [1]
    assert found(SessionFilter(since=NOON, until=NOON)) == []
    assert found(SessionFilter(), state=State.DENIED) == [4]
    assert found(SessionFilter(), door=Channel.WEB) == [4]
    assert found(SessionFilter(), live_at=NOON + HOUR / 2) == [3, 2]
    first = administration.records.sessions(SessionFilter(), PageRequest(limit=3))
    rest = administration.records.sessions(SessionFilter(), PageRequest(first.next_cursor, 3))
    assert [int(one.id) for one in rest.records] == [1]
    administration.users.delete(DANA, administration.caller("alice@example.com"))
    assert found(SessionFilter(user=DANA)) == [4, 2, 1]


def test_audit_events_are_filtered_by_each_criterion(administration: Administration, alice: Caller) -> None:
    put_text(administration.settings, "dev01", "", "aws_access_token_validity", "1800", alice)
    administration.clock.move(HOUR)
    administration.users.update(DANA, alice, is_disabled=True)

    def found(wanted: SessionFilter, **more: Any) -> list[str]:  # noqa: ANN401  see `events`
        return [
            event.action for event in administration.records.events(wanted, PageRequest(), **more).records
        ]

    assert found(SessionFilter(user="alice@example.com")) == ["user.update", "setting.put"]
    assert found(SessionFilter(tenant="dev01")) == ["setting.put", "tenant.create"]
    assert found(SessionFilter(), action="user.update") == ["user.update"]
    assert found(SessionFilter(since=NOON + HOUR)) == ["user.update"]
    assert found(SessionFilter(), subject=DANA, outcome="done") == ["user.update", "user.create"]
    assert found(SessionFilter(), request_id="request") == ["user.update", "setting.put"]
    whole = administration.records.events(SessionFilter(), PageRequest(limit=200)).records
    pages: list[RecordedEvent] = []
    turn = PageRequest(limit=2)
    while True:
        page = administration.records.events(SessionFilter(), turn)
        pages += page.records
        if page.next_cursor is None:
            break
        turn = PageRequest(page.next_cursor, 2)
    assert pages == whole
    assert administration.records.event(whole[0].id) == whole[0]


def test_an_unknown_event_is_not_found(administration: Administration) -> None:
    for event_id in ("", "-", "x-1", "x" * 32 + "-0", "a\0b-1", "-1", "x-²", "x-99999999999999999999"):
        with pytest.raises(EventNotFound):
            administration.records.event(event_id)
    for text in ("a\0b", "x" * 1001):
        with pytest.raises(InvalidRequest):
            administration.records.events(SessionFilter(), PageRequest(), action=text)
        with pytest.raises(InvalidRequest):
            administration.records.sessions(SessionFilter(user=text), PageRequest())


@pytest.mark.parametrize("database_url", ["sqlite", "postgres", "pgbouncer"], indirect=True)
def test_the_overview_counts_live_sessions_and_refusals(
    administration: Administration, alice: Caller, database: Database
) -> None:
    issue(administration, 1, asked_at=NOON - timedelta(minutes=30))
    issue(administration, 2, user="alice@example.com", tenant_id=None, tenant_name=None, scope="admin")
    issue(administration, 3, asked_at=NOON - 3 * HOUR)
    # So late that the next day has begun in the time zone of the pooled database's sessions.
    late = NOON - timedelta(days=29) + timedelta(hours=11, minutes=30)
    issue(administration, 4, asked_at=late, state=State.DENIED, failure="jit_disabled")
    issue(administration, 5, asked_at=NOON - timedelta(days=30), state=State.FAILED, failure="aws_trust")
    put_text(administration.settings, "dev01", "", "aws_access_token_validity", "7200", alice)
    administration.tokens.create(DANA, "soon", alice, lifetime=timedelta(days=3))
    arn = administration.tenants.find("dev01").tenant.target.role_arn
    with database.writing() as connection:
        connection.execute(insert(role_facts).values(role_arn=arn, maximum=3600))

    seen = administration.overviews.read()

    assert seen.live == 2
    assert seen.live_by_tenant == {"dev01": 1, "admin": 1}
    assert seen.live_by_user == {DANA: 1, "alice@example.com": 1}
    assert len(seen.days) == 30
    assert [(day.issued, day.refused, day.failed) for day in (seen.days[0], seen.days[-1])] == [
        (0, 1, 0),
        (3, 0, 0),
    ]
    assert seen.days[-1].date == NOON.date()
    assert seen.refusals == {"jit_disabled": 1}
    assert [token.name for token in seen.ending_tokens] == ["soon"]
    assert [(one.tenant, one.validity, one.maximum) for one in seen.capped] == [("dev01", 2 * HOUR, HOUR)]
