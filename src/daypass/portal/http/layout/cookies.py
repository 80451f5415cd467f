"""The cookies of the pages. Those that grant anything are `__Host-` and `HttpOnly`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, unquote

from starlette.responses import Response

SESSION = "__Host-daypass"
"""The browser session."""
DEVICE = "__Host-daypass_device"
"""Marks a browser in which the user has signed in before; it has a rate limit of its own."""
VISIT = "__Host-daypass_visit"
"""The key of CSRF tokens before sign-in."""
ATTEMPT = "__Host-daypass_attempt"
"""The id of the sign-in at an identity provider that the browser is at."""
PENDING = "__Host-daypass_passkey"
"""The handle of a sign-in between the password and the passkey; there is no session yet."""
RECOVERY = "__Host-daypass_recovery"
"""The secret of a recovery link, until the user's next sign-in."""
TENANT = "__Host-daypass_tenant"
"""The chosen tenant."""
NOTICE = "__Host-daypass_notice"
"""The flash message for the next page."""

# Set by script, which applies the choice at once; the server reads them to render the next page alike.
THEME = "daypass_theme"
NAVIGATION = "daypass_nav"

_YEAR = timedelta(days=365)
_NOTICE_LIFETIME = timedelta(minutes=1)
_LONGEST_NOTICE = 500


def set_cookie(response: Response, name: str, value: str, lasts: timedelta | None = None) -> None:
    """Set a cookie; without *lasts* it is a session cookie, which the browser deletes when it closes."""
    # A browser accepts a `__Host-` cookie only with Secure, the path / and no domain, also to delete it.
    # SameSite is Lax, because with Strict a link to a page from a chat or a ticket would arrive without the
    # session.
    seconds = None if lasts is None else lasts // timedelta(seconds=1)
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def delete_cookie(response: Response, name: str) -> None:
    """Remove a cookie."""
    response.set_cookie(name, "", max_age=0, path="/", secure=True, httponly=True, samesite="lax")


def set_persistent_cookie(response: Response, name: str, value: str) -> None:
    """Set a cookie that lasts a year."""
    set_cookie(response, name, value, _YEAR)


def flash(response: Response, sentence: str) -> None:
    """Show *sentence* once on the next page."""
    # Quoted, because a cookie's value cannot have spaces, commas or non-ASCII characters (RFC 6265, section
    # 4.1.1).
    set_cookie(response, NOTICE, quote(sentence[:_LONGEST_NOTICE]), _NOTICE_LIFETIME)


@dataclass(frozen=True, slots=True)
class Preferences:
    """The display preferences in a browser's cookies. They grant nothing."""

    theme: str
    is_folded: bool
    tenant: str
    notice: str

    @classmethod
    def of(cls, cookies: Mapping[str, str]) -> "Preferences":
        """Read them from *cookies*; an invalid value counts as unset."""
        theme = cookies.get(THEME, "")
        tenant = cookies.get(TENANT, "")
        return cls(
            theme=theme if theme in {"light", "dark"} else "",
            is_folded=cookies.get(NAVIGATION) == "folded",
            tenant=tenant if tenant.isprintable() else "",
            notice=unquote(cookies.get(NOTICE, ""))[:_LONGEST_NOTICE],
        )
