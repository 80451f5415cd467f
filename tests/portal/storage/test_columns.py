"""Points in time are stored as SQLAlchemy stores them, and read back as the same instants in UTC."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import DateTime
from sqlalchemy.dialects import sqlite

from daypass.portal.storage.columns import UtcDateTime

SQLITE = sqlite.dialect()
# Hypothesis takes its limits without a zone. The days at the ends have no UTC in the range of years.
FIRST = datetime(2, 1, 1, tzinfo=UTC).replace(tzinfo=None)
LAST = datetime(9998, 1, 1, tzinfo=UTC).replace(tzinfo=None)
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.timezones())


@given(MOMENTS)
def test_a_moment_is_stored_in_sqlite_as_sqlalchemy_stores_it_and_read_back(moment: datetime) -> None:
    bind, read = UtcDateTime().bind_processor(SQLITE), UtcDateTime().result_processor(SQLITE, None)
    by_sqlalchemy = DateTime().dialect_impl(SQLITE).bind_processor(SQLITE)
    assert bind is not None
    assert read is not None
    assert by_sqlalchemy is not None

    stored = bind(moment)

    assert stored == by_sqlalchemy(moment.astimezone(UTC).replace(tzinfo=None))
    assert read(stored) == moment.astimezone(UTC)
    assert read(stored).tzinfo is UTC  # type: ignore[union-attr]  # it is no null


def test_null_stays_null_and_a_naive_datetime_is_refused() -> None:
    bind, read = UtcDateTime().bind_processor(SQLITE), UtcDateTime().result_processor(SQLITE, None)
    assert bind is not None
    assert read is not None

    assert bind(None) is None
    assert read(None) is None
    with pytest.raises(ValueError, match="without a time zone"):
        bind(FIRST)


@pytest.mark.parametrize(
    "stored",
    [
        "2026-01-01 10:00:00",
        "2026-01-01T10:00:00Z",
        "2026-01-01 12:00:00.000000+02:00",
        "2026-01-01 05:00-05:00",
    ],
)
def test_a_text_of_another_program_is_read_as_the_instant_that_it_names(stored: str) -> None:
    read = UtcDateTime().result_processor(SQLITE, None)
    assert read is not None

    moment = read(stored)

    assert moment == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert moment.tzinfo is UTC
