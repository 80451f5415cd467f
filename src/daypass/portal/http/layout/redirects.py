"""Where a person goes next: own paths only."""

from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse, Response

from daypass.portal.http.layout.cookies import flash

HOME = "/profile"
SIGN_IN = "/sign-in"
CONFIRM = "/confirm"

_LONGEST = 2000
_NOT_BACK_TO = (SIGN_IN, CONFIRM, "/sign-out")


def safe_path(typed: str, otherwise: str = HOME) -> str:
    """*typed* if it is a path of this portal that one can come back to, else *otherwise*."""
    # A browser drops tabs and line ends, and takes a backslash for a slash: both could lead away.
    is_path = typed.startswith("/") and not typed.startswith("//")
    if not is_path or "\\" in typed or len(typed) > _LONGEST or not (typed.isascii() and typed.isprintable()):
        return otherwise
    parts = urlsplit(typed)
    if parts.scheme or parts.netloc or parts.path in _NOT_BACK_TO:
        return otherwise
    return typed


def referring_path(referer: str, origin: str) -> str:
    """The page of *origin* on which a form stood; the first one, where a browser does not say."""
    try:
        from_page = urlsplit(referer)
    except ValueError:
        return HOME
    if f"{from_page.scheme}://{from_page.netloc}" != origin:
        return HOME
    return safe_path(f"{from_page.path}?{from_page.query}".removesuffix("?"))


def login_url(address: str, here: str) -> str:
    """*address*, from which one comes back to *here*."""
    return address if here in {"/", HOME} else f"{address}?next={quote(here, safe='/')}"


def redirect(address: str, notice: str = "") -> Response:
    """The answer to a form that did its work: look there now, and be told so."""
    response = RedirectResponse(address, 303)
    if notice:
        flash(response, notice)
    return response
