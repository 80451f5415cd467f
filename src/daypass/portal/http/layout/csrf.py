"""CSRF protection of forms: a masked token, the Origin header, and Fetch Metadata."""

import hmac
import secrets
from hashlib import sha256

from starlette.datastructures import Headers

from daypass.portal.errors import AccessDenied

FIELD = "csrf"
"""The form field that carries the token."""


class ForgedRequest(AccessDenied):
    """A form that another site sent, or one of an earlier session."""

    code = "forged_request"


_SIZE = 16


def csrf_token(cookie: str, purpose: str = "") -> str:
    """Return a masked CSRF token for *cookie*, valid for *purpose* only.

    Each token is masked with a fresh pad: a constant token in compressed pages could be recovered from their
    lengths (BREACH).
    """
    pad = secrets.token_bytes(_SIZE)
    return (pad + _xor(pad, _mac(cookie, purpose))).hex()


def check_token(cookie: str, sent: str, purpose: str = "") -> None:
    """Check that *sent* is a token of *cookie* for *purpose*; raises `ForgedRequest` if not."""
    try:
        token = bytes.fromhex(sent)
    except ValueError:
        token = b""
    unmasked = _xor(token[:_SIZE], token[_SIZE:])
    # Without a cookie the key would be empty, and everybody could compute the token.
    if not cookie or not hmac.compare_digest(_mac(cookie, purpose), unmasked):
        raise ForgedRequest("This form belongs to an earlier session. Reload the page and submit it again.")


def check_sender(headers: Headers, origin: str) -> None:
    """Check that a page of *origin* sent the request; raises `ForgedRequest` if not."""
    sender, site = headers.get("origin"), headers.get("sec-fetch-site")
    # Some browsers omit Origin in requests of the same origin. Those send Sec-Fetch-Site, so a form without
    # both headers is refused.
    is_ours = sender == origin if sender is not None else site is not None
    if not is_ours or site not in {None, "same-origin"}:
        raise ForgedRequest(
            "Another site sent this form, so nothing was changed. Open the page here and submit it again."
        )


def _mac(cookie: str, purpose: str) -> bytes:
    return hmac.new(cookie.encode(), f"csrf {purpose}".encode(), sha256).digest()[:_SIZE]


def _xor(one: bytes, other: bytes) -> bytes:
    """Return the exclusive or of two byte strings, or an empty one if their lengths differ."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True)) if len(one) == len(other) else b""
