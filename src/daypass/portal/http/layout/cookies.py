"""The cookies of the pages. What must not be forged or read is `__Host-`, and hidden from script."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, unquote

from starlette.responses import Response

SESSION = "__Host-daypass"
"""The sign-in."""
DEVICE = "__Host-daypass_device"
"""That this browser has signed in before."""
VISIT = "__Host-daypass_visit"
"""What a form's token stands on before there is a sign-in."""
TENANT = "__Host-daypass_tenant"
"""The chosen tenant."""
NOTICE = "__Host-daypass_notice"
"""What the next page says about what was done."""

# Written by script, so that a page can turn at once what the server will write next time.
THEME = "daypass_theme"
NAVIGATION = "daypass_nav"

_YEAR = timedelta(days=365)
_MOMENT = timedelta(minutes=1)
_LONGEST_NOTICE = 500


def set_cookie(response: Response, name: str, value: str, lasts: timedelta | None = None) -> None:
    """Set a cookie; without a length of time it goes when the browser is closed."""
    seconds = None if lasts is None else lasts // timedelta(seconds=1)
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def delete_cookie(response: Response, name: str) -> None:
    """Remove a cookie."""
    response.set_cookie(name, "", max_age=0, path="/", secure=True, httponly=True, samesite="lax")


def set_persistent_cookie(response: Response, name: str, value: str) -> None:
    """Set a cookie that stays."""
    set_cookie(response, name, value, _YEAR)


def flash(response: Response, sentence: str) -> None:
    """Let the next page say this, once."""
    set_cookie(response, NOTICE, quote(sentence[:_LONGEST_NOTICE]), _MOMENT)


@dataclass(frozen=True, slots=True)
class Preferences:
    """How this browser's person likes the pages, by its cookies; nothing in it is authority for anything."""

    theme: str
    is_folded: bool
    tenant: str
    notice: str

    @classmethod
    def of(cls, cookies: Mapping[str, str]) -> "Preferences":
        """Read them; what makes no sense counts as not there."""
        theme = cookies.get(THEME, "")
        tenant = cookies.get(TENANT, "")
        return cls(
            theme=theme if theme in {"light", "dark"} else "",
            is_folded=cookies.get(NAVIGATION) == "folded",
            tenant=tenant if tenant.isprintable() else "",
            notice=unquote(cookies.get(NOTICE, ""))[:_LONGEST_NOTICE],
        )
