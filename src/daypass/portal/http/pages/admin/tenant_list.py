"""The list of tenants, with creation and deletion."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.model import TenantQuery, TenantRecord, TenantSort, Version
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.diagnostics.finding import Examiner, readiness
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.core.warnings import rights_kept
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, total
from daypass.portal.http.services import Services

ADDRESS = "/administrator/tenants"
TENANT_PATH = f"{ADDRESS}/{{tenant}}"
"""The path of the pages of one tenant."""
DELETE = "/administrator/delete-tenant"


@dataclass(frozen=True, slots=True)
class TenantsPage:
    """The data of the list."""

    rows: Sequence[TenantRecord]
    total: str
    listing: ListQuery
    following: str
    region: str
    """The default region of a new tenant."""
    role_like: str
    """The pattern of the default role of a new tenant."""
    name: str = ""
    role_arn: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class TenantPages:
    """Handlers of the list of tenants."""

    pages: PageRenderer
    tenants: Tenants
    region: str
    doctor: Examiner | None
    """None if the portal does not examine roles."""

    def listed(self, visit: PageVisit) -> Response:
        """Show a page of tenants."""
        return self._answer(visit)

    def create(self, visit: PageVisit) -> Response:
        """Create a tenant, and redirect to its page."""
        form = visit.form
        try:
            created = self.tenants.create(
                form.get("name"), form.get("region"), visit.caller, role_arn=form.get("role_arn") or None
            )
        except InvalidRequest as refusal:
            return self._answer(visit, status_of(refusal), refusal.reason)
        address, name = f"{ADDRESS}/{created.tenant.id}", created.tenant.name
        ready = readiness(() if self.doctor is None else self.doctor.examine_tenant(created.tenant))
        if not ready.obstacles:
            return redirect(address, f"{name} is created. Add its users.")
        return redirect(
            f"{address}/aws", f"{name} is created, but cannot issue sessions yet. Its role needs a change."
        )

    def delete(self, visit: PageVisit) -> Response:
        """Delete a tenant by id; raises `InvalidRequest` unless its name was typed."""
        record = self.tenants.find(visit.form.get("id"))
        if visit.form.get("typed") != record.tenant.name:
            raise InvalidRequest(f"Type “{record.tenant.name}” to delete that tenant. Nothing was changed.")
        remaining_rights = self.tenants.delete(record.tenant.id, visit.caller, Version(record.version))
        notice = f"{record.tenant.name} is deleted. Its resources in AWS are not deleted."
        return redirect(ADDRESS, f"{notice} {rights_kept(remaining_rights)}".strip())

    def _answer(self, visit: PageVisit, status: HTTPStatus = HTTPStatus.OK, error: str = "") -> Response:
        listing = ListQuery.of(visit.query, ADDRESS, [sort.value for sort in TenantSort])
        query = TenantQuery(listing.search, TenantSort(listing.sort), listing.is_descending)
        result = self.tenants.page(query, listing.page_request)
        page = TenantsPage(
            rows=result.records,
            total=total(result, listing, lambda: self.tenants.count(query)),
            listing=listing,
            following=listing.following(result.next_cursor),
            region=visit.form.get("region") or self.region,
            role_like=self.tenants.role_naming.example,
            name=visit.form.get("name"),
            role_arn=visit.form.get("role_arn"),
            error=error,
        )
        return self.pages.show(visit.layout, "pages/admin/tenants.html", page, status)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    region = services.accounts.default.region
    pages = TenantPages(services.pages, services.administration.tenants, region, services.doctor)
    return [
        administrator.page(ADDRESS, pages.listed),
        administrator.form(ADDRESS, pages.create, calls_aws=True),
        administrator.form(DELETE, pages.delete, calls_aws=True),
    ]
