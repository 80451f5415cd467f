"""What a form sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request

from daypass.portal.errors import InvalidRequest

_MOST_FIELDS = 200
_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, by name."""

    fields: Mapping[str, Sequence[str]]

    def get(self, name: str) -> str:
        """A field, trimmed; empty where it was not sent."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """A field as it was typed, for what may begin or end with a blank."""
        return self.fields.get(name, ("",))[0]

    def all(self, name: str) -> Sequence[str]:
        """Every value of a field that may have several."""
        return self.fields.get(name, ())

    def has(self, name: str) -> bool:
        """Whether a field was sent at all: a box that was ticked, a button that was pressed."""
        return name in self.fields


def read_form(request: Request, body: bytes) -> Form:
    """The form in a request; raises `InvalidRequest` where there is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise InvalidRequest("This address takes what a form sends, and nothing else.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidRequest("What the form sent cannot be read. Load the page again.") from error
    return Form(fields)


def wants_page(request: Request) -> bool:
    """Whether the answer is for a person's eyes; script and programs ask for JSON."""
    return "text/html" in request.headers.get("accept", "")
