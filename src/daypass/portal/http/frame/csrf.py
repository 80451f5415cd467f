"""That a request was meant by the person whose browser sent it: a token, the Origin, and Fetch-Metadata."""

import hmac
from hashlib import sha256

from starlette.datastructures import Headers

from daypass.portal.errors import AccessDenied

FIELD = "csrf"
"""The form field that carries the token."""


class ForgedRequest(AccessDenied):
    """A form that another site sent, or an old one of ours."""

    code = "forged_request"


def csrf_token(cookie: str, purpose: str = "") -> str:
    """What a form carries: known only to who knows the cookie; good for one *purpose* where one is named."""
    return hmac.new(cookie.encode(), f"csrf {purpose}".encode(), sha256).hexdigest()


def check_token(cookie: str, sent: str, purpose: str = "") -> None:
    """Return when *sent* is the token of that cookie; else raise `ForgedRequest`."""
    if not cookie or not hmac.compare_digest(csrf_token(cookie, purpose).encode(), sent.encode()):
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
