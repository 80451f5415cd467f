"""The heading shared by all tabs of a tenant's page."""

from dataclasses import dataclass
from datetime import datetime

from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.pages.admin.tenant_list import ADDRESS
from daypass.portal.tenants.model import Tenant


@dataclass(frozen=True, slots=True)
class TenantHeading:
    """The heading of a tenant's page."""

    tenant: Tenant
    created_at: datetime

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"{ADDRESS}/{self.tenant.id}"


def tenant_heading(tenants: Tenants, visit: PageVisit) -> TenantHeading:
    """Return the heading for the tenant in the address; raises `TenantNotFound`."""
    record = tenants.find(visit.path["tenant"])
    return TenantHeading(record.tenant, record.created_at)
