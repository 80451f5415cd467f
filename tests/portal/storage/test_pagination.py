"""Tests of keyset pagination: the formats of cursors, and lists in memory."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.errors import InvalidRequest
from daypass.portal.storage.pagination import JsonCursor, PageRequest, TimeAndIdCursor, page_of_sorted

TIME = datetime(2026, 11, 24, 15, 0, 0, 250_000, tzinfo=UTC)


@given(values=st.lists(st.text() | st.integers()))
def test_a_json_cursor_holds_any_strings_and_integers(values: list[object]) -> None:
    cursor = JsonCursor().encode(values)

    assert JsonCursor().decode(cursor) == values
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_a_time_and_id_cursor_is_readable() -> None:
    cursor = TimeAndIdCursor().encode([TIME.isoformat(), "0f" * 16])

    assert cursor == f"2026-11-24T15:00:00.250000Z_{'0f' * 16}"
    time, id_ = TimeAndIdCursor().decode(cursor)
    assert (datetime.fromisoformat(str(time)), id_) == (TIME, "0f" * 16)


@given(numbers=st.lists(st.integers(0, 99), unique=True).map(sorted), limit=st.integers(1, 9))
def test_pages_of_a_sorted_list_contain_each_record_once(numbers: list[int], limit: int) -> None:
    shown: list[int] = []
    request = PageRequest(limit=limit)
    while True:
        page = page_of_sorted(numbers, request, key=int, cursor_of=str, key_of_cursor=int)
        shown += page.records
        if page.next_cursor is None:
            break
        request = PageRequest(page.next_cursor, limit)

    assert shown == numbers


def test_a_page_starts_after_a_record_that_is_gone() -> None:
    page = page_of_sorted([1, 2, 4, 5], PageRequest("3", 1), key=int, cursor_of=str, key_of_cursor=int)

    assert (page.records, page.next_cursor) == ([4], "4")


def test_a_cursor_without_a_key_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no such page"):
        page_of_sorted([1], PageRequest("x"), key=int, cursor_of=str, key_of_cursor=lambda _: None)
