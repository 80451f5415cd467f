"""Reading a user's own issuances."""

from datetime import timedelta

import pytest

from daypass.portal.access.model import WITHOUT_SESSION, Channel, IssuanceFilter, LimitSource, Purpose, State
from daypass.portal.access.store.issuances import IssuanceStore
from daypass.portal.errors import InvalidRequest, TenantNotFound
from daypass.portal.storage.pagination import PageRequest
from tests.portal.access.conftest import ADMIN, DANA, DEV, Rig


def test_a_users_attempts_are_paginated_newest_first(rig: Rig) -> None:
    expected = []
    for number in range(5):
        rig.clock.move(timedelta(seconds=number // 2))
        expected.append((rig.clock.now, rig.issue(DANA, "dev01").id))
    rig.issue(ADMIN, "dev01")

    listed: list[str] = []
    cursor = None
    with rig.database.reading() as connection:
        for _ in range(3):
            page = IssuanceStore(connection).list_for_user(DANA.id, PageRequest(cursor, 2))
            listed += [record.id for record in page.records]
            cursor = page.next_cursor

    assert cursor is None
    assert listed == [id_ for _, id_ in sorted(expected, reverse=True)]


def test_a_record_has_the_outcome_of_the_attempt(rig: Rig) -> None:
    issuance = rig.issue(DANA, "dev01")
    with pytest.raises(TenantNotFound):
        rig.issue(DANA, "nowhere")

    with rig.database.reading() as connection:
        records = {
            record.state: record for record in IssuanceStore(connection).list_for_user(DANA.id).records
        }

    issued, denied = records[State.ISSUED], records[State.DENIED]
    assert (issued.id, issued.tenant_id, issued.tenant_name) == (issuance.id, DEV.id, "dev01")
    assert (issued.validity, issued.decided_by) == (timedelta(hours=1), LimitSource.CONFIGURED)
    assert (issued.purpose, issued.channel, issued.is_admin) == (Purpose.KEYS, Channel.API, False)
    assert issued.expires_at == issuance.expires_at
    assert (denied.tenant_id, denied.tenant_name, denied.access) == (None, "nowhere", None)
    assert (denied.failure, denied.decided_by) == ("tenant_not_found", None)


def test_a_bookmarked_cursor_stays_valid(rig: Rig) -> None:
    older = rig.issue(DANA, "dev01")
    rig.clock.move(timedelta(seconds=1))
    bookmark = f"{rig.clock.now:%Y-%m-%dT%H:%M:%S}Z_{'0' * 32}"
    rig.clock.move(timedelta(seconds=1))
    rig.issue(DANA, "dev01")

    with rig.database.reading() as connection:
        page = IssuanceStore(connection).list_for_user(DANA.id, PageRequest(bookmark))

    assert [record.id for record in page.records] == [older.id]


@pytest.mark.parametrize(
    "cursor",
    [
        *(
            "",
            "x",
            "_",
            "2026-11-24T12:00:00_x",
            "2026-11-24T12:00:00Z_x",
            "99999-01-01T00:00:00Z_" + "0" * 32,
        ),
        *("2026-11-24T12:00:00Z_" + "0" * 31 + sign for sign in ("\x00", "\ud800", "%", "Z")),
        "0001-01-01T00:00:00+23:59_" + "0" * 32,
    ],
)
def test_an_invalid_cursor_is_refused(rig: Rig, cursor: str) -> None:
    with rig.database.reading() as connection, pytest.raises(InvalidRequest):
        IssuanceStore(connection).list_for_user(DANA.id, PageRequest(cursor))


def test_attempts_are_filtered_by_live_state_and_tenant_name(rig: Rig) -> None:
    dev = rig.issue(DANA, "dev01")
    rig.clock.move(timedelta(minutes=30))
    prod = rig.issue(DANA, "prod01")
    with pytest.raises(TenantNotFound):
        rig.issue(DANA, "dev-nowhere")
    rig.issue(ADMIN, "dev01")
    rig.clock.move(timedelta(minutes=31))

    def matching(wanted: IssuanceFilter) -> list[str | None]:
        with rig.database.reading() as connection:
            records = IssuanceStore(connection).list_for_user(DANA.id, wanted=wanted).records
        return [record.tenant_name for record in records]

    assert matching(IssuanceFilter(live_at=rig.clock.now)) == ["prod01"]
    assert matching(IssuanceFilter(states=WITHOUT_SESSION)) == ["dev-nowhere"]
    assert sorted(matching(IssuanceFilter(text="dev")), key=str) == ["dev-nowhere", "dev01"]
    assert matching(IssuanceFilter(text="%")) == []
    assert dev.expires_at < rig.clock.now < prod.expires_at


@pytest.mark.parametrize("database_url", ["sqlite", "postgres", "pgbouncer"], indirect=True)
def test_sessions_are_counted_by_day_in_utc(rig: Rig) -> None:
    rig.clock.now = rig.clock.now.replace(hour=23, minute=59)
    rig.issue(DANA, "dev01")
    first = rig.clock.now
    rig.clock.move(timedelta(minutes=2))
    rig.issue(DANA, "dev01")
    rig.issue(DANA, "prod01")
    rig.issue(ADMIN, "dev01")
    with pytest.raises(TenantNotFound):
        rig.issue(DANA, "nowhere")

    with rig.database.reading() as connection:
        store = IssuanceStore(connection)
        counted = store.count_by_day(DANA.id, first)
        since_second = store.count_by_day(DANA.id, rig.clock.now)

    assert counted == {first.date(): 1, rig.clock.now.date(): 2}
    assert since_second == {rig.clock.now.date(): 2}
