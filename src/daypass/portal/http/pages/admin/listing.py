"""Search, filters, sorting and pagination of lists."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar
from urllib.parse import urlencode

from daypass.portal.storage.pagination import COUNT_LIMIT, Page, PageRequest

Record = TypeVar("Record")

SHOWS = (25, 50, 100)
"""The selectable page sizes."""

DESCENDING = "-"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The search, filters, sort order and page of a list that a URL requests."""

    address: str
    search: str
    sort: str
    is_descending: bool
    show: int
    cursor: str | None
    filters: Mapping[str, str] = field(default_factory=dict)
    """The value of each filter that is set."""

    @classmethod
    def of(
        cls,
        query: Mapping[str, str],
        address: str,
        sorts: Sequence[str],
        filters: Mapping[str, Collection[str]] | None = None,
    ) -> "ListQuery":
        """Read it from *query*; an invalid value counts as unset. *filters* are the values of each filter."""
        requested = query.get("sort", "")
        sort = requested.removeprefix(DESCENDING)
        show = query.get("show", "")
        return cls(
            address=address,
            search=query.get("search", "").strip(),
            sort=sort if sort in sorts else sorts[0],
            is_descending=requested.startswith(DESCENDING) and sort in sorts,
            show=next((number for number in SHOWS if str(number) == show), SHOWS[0]),
            cursor=query.get("cursor") or None,
            filters={
                name: query[name] for name, values in (filters or {}).items() if query.get(name) in values
            },
        )

    @property
    def page_request(self) -> PageRequest:
        """The requested page."""
        return PageRequest(self.cursor, self.show)

    @property
    def first(self) -> str:
        """The address of the first page; empty on the first page itself."""
        return "" if self.cursor is None else self._at(replace(self, cursor=None))

    @property
    def carried_over(self) -> Mapping[str, str]:
        """The parameters that a new search carries over."""
        sort = {"sort": self.written_sort} if self.written_sort else {}
        return {**sort, **self.filters}

    def following(self, cursor: str | None) -> str:
        """Return the address of the next page; empty if there is none."""
        return "" if cursor is None else self._at(replace(self, cursor=cursor))

    def filtered(self, name: str, value: str) -> str:
        """Return the address of the list with a filter; without it for an empty *value*."""
        others = {each: kept for each, kept in self.filters.items() if each != name}
        filters = {**others, name: value} if value else others
        return self._at(replace(self, filters=filters, cursor=None))

    def by(self, sort: str) -> str:
        """Return the address of the list sorted by *sort*, or in reverse if it already is."""
        is_descending = sort == self.sort and not self.is_descending
        return self._at(replace(self, sort=sort, is_descending=is_descending, cursor=None))

    def direction(self, sort: str) -> str:
        """Return `ascending` or `descending` if the list is sorted by *sort*, else an empty string."""
        if sort != self.sort:
            return ""
        return "descending" if self.is_descending else "ascending"

    @property
    def written_sort(self) -> str:
        """The sort order as a query parameter."""
        return f"{DESCENDING if self.is_descending else ''}{self.sort}"

    def _at(self, other: "ListQuery") -> str:
        fields = {
            "search": other.search,
            "sort": other.written_sort,
            "show": str(other.show) if other.show != SHOWS[0] else "",
            "cursor": other.cursor or "",
            **other.filters,
        }
        return f"{self.address}?{urlencode({name: value for name, value in fields.items() if value})}"


def total(page: Page[Record], listing: ListQuery, count: Callable[[], int]) -> str:
    """Return the number of records on all pages; counts only if this page is not the only one."""
    is_all = listing.cursor is None and page.next_cursor is None
    number = len(page.records) if is_all else count()
    return f"{COUNT_LIMIT}+" if listing.search and number > COUNT_LIMIT else str(number)


@dataclass(frozen=True, slots=True)
class Slice(Generic[Record]):
    """A page of a short list, which is read as a whole."""

    rows: Sequence[Record]
    total: int
    following: str


def paginate(rows: Sequence[Record], listing: ListQuery, text: Callable[[Record], str]) -> Slice[Record]:
    """Return the page of *rows* that *listing* requests: rows whose *text* contains every search word."""
    words = listing.search.lower().split()
    matching = [row for row in rows if all(word in text(row).lower() for word in words)]
    cursor = listing.cursor or ""
    # The cursor is a part of the address and may be any text. No short list has a hundred thousand rows.
    begin = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 6 else 0
    end = begin + listing.show
    return Slice(
        matching[begin:end], len(matching), listing.following(str(end) if end < len(matching) else None)
    )
