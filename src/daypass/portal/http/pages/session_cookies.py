"""The answers that begin a browser session, whichever way its user signed in."""

from starlette.responses import Response

from daypass.portal.http.layout.cookies import (
    DEVICE,
    PENDING,
    RECOVERY,
    SESSION,
    VISIT,
    delete_cookie,
    set_cookie,
)
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.identity.browser_sessions import DEVICE_LIFETIME, SignedIn


def signed_in_redirect(next_page: str, signed_in: SignedIn) -> Response:
    """Redirect a user who has just signed in to *next_page*."""
    response = redirect(next_page)
    set_session_cookies(response, signed_in)
    for name in (VISIT, PENDING, RECOVERY):
        delete_cookie(response, name)
    return response


def set_session_cookies(response: Response, signed_in: SignedIn) -> None:
    """Set the cookies of the session and of the known browser."""
    set_cookie(response, SESSION, signed_in.cookie.reveal())
    set_cookie(response, DEVICE, signed_in.device.reveal(), DEVICE_LIFETIME)
