"""Redirects, to paths of this portal only (no open redirects)."""

from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse, Response

from daypass.portal.http.layout.cookies import flash

HOME = "/profile"
SIGN_IN = "/sign-in"
CONFIRM = "/confirm"
RECOVERY_PAGE = "/sign-in/recovery"

_LONGEST = 2000
# After a sign-in, a return to one of these would show a form again, or sign the user out.
_NOT_BACK_TO = (SIGN_IN, CONFIRM, "/sign-out")


def safe_path(address: str, default: str = HOME) -> str:
    """Return *address* if it is a path of this portal that may be a redirect target, else *default*."""
    # Browsers strip tabs and line breaks and treat a backslash as a slash: either could lead to another host.
    is_path = address.startswith("/") and not address.startswith("//") and "\\" not in address
    if not (is_path and len(address) <= _LONGEST and address.isascii() and address.isprintable()):
        return default
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or parts.path in _NOT_BACK_TO or parts.path.startswith(f"{SIGN_IN}/"):
        return default
    return address


def referring_path(referer: str, origin: str) -> str:
    """Return the path of the page of *origin* that *referer* names; `HOME` if it names none."""
    try:
        from_page = urlsplit(referer)
    except ValueError:
        return HOME
    if f"{from_page.scheme}://{from_page.netloc}" != origin:
        return HOME
    return safe_path(f"{from_page.path}?{from_page.query}".removesuffix("?"))


def login_url(address: str, here: str) -> str:
    """Return *address* with a `next` parameter that leads back to *here*."""
    return address if here in {"/", HOME} else f"{address}?next={quote(here, safe='/')}"


def redirect(address: str, notice: str = "") -> Response:
    """Redirect to *address* after a form succeeded (303), with *notice* as a flash message."""
    response = RedirectResponse(address, 303)
    if notice:
        flash(response, notice)
    return response
