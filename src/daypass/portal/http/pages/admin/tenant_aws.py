"""A tenant's tabs Sessions and AWS: its issuances, and its IAM role."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.role_concurrency import RoleBusy
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.reports import SessionFilter
from daypass.portal.admin.settings.duration_report import DurationReports
from daypass.portal.diagnostics.finding import Examiner, Finding, Level
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.duration_chart import DurationChart, draw_chart
from daypass.portal.http.pages.admin.listing import ListQuery
from daypass.portal.http.pages.admin.tenant_list import TENANT_PATH
from daypass.portal.http.pages.admin.tenant_tabs import TenantHeading, tenant_heading
from daypass.portal.http.pages.session_rows import SessionRow, rows
from daypass.portal.http.services import Services
from daypass.portal.tenants.model import Tenant


@dataclass(frozen=True, slots=True)
class TenantSessionsPage:
    """The data of the tab Sessions."""

    heading: TenantHeading
    rows: Sequence[SessionRow]
    listing: ListQuery
    following: str


@dataclass(frozen=True, slots=True)
class TenantAwsPage:
    """The data of the tab AWS."""

    heading: TenantHeading
    ruler: DurationChart
    findings: Sequence[Finding] | None
    """None if the portal does not examine roles."""


@dataclass(frozen=True, slots=True)
class TenantAwsPages:
    """Handlers of the tabs Sessions and AWS."""

    pages: PageRenderer
    administration: Administration
    durations: DurationReports
    doctor: Examiner | None

    def sessions(self, visit: PageVisit) -> Response:
        """Show the sessions of all users in this tenant, newest first."""
        heading = tenant_heading(self.administration.tenants, visit)
        listing = ListQuery.of(visit.query, f"{heading.address}/sessions", ["asked"])
        result = self.administration.records.sessions(
            SessionFilter(tenant=heading.tenant.id), listing.page_request
        )
        page = TenantSessionsPage(
            heading, rows(result.records, visit.layout.now), listing, listing.following(result.next_cursor)
        )
        return self.pages.show(visit.layout, "pages/admin/tenant-sessions.html", page)

    def aws(self, visit: PageVisit) -> Response:
        """Show the role, the findings about it, and how long its sessions last."""
        heading = tenant_heading(self.administration.tenants, visit)
        # Read first: the examination caches the role's maximum session duration, which the ruler uses.
        findings = self._findings(heading.tenant)
        page = TenantAwsPage(heading, draw_chart(self.durations.of_tenant(heading.tenant.id)), findings)
        return self.pages.show(visit.layout, "pages/admin/tenant-aws.html", page)

    def _findings(self, tenant: Tenant) -> Sequence[Finding] | None:
        if self.doctor is None:
            return None
        try:
            with self.durations.role_concurrency.acquire(tenant.target.role_arn):
                return self.doctor.examine_tenant(tenant)
        except RoleBusy as refusal:
            return [Finding("unreadable", Level.WARNING, tenant.name, refusal.reason)]


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = TenantAwsPages(services.pages, services.administration, services.durations, services.doctor)
    return [
        administrator.page(f"{TENANT_PATH}/sessions", pages.sessions),
        administrator.page(f"{TENANT_PATH}/aws", pages.aws, calls_aws=True),
    ]
