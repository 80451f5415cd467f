"""What the legacy clients send, read with care: each field has one type, and no other is taken for it."""

import json
from collections.abc import Mapping
from typing import TypeVar

from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.problems import NotJson

Value = TypeVar("Value")

_LONGEST = 5000


def read_object(body: bytes) -> Mapping[str, object]:
    """The JSON object that was sent; fields that nobody here knows may be in it."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return found


def text(body: Mapping[str, object], field: str, default: str | None = None) -> str:
    """A field that holds text; raises where it is missing and there is no default."""
    found = body.get(field)
    if found is None and default is not None:
        return default
    if not isinstance(found, str) or len(found) > _LONGEST:
        raise InvalidRequest(f"“{field}” must be text.")
    return found


def nested(body: Mapping[str, object], field: str) -> Mapping[str, object]:
    """A field that holds an object; an empty one where it is missing."""
    found = body.get(field) or {}
    if not isinstance(found, dict):
        raise InvalidRequest(f"“{field}” must be an object.")
    return found


def words(body: Mapping[str, object], field: str) -> list[str]:
    """A field that holds a list of words; an empty one where it is missing."""
    found = body.get(field) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InvalidRequest(f"“{field}” must be a list of words.")
    return found
