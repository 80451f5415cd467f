"""Reauthentication before a sensitive form takes effect, without loss of what the user typed.

The fields of the form travel as signed hidden fields of the *Confirm your password* page. The portal does not
store them, they are never in a URL, and they take effect only when the user submits them again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.responses import Response

from daypass.portal.access.model import Caller
from daypass.portal.errors import PortalError, SignInFailed
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.csrf import FIELD, check_token, csrf_token
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.navigation import ENTRIES
from daypass.portal.http.layout.redirects import safe_path
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.identity.model import User
from daypass.portal.identity.passkeys.service import Passkeys
from daypass.portal.identity.providers.base import RedirectProvider
from daypass.portal.identity.providers.registry import IdentityProviders

_LONGEST = 20 * 1024
_NEVER_CARRIED = (FIELD, "password")
_NOT_SHOWN = ("id", "version", "table_id", "seen", "next")
"""Fields that mean nothing to a user."""
_TITLES = {
    "/app/user/verify-token": "Local Access Requested",
    "/oauth/authorize": "Local Access Requested",
    "/sign-in-methods": "Sign-in methods",
}
"""The titles of pages that are not in the navigation, by path."""


@dataclass(frozen=True, slots=True)
class DeferredForm:
    """A form that is deferred until the user has reauthenticated: its address and its fields."""

    address: str
    fields: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, address: str, form: Form) -> "DeferredForm":
        """Defer *form*, without its CSRF token and its password."""
        fields = [(name, value) for name, values in form.fields.items() for value in values]
        return cls(
            safe_path(address), [(name, value) for name, value in fields if name not in _NEVER_CARRIED]
        )

    @classmethod
    def from_signed(cls, form: Form, cookie: str) -> "DeferredForm | None":
        """Read the form that the confirmation page carried; raises `ForgedRequest` on a wrong signature."""
        text = form.raw("waiting")
        if not text:
            return None
        check_token(cookie, form.raw("seal"), _purpose(text))
        address, fields = json.loads(text)
        return cls(address, [(name, value) for name, value in fields])

    @property
    def text(self) -> str:
        """The form as JSON, to be carried in a hidden field."""
        return json.dumps([self.address, [*self.fields]])

    @property
    def can_wait(self) -> bool:
        """Whether the form can be carried: it is short enough, and no consent, which is always given anew."""
        return len(self.text) <= _LONGEST and all(name != "consent" for name, _ in self.fields)

    @property
    def said(self) -> Sequence[tuple[str, str]]:
        """The labels and values of the fields to show to the user."""
        return [
            (name.replace("_", " ").capitalize(), value)
            for name, value in self.fields
            if value and name not in _NOT_SHOWN
        ]


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """The data of the page *Confirm your password*."""

    csrf: str
    next: str
    username: str
    then: str
    waiting: str
    seal: str
    error: str
    has_passkey: bool
    takes_password: bool


@dataclass(frozen=True, slots=True)
class ConfirmAtProviderPage:
    """The data of the page that leads to an identity provider with pages of its own."""

    csrf: str
    label: str
    next: str
    then: str
    waiting: str
    seal: str
    error: str
    has_passkey: bool


@dataclass(frozen=True, slots=True)
class ContinuePage:
    """The data of the page after a correct password, if a form is deferred."""

    csrf: str
    next: str
    waiting: DeferredForm


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """The pages of reauthentication, which depend on the provider that proved the user's identity."""

    pages: PageRenderer
    providers: IdentityProviders
    passkeys: Passkeys

    def has_passkey(self, user: User) -> bool:
        """Return whether *user* can confirm with a passkey."""
        return not self.passkeys.unavailable_reason and bool(self.passkeys.list_own(user))

    def check_password_allowed(self, user: User) -> None:
        """Raise `SignInFailed` if *user* must confirm with a passkey."""
        if self.passkeys.is_required(user):
            raise SignInFailed("You need a passkey to confirm this change; your password is not enough.")

    def ask(
        self,
        caller: Caller,
        cookie: str,
        theme: str,
        back: str,
        *,
        waiting: DeferredForm | None = None,
        refusal: PortalError | None = None,
        error: str = "",
    ) -> Response:
        """Return the page that asks for the password, or leads to the session's identity provider.

        *back* is the address of **Cancel**. Raises `SignInAgain` if the portal has no such provider any more.
        """
        provider = self.providers.for_session(caller.token)
        text = "" if waiting is None else waiting.text
        seal = csrf_token(cookie, _purpose(text)) if text else ""
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        if isinstance(provider, RedirectProvider):
            # A page with a link, because the Content Security Policy (form-action) forbids that the answer to
            # a form leads to another site. The form cannot travel there and back, so the user submits it
            # again; with a passkey it waits.
            leads = ConfirmAtProviderPage(
                csrf=csrf_token(cookie),
                label=provider.label,
                next=back,
                then=page_title(back),
                waiting=text,
                seal=seal,
                error=error,
                has_passkey=self.has_passkey(caller.user),
            )
            return self.pages.show_alone("layout/confirm-at-provider.html", leads, status, theme=theme)
        page = ConfirmPage(
            csrf=csrf_token(cookie),
            next=back,
            username=caller.user.username,
            then=page_title(back),
            waiting=text,
            seal=seal,
            error=error,
            has_passkey=self.has_passkey(caller.user),
            takes_password=not self.passkeys.is_required(caller.user),
        )
        return self.pages.show_alone("layout/confirm.html", page, status, theme=theme)

    def again(self, waiting: DeferredForm, cookie: str, theme: str, back: str) -> Response:
        """Return the page that submits the deferred form, with a CSRF token for the new session *cookie*."""
        page = ContinuePage(csrf_token(cookie), back, waiting)
        return self.pages.show_alone("layout/again.html", page, theme=theme)


def page_title(address: str) -> str:
    """Return the title of the page at *address*, or its path."""
    path = urlsplit(address).path
    return next((entry.label for entry in ENTRIES if entry.is_current(path)), _TITLES.get(path, path))


def _purpose(text: str) -> str:
    return f"waiting {text}"
