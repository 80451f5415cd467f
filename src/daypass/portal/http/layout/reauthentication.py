"""*Confirm your password*: what a form was about to do waits for it, and nothing of it is typed twice.

The fields of the form travel through the pages themselves, sealed for this sign-in. The portal keeps nothing
of them, none is ever in an address, and what they say is done only when the person sends it once more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.responses import Response

from daypass.portal.access.model import Caller
from daypass.portal.errors import PortalError
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.csrf import FIELD, check_token, csrf_token
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.navigation import ENTRIES
from daypass.portal.http.layout.redirects import safe_path
from daypass.portal.http.layout.rendering import PageRenderer

_LONGEST = 20 * 1024
_NEVER_CARRIED = (FIELD, "password")
_UNSAID = ("id", "version", "table_id", "seen", "next")
"""Fields that say nothing to a person."""


@dataclass(frozen=True, slots=True)
class DeferredForm:
    """A form that waits for the password: where it goes, and what stands in it."""

    address: str
    fields: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, address: str, form: Form) -> "DeferredForm":
        """All of a form but its token, and anything that is a secret."""
        every = [(name, value) for name, values in form.fields.items() for value in values]
        return cls(safe_path(address), [one for one in every if one[0] not in _NEVER_CARRIED])

    @classmethod
    def from_signed(cls, form: Form, cookie: str) -> "DeferredForm | None":
        """What the page of the password carried; raises `ForgedRequest` where it was made elsewhere."""
        text = form.raw("waiting")
        if not text:
            return None
        check_token(cookie, form.raw("seal"), _purpose(text))
        address, fields = json.loads(text)
        return cls(address, [(name, value) for name, value in fields])

    @property
    def text(self) -> str:
        """All of it, to be carried."""
        return json.dumps([self.address, [*self.fields]])

    @property
    def can_wait(self) -> bool:
        """Whether a page can carry it, and it counts afterwards: a consent is given anew."""
        return len(self.text) <= _LONGEST and all(name != "consent" for name, _ in self.fields)

    @property
    def said(self) -> Sequence[tuple[str, str]]:
        """What was typed and chosen, for a person to see."""
        return [
            (name.replace("_", " ").capitalize(), value)
            for name, value in self.fields
            if value and name not in _UNSAID
        ]


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """What *Confirm your password* shows."""

    csrf: str
    next: str
    username: str
    then: str
    waiting: str
    seal: str
    wrong: str


@dataclass(frozen=True, slots=True)
class ContinuePage:
    """What is shown once the password was right, and a form waits."""

    csrf: str
    next: str
    waiting: DeferredForm


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """The pages around a password that is asked for once more."""

    pages: PageRenderer

    def ask(
        self,
        caller: Caller,
        cookie: str,
        theme: str,
        back: str,
        *,
        waiting: DeferredForm | None = None,
        refusal: PortalError | None = None,
        wrong: str = "",
    ) -> Response:
        """The page that asks; *back* is where one goes without."""
        text = "" if waiting is None else waiting.text
        page = ConfirmPage(
            csrf=csrf_token(cookie),
            next=back,
            username=caller.user.username,
            then=page_title(back),
            waiting=text,
            seal=csrf_token(cookie, _purpose(text)) if text else "",
            wrong=wrong,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        return self.pages.show_alone("layout/confirm.html", page, status, theme=theme)

    def again(self, waiting: DeferredForm, cookie: str, theme: str, back: str) -> Response:
        """The form as it was typed, for the sign-in whose *cookie* is new."""
        page = ContinuePage(csrf_token(cookie), back, waiting)
        return self.pages.show_alone("layout/again.html", page, theme=theme)


def page_title(address: str) -> str:
    """A page, as people call it."""
    path = urlsplit(address).path
    return next((entry.label for entry in ENTRIES if entry.is_current(path)), path)


def _purpose(text: str) -> str:
    return f"waiting {text}"
