"""Parsing of bodies and queries into models, and encoding of models as answers."""

from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from daypass.common.lines import printable_line
from daypass.portal.access.duration import parse_duration
from daypass.portal.errors import InvalidRequest, PortalError
from daypass.portal.http.core.endpoints import answer_json
from daypass.portal.http.core.problems import NotJson

_SENTENCES = {
    "missing": "“{field}” is missing.",
    "extra_forbidden": "“{field}” is not a known field.",
    "string_too_short": "“{field}” is empty.",
    "string_too_long": "“{field}” is too long.",
}


Model = TypeVar("Model", bound=BaseModel)


def read_body(model: type[Model], body: bytes) -> Model:
    """Parse the body as *model*. Raises `InvalidRequest` without any value of the body in its text."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None  # the original error contains the body


def read_query(model: type[Model], query: object) -> Model:
    """Parse the query as *model*. Raises `InvalidRequest`."""
    try:
        return model.model_validate(query)
    except ValidationError as error:
        raise _refusal(error) from None


def answer_with(
    model: BaseModel, status: HTTPStatus = HTTPStatus.OK, *, exclude_unset: bool = False
) -> Response:
    """Return *model* as JSON; *exclude_unset* omits fields that were not set, which differ from null."""
    return answer_json(model.model_dump_json(exclude_unset=exclude_unset).encode(), status)


def _refusal(error: ValidationError) -> PortalError:
    # Without the input, which may be a password or a token.
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return NotJson("The body is not JSON.")
    if not first["loc"]:
        return InvalidRequest("The body must be a JSON object.")
    field = str(first["loc"][0])
    # This call raises `InvalidDuration`, which says what a duration looks like.
    if field == "duration":
        parse_duration("")
    shown = printable_line(field[:40], replacement="")
    sentence = _SENTENCES.get(first["type"], "“{field}”: " + first["msg"] + ".")
    return InvalidRequest(sentence.format(field=shown))
