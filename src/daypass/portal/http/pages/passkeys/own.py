"""The page *Passkeys*: a user's own passkeys, to add, rename and remove."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.errors import InvalidRequest, PortalError, RequestExpired, SignInFailed
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.providers.redirects import context_of
from daypass.portal.http.services import Services
from daypass.portal.identity.passkeys.model import Ceremony, Passkey
from daypass.portal.identity.passkeys.service import Passkeys

PASSKEYS = "/profile/passkeys"
"""The path of the page."""

_ADVISED = 2
"""The number of passkeys that the page asks for, so that the loss of one does not lock the user out."""


@dataclass(frozen=True, slots=True)
class PasskeysPage:
    """The data of the page."""

    passkeys: Sequence[Passkey]
    is_required: bool
    unavailable_reason: str
    """The reason why passkeys do not work at this address; empty if they do."""
    error: str = ""

    @property
    def asks_for_another(self) -> bool:
        """Whether the user has a passkey but none in reserve."""
        return 0 < len(self.passkeys) < _ADVISED

    @property
    def can_remove_last(self) -> bool:
        """Whether each passkey can be removed."""
        return not self.is_required or len(self.passkeys) > 1


@dataclass(frozen=True, slots=True)
class PasskeyPages:
    """Handlers of the page and its forms."""

    pages: PageRenderer
    passkeys: Passkeys

    def show(self, visit: PageVisit) -> Response:
        """Show the user's passkeys."""
        return self._answer(visit)

    def begin(self, visit: PageVisit) -> Response:
        """Return the options for a new passkey as JSON."""
        caller = visit.caller
        begun = self.passkeys.begin_registration(caller.token, caller.user, caller.request_id)
        return ceremony_json(begun)

    def add(self, visit: PageVisit) -> Response:
        """Add a passkey."""
        caller, form = visit.caller, visit.form
        try:
            self.passkeys.register(
                caller.token,
                caller.user,
                form.raw("handle"),
                form.raw("answer"),
                form.get("name"),
                context_of(visit),
            )
        except (InvalidRequest, RequestExpired, SignInFailed) as refusal:
            return self._answer(visit, refusal)
        return redirect(PASSKEYS, "Passkey added.")

    def rename(self, visit: PageVisit) -> Response:
        """Rename a passkey."""
        caller, form = visit.caller, visit.form
        try:
            self.passkeys.rename(caller.user, form.get("id"), form.get("name"), caller.request_id)
        except InvalidRequest as refusal:
            return self._answer(visit, refusal)
        return redirect(PASSKEYS, "Passkey renamed.")

    def remove(self, visit: PageVisit) -> Response:
        """Remove a passkey."""
        caller, form = visit.caller, visit.form
        try:
            self.passkeys.remove(caller.token, caller.user, form.get("id"), caller.request_id)
        except InvalidRequest as refusal:
            return self._answer(visit, refusal)
        return redirect(PASSKEYS, "Passkey removed.")

    def _answer(self, visit: PageVisit, refusal: PortalError | None = None) -> Response:
        user = visit.caller.user
        page = PasskeysPage(
            passkeys=self.passkeys.list_own(user),
            is_required=self.passkeys.is_required(user),
            unavailable_reason=self.passkeys.unavailable_reason,
            error="" if refusal is None else refusal.reason,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        return self.pages.show(visit.layout, "pages/passkeys.html", page, status)


def ceremony_json(begun: Ceremony) -> Response:
    """Return a challenge as JSON, for the script that asks the browser's authenticator."""
    return JSONResponse({"handle": begun.handle.reveal(), "options": begun.options})


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    pages = PasskeyPages(services.pages, services.passkeys)
    user = services.page_routes(Permission.USER)
    return [
        user.page(PASSKEYS, pages.show),
        user.form(f"{PASSKEYS}/options", pages.begin),
        user.form(PASSKEYS, pages.add),
        user.form(f"{PASSKEYS}/rename", pages.rename),
        user.form(f"{PASSKEYS}/remove", pages.remove),
    ]
