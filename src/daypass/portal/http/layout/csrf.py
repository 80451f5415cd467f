"""That a request was meant by the person whose browser sent it: a token, the Origin, and Fetch-Metadata."""

import hmac
import secrets
from hashlib import sha256

from starlette.datastructures import Headers

from daypass.portal.errors import AccessDenied

FIELD = "csrf"
"""The form field that carries the token."""


class ForgedRequest(AccessDenied):
    """A form that another site sent, or an old one of ours."""

    code = "forged_request"


_SIZE = 16


def csrf_token(cookie: str, purpose: str = "") -> str:
    """What a form carries: known only to who knows the cookie; good for one *purpose* where one is named.

    It reads differently each time, a pad and what the pad hides: pages are sent compressed, and from their
    lengths nobody shall find out a text that stays the same (BREACH).
    """
    pad = secrets.token_bytes(_SIZE)
    return (pad + _xor(pad, _mac(cookie, purpose))).hex()


def check_token(cookie: str, sent: str, purpose: str = "") -> None:
    """Return when *sent* is a token of that cookie; else raise `ForgedRequest`."""
    try:
        token = bytes.fromhex(sent)
    except ValueError:
        token = b""
    meant = _xor(token[:_SIZE], token[_SIZE:])
    if not cookie or not hmac.compare_digest(_mac(cookie, purpose), meant):
        raise ForgedRequest(
            "This form belongs to an earlier sign-in. Load the page again, and send it once more."
        )


def check_sender(headers: Headers, origin: str) -> None:
    """Return when a page of *origin* sent this; else raise `ForgedRequest`."""
    stated, site = headers.get("origin"), headers.get("sec-fetch-site")
    is_ours = stated == origin if stated is not None else site is not None
    if not is_ours or site not in {None, "same-origin"}:
        raise ForgedRequest(
            "Another site sent this, so nothing was done. Open the page here, and do it there."
        )


def _mac(cookie: str, purpose: str) -> bytes:
    return hmac.new(cookie.encode(), f"csrf {purpose}".encode(), sha256).digest()[:_SIZE]


def _xor(one: bytes, other: bytes) -> bytes:
    """The two added bit by bit; nothing where they differ in length."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True)) if len(one) == len(other) else b""
