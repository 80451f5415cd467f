"""The tenant selector."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.cookies import TENANT, set_persistent_cookie
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect, safe_path
from daypass.portal.http.services import Services

_OFFERED = 20
_LONGEST_SEARCH = 64


@dataclass(frozen=True, slots=True)
class TenantChoice:
    """Handlers of the tenant selector in the top bar."""

    tenants: VisibleTenants

    def choose(self, visit: PageVisit) -> Response:
        """Select a tenant by id or by typed name, and redirect to the same page; raises `TenantNotFound`."""
        # With many tenants there is a search field, and without script its text is all that is sent.
        reference = visit.form.get("typed") or visit.form.get("tenant")
        tenant = self.tenants.get(visit.caller.user, reference)
        response = redirect(safe_path(visit.form.raw("next")))
        set_persistent_cookie(response, TENANT, tenant.id)
        return response

    def offers(self, visit: PageVisit) -> Response:
        """Return the first tenants whose names contain the typed text."""
        text = visit.query.get("q", "").strip().lower()[:_LONGEST_SEARCH]
        matches = self.tenants.search(visit.caller.user, text, _OFFERED)
        return JSONResponse(
            {"offers": [{"value": access.tenant.id, "label": access.tenant.name} for access in matches]}
        )


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    choice, user = TenantChoice(services.tenants), services.page_routes(Permission.USER)
    return [user.form("/tenant", choice.choose), user.page("/tenant/offers", choice.offers)]
