"""The page about identity providers that provision by SCIM, and their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.provisioning.service import Provisioning, ScimProviderRecord
from daypass.portal.errors import ScimTokenLimit
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.user_list import OneTimeSecret
from daypass.portal.http.services import Services

ADDRESS = "/administrator/provisioning"
TOKENS = f"{ADDRESS}/tokens"


@dataclass(frozen=True, slots=True)
class ProvisioningPage:
    """The data of the page."""

    providers: Sequence[ScimProviderRecord]
    base_url: str
    error: str = ""
    error_provider: str = ""
    """The name of the provider that `error` is about."""
    new_secret: OneTimeSecret | None = None


@dataclass(frozen=True, slots=True)
class ProvisioningPages:
    """Handlers of the page and its forms."""

    pages: PageRenderer
    provisioning: Provisioning

    def show(self, visit: PageVisit) -> Response:
        """Show the providers with their tokens."""
        return self._answer(visit)

    def create_token(self, visit: PageVisit) -> Response:
        """Create a token, and show it once on the page that answers."""
        name = visit.form.get("provider")
        try:
            secret, token = self.provisioning.create_token(name, visit.caller)
        except ScimTokenLimit as refusal:
            return self._answer(visit, status_of(refusal), error=refusal.reason, error_provider=name)
        note = (
            "Copy it now: it will not be shown again. Enter it at the provider, with the base URL of this "
            "page. It is valid until it is revoked."
        )
        made = OneTimeSecret("Token created", token.provider, note, secret.reveal())
        # No redirect: the secret exists in this answer only, and nothing stores it for a second page.
        return self._answer(visit, HTTPStatus.CREATED, new_secret=made)

    def revoke_token(self, visit: PageVisit) -> Response:
        """Revoke a token."""
        form = visit.form
        self.provisioning.revoke_token(form.get("provider"), form.get("id"), visit.caller)
        return redirect(ADDRESS, "Token revoked.")

    def _answer(
        self,
        visit: PageVisit,
        status: HTTPStatus = HTTPStatus.OK,
        *,
        error: str = "",
        error_provider: str = "",
        new_secret: OneTimeSecret | None = None,
    ) -> Response:
        page = ProvisioningPage(
            self.provisioning.providers(), self.provisioning.base_url, error, error_provider, new_secret
        )
        return self.pages.show(visit.layout, "pages/admin/provisioning.html", page, status)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = ProvisioningPages(services.pages, services.administration.provisioning)
    return [
        administrator.page(ADDRESS, pages.show),
        administrator.form(TOKENS, pages.create_token),
        administrator.form(f"{TOKENS}/revoke", pages.revoke_token),
    ]
