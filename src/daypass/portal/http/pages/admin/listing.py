"""How a long list is looked at: searched, sorted, and a page at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import urlencode

from daypass.portal.storage.pagination import COUNTED, Page, PageRequest

Record = TypeVar("Record")

SHOWS = (25, 50, 100)
"""How many rows one can have on a page."""

DESCENDING = "-"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What an address says of the list behind it."""

    address: str
    search: str
    sort: str
    is_descending: bool
    show: int
    cursor: str | None

    @classmethod
    def of(cls, query: Mapping[str, str], address: str, sorts: Sequence[str]) -> "ListQuery":
        """The list that a query asks for; what it does not know of is as if it were not there."""
        asked = query.get("sort", "")
        sort = asked.removeprefix(DESCENDING)
        show = query.get("show", "")
        return cls(
            address=address,
            search=query.get("search", "").strip(),
            sort=sort if sort in sorts else sorts[0],
            is_descending=asked.startswith(DESCENDING) and sort in sorts,
            show=next((number for number in SHOWS if str(number) == show), SHOWS[0]),
            cursor=query.get("cursor") or None,
        )

    @property
    def turn(self) -> PageRequest:
        """The page that is wanted."""
        return PageRequest(self.cursor, self.show)

    @property
    def first(self) -> str:
        """Where the first page is; empty on the first page itself."""
        return "" if self.cursor is None else self._at(replace(self, cursor=None))

    @property
    def kept(self) -> Mapping[str, str]:
        """What a new search keeps of this one."""
        return {"sort": self.written_sort} if self.written_sort else {}

    def following(self, cursor: str | None) -> str:
        """Where the next page is; empty where there is none."""
        return "" if cursor is None else self._at(replace(self, cursor=cursor))

    def by(self, sort: str) -> str:
        """Where the same list is sorted by that; or the other way round, where it is already."""
        is_descending = sort == self.sort and not self.is_descending
        return self._at(replace(self, sort=sort, is_descending=is_descending, cursor=None))

    def way(self, sort: str) -> str:
        """How the list is sorted by that: ascending, descending, or not."""
        if sort != self.sort:
            return ""
        return "descending" if self.is_descending else "ascending"

    @property
    def written_sort(self) -> str:
        """The sort as an address says it."""
        return f"{DESCENDING if self.is_descending else ''}{self.sort}"

    def _at(self, other: "ListQuery") -> str:
        fields = {
            "search": other.search,
            "sort": other.written_sort,
            "show": str(other.show) if other.show != SHOWS[0] else "",
            "cursor": other.cursor or "",
        }
        return f"{self.address}?{urlencode({name: value for name, value in fields.items() if value})}"


def total(found: Page[Record], listing: ListQuery, count: Callable[[], int]) -> str:
    """How many there are on all pages; counted only where this page alone does not say it."""
    is_all = listing.cursor is None and found.next_cursor is None
    number = len(found.records) if is_all else count()
    return f"{COUNTED}+" if listing.search and number > COUNTED else str(number)


@dataclass(frozen=True, slots=True)
class Slice(Generic[Record]):
    """The page of a list that is read whole, because it is never long."""

    rows: Sequence[Record]
    total: int
    following: str


def paginate(rows: Sequence[Record], listing: ListQuery, text: Callable[[Record], str]) -> Slice[Record]:
    """What *listing* shows of *rows*: those in whose *text* every word that is searched for stands."""
    words = listing.search.lower().split()
    found = [row for row in rows if all(word in text(row).lower() for word in words)]
    cursor = listing.cursor or ""
    begin = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 6 else 0
    end = begin + listing.show
    return Slice(found[begin:end], len(found), listing.following(str(end) if end < len(found) else None))
