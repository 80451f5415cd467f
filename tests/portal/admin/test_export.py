"""Export of audit events: one line per event, safe for terminals and spreadsheets."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.admin.reporting.export import COLUMNS, cell, chunks, csv_lines, every_event, json_lines
from daypass.portal.admin.reporting.model import RecordedEvent
from daypass.portal.admin.reporting.reports import Reports, SessionFilter
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.storage.engine import Database


def event(subject: str, actor: str = "dana@example.com") -> RecordedEvent:
    detail = json.dumps({"reason": subject})
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    return RecordedEvent(
        "c" * 32, 7, at, "user.create", None, actor, None, subject, "done", detail, "r", bytes(32)
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dana@example.com", "dana@example.com"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\t=1"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("\x00", "\\x00"),
        ("", ""),
    ],
)
def test_a_csv_cell_is_one_printable_line_and_no_formula(text: str, shown: str) -> None:
    assert cell(text) == shown


@given(st.text(), st.text())
def test_each_event_is_exported_as_one_line(subject: str, actor: str) -> None:
    (line,) = json_lines([event(subject, actor)])
    heading, row = csv_lines([event(subject, actor)])

    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line)["detail"] == {"reason": subject}
    assert row.count("\n") == 1
    (cells,) = csv.reader(io.StringIO(row))
    assert next(csv.reader(io.StringIO(heading))) == list(COLUMNS)
    assert len(cells) == len(COLUMNS)
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r", " ")) for text in cells)
    assert all(text.isprintable() for text in cells)


def test_an_export_has_each_matching_event_once_newest_first(
    database: Database, committer: Committer
) -> None:
    for number in range(7):
        committer.commit(
            Event(action="user.create", actor=OPERATOR, outcome=Outcome.DONE, subject=str(number))
        )
    committer.commit(Event(action="user.delete", actor=OPERATOR, outcome=Outcome.DONE, subject="x"))

    found = list(every_event(Reports(database), SessionFilter(), action="user.create"))

    assert [one.subject for one in found] == ["6", "5", "4", "3", "2", "1", "0"]


@given(st.lists(st.text()))
def test_chunks_join_to_the_same_text(lines: list[str]) -> None:
    assert "".join(chunks(lines)) == "".join(lines)


def test_chunks_have_many_lines_and_are_streamed() -> None:
    made: list[str] = []

    def lines() -> Iterator[str]:
        for _ in range(3000):
            made.append("x" * 99 + "\n")
            yield made[-1]

    parts = chunks(lines())

    assert 500 < next(parts).count("\n") == len(made) < 1000
    assert len(list(parts)) < 10
