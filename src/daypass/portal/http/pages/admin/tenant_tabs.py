"""What the tabs of one tenant's page share."""

from dataclasses import dataclass
from datetime import datetime

from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.pages.admin.tenant_list import ADDRESS
from daypass.portal.tenants.model import Tenant


@dataclass(frozen=True, slots=True)
class TenantHeading:
    """The head of a tenant's page, and where its tabs are."""

    tenant: Tenant
    created_at: datetime

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"{ADDRESS}/{self.tenant.id}"


def band(tenants: Tenants, visit: PageVisit) -> TenantHeading:
    """The head of the page of the tenant that an address names; raises `TenantNotFound`."""
    record = tenants.find(visit.path["tenant"])
    return TenantHeading(record.tenant, record.created_at)
