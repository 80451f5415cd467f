"""The tab *Sign-in methods* of a user's administration page."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import UserRecord
from daypass.portal.errors import AccountRefused, InvalidRequest, LastSignInMethod, PortalError
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.user_list import ADDRESS, OneTimeSecret
from daypass.portal.http.pages.providers.methods import AccountRow, account_rows, provider_choices
from daypass.portal.http.services import Services


@dataclass(frozen=True, slots=True)
class UserSignInPage:
    """The data of the tab."""

    record: UserRecord
    reads_only: bool
    accounts: Sequence[AccountRow]
    providers: Sequence[tuple[str, str]]
    """Name and title of the providers whose accounts can be linked."""
    subject: str
    error_pane: str
    error: str
    new_secret: OneTimeSecret | None = None

    @property
    def address(self) -> str:
        """The address of the user's page."""
        return f"{ADDRESS}/{self.record.user.id}"


@dataclass(frozen=True, slots=True)
class UserSignInPages:
    """Handlers of the tab."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """Show the accounts of the user."""
        return self._show(visit)

    def link(self, visit: PageVisit) -> Response:
        """Link the account with the typed subject to the user."""
        user, form = visit.path["user"], visit.form
        try:
            self.administration.identities.link(user, form.get("provider"), form.get("subject"), visit.caller)
        except (InvalidRequest, AccountRefused) as refusal:
            return self._show(visit, refusal, "link")
        return redirect(f"{ADDRESS}/{user}/sign-in-methods", "The account is linked.")

    def unlink(self, visit: PageVisit) -> Response:
        """Unlink an account from the user."""
        user, form = visit.path["user"], visit.form
        key = form.raw("provider"), form.raw("issuer"), form.raw("subject")
        try:
            self.administration.identities.unlink(user, *key, visit.caller)
        except (InvalidRequest, LastSignInMethod) as refusal:
            return self._show(visit, refusal, "unlink")
        return redirect(f"{ADDRESS}/{user}/sign-in-methods", "The account is unlinked.")

    def _show(self, visit: PageVisit, refusal: PortalError | None = None, error_pane: str = "") -> Response:
        administration = self.administration
        record = administration.users.find(visit.path["user"])
        identities = administration.identities
        page = UserSignInPage(
            record=record,
            reads_only=administration.members.reads_only(record.user.id),
            accounts=account_rows(identities.list_for(record.user.id), identities.methods),
            providers=provider_choices(identities.methods),
            subject=visit.form.get("subject") if error_pane == "link" else "",
            error_pane=error_pane,
            error="" if refusal is None else refusal.reason,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        return self.pages.show(visit.layout, "pages/admin/user-sign-in.html", page, status)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = UserSignInPages(services.pages, services.administration)
    address = f"{ADDRESS}/{{user}}/sign-in-methods"
    return [
        administrator.page(address, pages.show),
        administrator.form(address, pages.link),
        administrator.form(f"{address}/unlink", pages.unlink),
    ]
