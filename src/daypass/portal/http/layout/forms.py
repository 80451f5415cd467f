"""Submitted HTML forms."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.endpoints import body_chunks, read_body

WHOLE = "form"
"""The name under which a form has the error of no single field."""

_MOST_FIELDS = 200
_TYPE = "application/x-www-form-urlencoded"
_WITH_FILES = "multipart/form-data"
_UPLOAD_TIME = timedelta(minutes=1)
_UNREADABLE = "The form could not be read. Reload the page and try again."


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, by name."""

    fields: Mapping[str, Sequence[str]]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The uploaded files, by field name; a file field left empty has no entry."""

    def get(self, name: str) -> str:
        """Return a field's value, trimmed; empty if it was not sent."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """Return a field's value untrimmed, for values such as passwords."""
        return self.fields.get(name, ("",))[0]

    def all(self, name: str) -> Sequence[str]:
        """Return every value of a field that may have several."""
        return self.fields.get(name, ())

    def has(self, name: str) -> bool:
        """Whether a field was sent at all, such as a ticked checkbox."""
        return name in self.fields


def read_form(request: Request, body: bytes) -> Form:
    """Return the form in a request; raises `InvalidRequest` if there is none."""
    if _type(request) != _TYPE:
        raise InvalidRequest("This address accepts only form submissions.")
    try:
        # Blank values are kept, because an empty field differs from one that was not sent.
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidRequest(_UNREADABLE) from error
    return Form(fields)


async def read_upload(request: Request, largest: int) -> Form:
    """Return the form in a request that may have a file; *largest* limits the whole body, in bytes."""
    if _type(request) != _WITH_FILES:
        return read_form(request, await read_body(request, largest))
    # Closed explicitly: an abandoned generator's timeout would go on and cancel this task later.
    async with aclosing(body_chunks(request, largest, _UPLOAD_TIME)) as pieces:
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
        # Browsers send a file field that was left empty as a file without a name.
        elif value.filename:
            files[name] = await value.read()
    await sent.close()
    return Form(fields, files)


def _type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def wants_page(request: Request) -> bool:
    """Whether the client wants an HTML page; scripts and programs ask for JSON."""
    return "text/html" in request.headers.get("accept", "")
