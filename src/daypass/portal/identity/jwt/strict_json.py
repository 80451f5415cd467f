"""JSON objects from other parties, parsed so that every reader sees the same members."""

import json
import math
from collections.abc import Mapping
from typing import NoReturn

from daypass.portal.identity.jwt.errors import InvalidToken

# Claims are flat; AWS STS nests request tags three deep, and the deepest known profile has five levels.
_DEEPEST = 16


def parse_object(data: bytes) -> Mapping[str, object]:
    """Return the JSON object in *data*, which is UTF-8.

    Raises `InvalidToken` with the reason `duplicate_member` if an object has a member twice (parsers differ
    in the one that counts), else `malformed`: not an object, NaN or an infinite number, nested too deeply,
    or text that is not Unicode.
    """
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
        )
    # A number with thousands of digits is a ValueError, as is wrong UTF-8.
    except (ValueError, RecursionError):
        raise malformed() from None
    if not isinstance(value, dict) or not _is_sound(value, _DEEPEST):
        raise malformed()
    return value


def malformed() -> InvalidToken:
    """Return the error for a token or document whose form is wrong."""
    return InvalidToken("malformed", "The token is malformed.")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidToken("duplicate_member", "A JSON object in the token has the same member twice.")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _finite(text: str) -> float:
    # Python reads 1e999 as infinity.
    if not math.isfinite(number := float(text)):
        raise ValueError
    return number


def _is_sound(value: object, levels: int) -> bool:
    """Return whether all text in *value* can be encoded, and it has at most *levels* levels."""
    if isinstance(value, str):
        return _is_unicode(value)
    if isinstance(value, dict):
        return levels > 0 and all(
            _is_unicode(name) and _is_sound(member, levels - 1) for name, member in value.items()
        )
    if isinstance(value, list):
        return levels > 0 and all(_is_sound(item, levels - 1) for item in value)
    return True


def _is_unicode(text: str) -> bool:
    # JSON can escape half of a surrogate pair, which databases and logs cannot store.
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
