"""Warnings of successful requests, sent as a header because clients rely on status and body."""

from starlette.responses import Response

WARNING = "Daypass-Warning"
"""A sentence for users, in printable ASCII. RFC 9111 made the header `Warning` obsolete."""

_MAX_LENGTH = 500


def warned(response: Response, warning: str) -> Response:
    """Return *response* with *warning* as a header, unless it is empty."""
    if warning:
        # It may contain text from AWS, which must not be able to inject a header.
        response.headers[WARNING] = "".join(_header_safe(letter) for letter in warning[:_MAX_LENGTH])
    return response


def rights_kept(reason: str) -> str:
    """Return the warning for a deleted tenant whose role kept its permissions; empty without a *reason*."""
    return f"Live sessions keep their rights until they end: {reason}" if reason else ""


def _header_safe(letter: str) -> str:
    if not letter.isascii():
        return "?"
    return letter if letter.isprintable() else " "
