"""AWS Services: what a tenant may use in AWS, for its members and for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.role_concurrency import RoleBusy, RoleConcurrency
from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.services import TenantService
from daypass.portal.admin.administration import Administration
from daypass.portal.diagnostics.account_fence import FenceReader
from daypass.portal.errors import AwsError
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.tenant_list import TENANT_PATH
from daypass.portal.http.pages.admin.tenant_tabs import TenantHeading, tenant_heading
from daypass.portal.http.services import Services
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.tenants.model import Tenant

ADDRESS = "/services"


@dataclass(frozen=True, slots=True)
class UsableServices:
    """The services that a tenant may use, and those that it may not."""

    usable: Sequence[TenantService]
    others: Sequence[TenantService]
    is_limited: bool
    """Whether a setting limits the tenant to some services."""
    generation: Generation | None
    """The generation of the tenant's role; None if it is unknown, or the role has no fence."""
    unread: str = ""
    """The reason for which the role could not be read; empty if it was read."""

    @property
    def total(self) -> int:
        """The number of services that a role of generation 2 may use."""
        return len(self.usable) + len(self.others)

    @property
    def of_generation_1(self) -> Sequence[TenantService]:
        """The services that a role of generation 1 may use."""
        return [each for each in (*self.usable, *self.others) if each.since is Generation.INLINE]

    @property
    def is_of_generation_1(self) -> bool:
        """Whether the role is of generation 1."""
        return self.generation is Generation.INLINE


@dataclass(frozen=True, slots=True)
class ServicesPage:
    """The data of the page for members."""

    services: UsableServices | None
    """None if the user has no tenant."""


@dataclass(frozen=True, slots=True)
class TenantServicesPage:
    """The data of the tab of a tenant's page."""

    heading: TenantHeading
    services: UsableServices
    limit_address: str
    """The address of the form that limits the services."""


@dataclass(frozen=True, slots=True)
class ServicePages:
    """Handlers of both pages."""

    pages: PageRenderer
    administration: Administration
    settings: SettingsReader
    services: Sequence[TenantService]
    fences: FenceReader | None
    """None if the portal does not check roles."""
    role_concurrency: RoleConcurrency

    def member(self, visit: PageVisit) -> Response:
        """Show the services of the selected tenant."""
        tenant = visit.layout.tenant
        page = ServicesPage(None if tenant is None else self._usable(tenant))
        return self.pages.show(visit.layout, "pages/services.html", page)

    def administrator(self, visit: PageVisit) -> Response:
        """Show the services of the tenant in the address."""
        heading = tenant_heading(self.administration.tenants, visit)
        usable = self._usable(heading.tenant)
        form = "key" if usable.is_limited else "add"
        address = f"{heading.address}/settings?{form}={TENANT_SERVICES.key}"
        page = TenantServicesPage(heading, usable, address)
        return self.pages.show(visit.layout, "pages/admin/tenant-services.html", page)

    def _usable(self, tenant: Tenant) -> UsableServices:
        limit = self.settings.of_tenant(tenant.id, TENANT_SERVICES)
        generation, unread = self._generation(tenant)
        usable = [service for service in self.services if service.is_usable(generation, limit)]
        others = [service for service in self.services if service not in usable]
        return UsableServices(usable, others, limit is not None, generation, unread)

    def _generation(self, tenant: Tenant) -> tuple[Generation | None, str]:
        if self.fences is None:
            return None, ""
        try:
            # A tenant whose AWS is slow must not occupy all threads.
            with self.role_concurrency.acquire(tenant.target.role_arn):
                return self.fences.generation(tenant), ""
        except (AwsError, RoleBusy) as refusal:
            return None, refusal.reason


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    pages = ServicePages(
        pages=services.pages,
        administration=services.administration,
        settings=services.settings,
        services=services.tenant_services,
        fences=services.fences,
        role_concurrency=services.role_concurrency,
    )
    return [
        services.page_routes(Permission.USER).page(ADDRESS, pages.member, calls_aws=True),
        services.page_routes(Permission.ADMINISTRATOR).page(
            f"{TENANT_PATH}/services", pages.administrator, calls_aws=True
        ),
    ]
