"""Validation of the legacy clients' request bodies, without type conversion."""

import json
from collections.abc import Mapping
from typing import TypeVar

from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.problems import NotJson

Value = TypeVar("Value")

_MAX_TEXT_LENGTH = 5000


def read_object(body: bytes) -> Mapping[str, object]:
    """Parse a JSON object, which may have unknown fields. Raises `NotJson` or `InvalidRequest`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson("The body is not JSON.") from error
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def text(body: Mapping[str, object], field: str, default: str | None = None) -> str:
    """Return a text field. Raises `InvalidRequest` if it is missing without a default, or not text."""
    value = body.get(field)
    if value is None and default is not None:
        return default
    # Types are not converted: a number in the place of a name is an error of the client, which a conversion
    # would store.
    if not isinstance(value, str) or len(value) > _MAX_TEXT_LENGTH:
        raise InvalidRequest(f"“{field}” must be text.")
    return value


def nested(body: Mapping[str, object], field: str) -> Mapping[str, object]:
    """Return an object field, or an empty object if it is missing. Raises `InvalidRequest`."""
    # The clients send null for a field that their user left out.
    value = body.get(field) or {}
    if not isinstance(value, dict):
        raise InvalidRequest(f"“{field}” must be an object.")
    return value


def words(body: Mapping[str, object], field: str) -> list[str]:
    """Return a field that is a list of strings, or an empty list if it is missing."""
    value = body.get(field) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidRequest(f"“{field}” must be a list of strings.")
    return value
