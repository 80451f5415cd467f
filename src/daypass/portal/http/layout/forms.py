"""What a form sent."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.endpoints import pieces_of_body, read_body

_MOST_FIELDS = 200
_TYPE = "application/x-www-form-urlencoded"
_WITH_FILES = "multipart/form-data"
_UPLOAD_TIME = timedelta(minutes=1)
_UNREADABLE = "What the form sent cannot be read. Load the page again."


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, by name."""

    fields: Mapping[str, Sequence[str]]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What was chosen to be sent along, by name; an empty choice is none."""

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
    if _type(request) != _TYPE:
        raise InvalidRequest("This address takes what a form sends, and nothing else.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidRequest(_UNREADABLE) from error
    return Form(fields)


async def read_upload(request: Request, largest: int) -> Form:
    """The same for a form with a file, *largest* bytes in all."""
    if _type(request) != _WITH_FILES:
        return read_form(request, await read_body(request, largest))
    # Closed by us: left to itself, its time would run on, and end whatever this task does then.
    async with aclosing(pieces_of_body(request, largest, _UPLOAD_TIME)) as pieces:
        parser = MultiPartParser(
            request.headers, pieces, max_files=1, max_fields=_MOST_FIELDS, max_part_size=largest
        )
        try:
            sent = await parser.parse()
        except (MultiPartException, KeyError) as error:
            raise InvalidRequest(_UNREADABLE) from error
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, value in sent.multi_items():
        if not isinstance(value, UploadFile):
            fields.setdefault(name, []).append(value)
        elif value.filename:
            files[name] = await value.read()
    await sent.close()
    return Form(fields, files)


def _type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def wants_page(request: Request) -> bool:
    """Whether the answer is for a person's eyes; script and programs ask for JSON."""
    return "text/html" in request.headers.get("accept", "")
