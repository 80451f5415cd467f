"""What went wrong beside a request that succeeded: a header, because clients rely on status and body."""

from starlette.responses import Response

WARNING = "Daypass-Warning"
"""A sentence for people, in printable ASCII. RFC 9111 made the header `Warning` obsolete."""

_LONGEST = 500


def warned(response: Response, warning: str) -> Response:
    """Return the same answer with *warning* as a header, unless it is empty."""
    if warning:
        # Part of it may be words of AWS's answer, which must not begin another header.
        response.headers[WARNING] = "".join(_written(letter) for letter in warning[:_LONGEST])
    return response


def rights_kept(reason: str) -> str:
    """Return what to say of a deleted tenant whose role kept its rights for *reason*; empty without one."""
    return f"Live sessions keep their rights until they end: {reason}" if reason else ""


def _written(letter: str) -> str:
    if not letter.isascii():
        return "?"
    return letter if letter.isprintable() else " "
