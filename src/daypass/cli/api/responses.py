"""Reading the portal's answers within bounds: the server may be broken or not be a portal at all."""

import json
from datetime import UTC, datetime
from time import monotonic

from daypass.cli.runtime.errors import Misconfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OverflowError)
"""Exceptions that reading a malformed answer raises."""

MAX_PAGES = 1000
"""Maximum number of pages of one list, more than any portal has."""

_TIMEOUT = 600.0
"""Maximum number of seconds for all pages of one list."""

_YEARS = range(1971, 9999)
"""Years whose times can be converted to every time zone."""


def read_json(body: bytes) -> "Any":  # noqa: ANN401  JSON may be anything
    """Return the JSON value of *body*; raise ValueError if it is invalid or nested too deeply."""
    try:
        return json.loads(body, parse_constant=_reject_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_moment(text: str) -> datetime:
    """Return the RFC 3339 time in *text*; raise ValueError if it has no zone or an absurd year."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.year not in _YEARS:
        raise ValueError("not a time")
    return moment.astimezone(UTC)


def every_page(
    origin: str, name: str, page_at: "Callable[[str | None], dict[str, Any]]"
) -> "Iterator[dict[str, Any]]":
    """Yield the members of the list *name* on all pages that *page_at* returns for a cursor.

    Raises `Misconfigured` if the portal at *origin* keeps returning further pages.
    """
    cursor: str | None = None
    seen: set[str] = set()
    end = monotonic() + _TIMEOUT
    while True:
        page = page_at(cursor)
        members = page[name]
        yield from members
        cursor = page.get("next_cursor")
        if cursor is None:
            return
        # A genuine portal never returns a cursor after a page without members.
        if not members or cursor in seen or len(seen) >= MAX_PAGES or monotonic() > end:
            raise Misconfigured(
                f"The list of {name} of {origin} does not end; it was given up after {len(seen) + 1} pages. "
                "Ask the operator of the portal."
            )
        seen.add(cursor)


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
