"""The services that a role should be limited to, and the result of writing the limit to it."""

from dataclasses import dataclass
from datetime import datetime

from daypass.portal.admin.roles.provisioner import RoleOutcome
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.tenants.model import TenantId


@dataclass(frozen=True, slots=True)
class ServiceLimit:
    """The services that a role should be limited to, as the tenant's setting determines them."""

    role_arn: str
    tenant_id: TenantId
    tenant: str | None
    services: frozenset[str] | None
    """The names of the services; None if the limit is to be removed."""

    @property
    def text(self) -> str:
        """The names in the notation of the setting; empty if there is no limit."""
        return "" if self.services is None else TENANT_SERVICES.codec.to_text(self.services)


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A desired limit, and the result of its change in AWS."""

    desired: ServiceLimit
    outcome: RoleOutcome
    reason: str
    """The reason if AWS refused the change."""
    changed_at: datetime
