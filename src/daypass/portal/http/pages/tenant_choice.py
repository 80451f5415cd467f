"""Choosing the tenant that pages are about."""

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from daypass.portal.http.core.tenants import search_tenants, visible_tenant
from daypass.portal.http.layout.cookies import TENANT, set_persistent_cookie
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect, safe_path
from daypass.portal.storage.engine import Database

_OFFERED = 20
_LONGEST_SEARCH = 64


@dataclass(frozen=True, slots=True)
class TenantChoice:
    """The list box in the bar across the top."""

    database: Database

    def choose(self, visit: PageVisit) -> Response:
        """Remember a tenant, by its id or by the name that was typed; stay on the page."""
        reference = visit.form.get("typed") or visit.form.get("tenant")
        tenant = visible_tenant(self.database, visit.caller.user, reference)
        response = redirect(safe_path(visit.form.raw("next")))
        set_persistent_cookie(response, TENANT, tenant.id)
        return response

    def offers(self, visit: PageVisit) -> Response:
        """The first tenants whose names have what was typed in them."""
        text = visit.query.get("q", "").strip().lower()[:_LONGEST_SEARCH]
        found = search_tenants(self.database, visit.caller.user, text, _OFFERED) if text.isprintable() else ()
        return JSONResponse({"offers": [{"value": one.tenant.id, "label": one.tenant.name} for one in found]})
