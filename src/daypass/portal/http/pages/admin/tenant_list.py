"""The list of tenants: what there is, one more, and the end of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.model import TenantRecord, TenantSort, Version
from daypass.portal.admin.roles.findings import Examiner, readiness
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.admin.tenants.store.tenants import TenantQuery
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.core.warnings import rights_kept
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, total

ADDRESS = "/administrator/tenants"
DELETE = "/administrator/delete-tenant"


@dataclass(frozen=True, slots=True)
class TenantsPage:
    """What the list shows."""

    rows: Sequence[TenantRecord]
    total: str
    listing: ListQuery
    following: str
    region: str
    """What a new tenant's region is unless another is typed."""
    role_like: str
    """What the role of a new tenant is called unless another is named."""
    name: str = ""
    role_arn: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class TenantPages:
    """The list of tenants."""

    pages: PageRenderer
    tenants: Tenants
    region: str
    doctor: Examiner | None
    """None where the portal does not look at roles."""

    def listed(self, visit: PageVisit) -> Response:
        """A page of tenants."""
        return self._answer(visit)

    def create(self, visit: PageVisit) -> Response:
        """Add a tenant, and go to its page."""
        form = visit.form
        try:
            made = self.tenants.create(
                form.get("name"), form.get("region"), visit.caller, role_arn=form.get("role_arn") or None
            )
        except InvalidRequest as refusal:
            return self._answer(visit, status_of(refusal), refusal.reason)
        here, name = f"{ADDRESS}/{made.tenant.id}", made.tenant.name
        ready = readiness(() if self.doctor is None else self.doctor.examine_tenant(made.tenant))
        if not ready.obstacles:
            return redirect(here, f"{name} is there. Add those who may use it.")
        return redirect(
            f"{here}/aws", f"{name} is there, but cannot issue sessions yet. Its role needs a change."
        )

    def delete(self, visit: PageVisit) -> Response:
        """End a tenant, by its id and its name as typed."""
        record = self.tenants.find(visit.form.get("id"))
        if visit.form.get("typed") != record.tenant.name:
            raise InvalidRequest(f"Type “{record.tenant.name}” to delete that tenant. Nothing was changed.")
        kept = self.tenants.delete(record.tenant.id, visit.caller, Version(record.version))
        notice = f"{record.tenant.name} is deleted. What it owns in AWS stays there."
        return redirect(ADDRESS, f"{notice} {rights_kept(kept)}".strip())

    def _answer(self, visit: PageVisit, status: HTTPStatus = HTTPStatus.OK, wrong: str = "") -> Response:
        listing = ListQuery.of(visit.query, ADDRESS, [sort.value for sort in TenantSort])
        query = TenantQuery(listing.search, TenantSort(listing.sort), listing.is_descending)
        found = self.tenants.page(query, listing.turn)
        page = TenantsPage(
            rows=found.records,
            total=total(found, listing, lambda: self.tenants.count(query)),
            listing=listing,
            following=listing.following(found.next_cursor),
            region=visit.form.get("region") or self.region,
            role_like=self.tenants.rules.example,
            name=visit.form.get("name"),
            role_arn=visit.form.get("role_arn"),
            wrong=wrong,
        )
        return self.pages.show(visit.frame, "pages/admin/tenants.html", page, status)
