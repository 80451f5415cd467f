"""The parameters of a query (RFC 7644, section 3.4.2): the page, and the attributes of the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.errors import ScimRefused
from daypass.portal.http.scim.documents import Document

LARGEST_PAGE = 200
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ALWAYS = frozenset({"schemas", "id"})
_MOST_DIGITS = 9
_LONGEST_FILTER = 1000


@dataclass(frozen=True, slots=True)
class PageParameters:
    """The part of the results that a client asks for."""

    start: int
    """The 1-based index of the first result."""
    count: int

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "PageParameters":
        """Return the parameters of a query; raises `ScimRefused` for one that is no number."""
        # A value below 1 counts as 1, and a negative count as 0 (RFC 7644, section 3.4.2.4).
        start = _number(query, "startIndex", 1)
        return cls(max(1, start), min(LARGEST_PAGE, max(0, _number(query, "count", LARGEST_PAGE))))

    def answer(self, resources: Sequence[Document], total: int) -> Document:
        """Return the list response with the resources of this page."""
        return {
            "schemas": [_LIST],
            "totalResults": total,
            "startIndex": self.start,
            "itemsPerPage": len(resources),
            "Resources": list(resources),
        }


def query_of(content: Document) -> Mapping[str, str]:
    """Return the parameters in the body of a search, as a query string has them."""
    lists = {name: value for name, value in content.items() if isinstance(value, list)}
    texts = {name: str(value) for name, value in content.items() if isinstance(value, str | int)}
    return {**texts, **{name: ",".join(str(each) for each in value) for name, value in lists.items()}}


def selected(resource: Document, query: Mapping[str, str]) -> Document:
    """Return a resource with the attributes that `attributes` or `excludedAttributes` leaves."""
    # `id` is returned always (RFC 7643, section 3.1), whatever the request names.
    return {name: value for name, value in resource.items() if name in _ALWAYS or not leaves_out(name, query)}


def leaves_out(attribute: str, query: Mapping[str, str]) -> bool:
    """Return whether `selected` leaves a top-level attribute out."""
    wanted, excluded = _names(query, "attributes"), _names(query, "excludedAttributes")
    return attribute.lower() in excluded or (bool(wanted) and attribute.lower() not in wanted)


def check_length(text: str) -> None:
    """Raise `ScimRefused` if a filter is too long to be parsed."""
    if len(text) > _LONGEST_FILTER:
        raise ScimRefused("invalidFilter", f"A filter has at most {_LONGEST_FILTER} characters.")


def _names(query: Mapping[str, str], parameter: str) -> frozenset[str]:
    """Return top-level names, in lower case: a name of a schema and a sub-attribute stand for theirs."""
    # The names of attributes are case-insensitive (RFC 7643, section 2.1).
    names = (name.strip().rpartition(":")[2] for name in query.get(parameter, "").split(","))
    return frozenset(name.partition(".")[0].lower() for name in names if name)


def _number(query: Mapping[str, str], parameter: str, default: int) -> int:
    text = query.get(parameter, "")
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MOST_DIGITS:
        raise ScimRefused("invalidValue", f"{parameter} is not a number.")
    return int(text)
