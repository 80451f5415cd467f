"""Export of audit events as JSON Lines or CSV, one event a line, safe for terminals and spreadsheets."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping

from daypass.common.lines import printable_line
from daypass.portal.admin.reporting.model import RecordedEvent
from daypass.portal.admin.reporting.reports import Reports, SessionFilter
from daypass.portal.storage.pagination import PageRequest

COLUMNS = (
    "id",
    "at",
    "action",
    "outcome",
    "actor",
    "actor_id",
    "tenant_id",
    "subject",
    "request_id",
    "detail",
    "hash",
)

_PAGE_SIZE = 500
_CHUNK = 64 * 1024
"""The least number of characters in a chunk, except for the last one."""

# Spreadsheets take these for the beginning of a formula; they skip leading blanks.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", " ")


def every_event(
    records: Reports,
    session_filter: SessionFilter,
    *,
    action: str | None = None,
    outcome: str | None = None,
    subject: str | None = None,
) -> Iterator[RecordedEvent]:
    """Yield all matching events, newest first, one database page at a time."""
    page_request = PageRequest(limit=_PAGE_SIZE)
    while True:
        page = records.events(session_filter, page_request, action=action, outcome=outcome, subject=subject)
        yield from page.records
        if page.next_cursor is None:
            return
        page_request = PageRequest(page.next_cursor, _PAGE_SIZE)


def json_lines(events: Iterable[RecordedEvent]) -> Iterator[str]:
    """Yield one JSON object per line, in ASCII, so that no event controls a terminal."""
    for event in events:
        fields = {**_fields(event), "detail": json.loads(event.detail)}
        yield json.dumps({name: fields[name] for name in COLUMNS}, separators=(",", ":")) + "\n"


def csv_lines(events: Iterable[RecordedEvent]) -> Iterator[str]:
    """Yield a CSV table with a header line (RFC 4180)."""
    yield _line(COLUMNS)
    for event in events:
        fields = _fields(event)
        yield _line([cell(fields[name] or "") for name in COLUMNS])


FORMATS: Mapping[str, Callable[[Iterable[RecordedEvent]], Iterator[str]]] = {
    "jsonl": json_lines,
    "csv": csv_lines,
}


def chunks(lines: Iterable[str]) -> Iterator[str]:
    """Yield the same text in chunks of many lines, because each send costs far more than a line."""
    pending: list[str] = []
    size = 0
    for line in lines:
        pending.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield "".join(pending)
            pending, size = [], 0
    if pending:
        yield "".join(pending)


def cell(text: str) -> str:
    """Return *text* as one printable line, with an apostrophe before the beginning of a formula."""
    shown = printable_line(text, replacement=lambda sign: sign.encode("unicode_escape").decode())
    return f"'{shown}" if text.startswith(_FORMULA) else shown


def _fields(event: RecordedEvent) -> dict[str, str | None]:
    return {
        "id": event.id,
        "at": event.at.isoformat(timespec="milliseconds"),
        "action": event.action,
        "outcome": event.outcome,
        "actor": event.actor,
        "actor_id": event.actor_id,
        "tenant_id": event.tenant_id,
        "subject": event.subject,
        "request_id": event.request_id,
        "detail": event.detail,
        "hash": event.hash.hex(),
    }


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
