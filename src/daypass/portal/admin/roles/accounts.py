"""The IAM roles of all accounts behind the interface to those of one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.admin.roles.provisioner import IamRoles
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState


@dataclass(frozen=True, slots=True)
class AccountRoles:
    """An `IamRoles` that calls IAM in the account through which a role is reached."""

    accounts: Accounts
    roles: PerAccount[IamRoles]

    def make(self, tenant: Tenant) -> None:
        """Create the tenant's role."""
        self._of(tenant.target.role_arn).make(tenant)

    def empty(self, tenant: Tenant) -> bool:
        """Remove all rights from the tenant's role; return whether that was done."""
        return self._of(tenant.target.role_arn).empty(tenant)

    def restore(self, tenant: Tenant) -> bool:
        """Restore the rights of the tenant's role; return whether that was done."""
        return self._of(tenant.target.role_arn).restore(tenant)

    def read(self, role_arn: str) -> RoleState:
        """Return the role as it is; raises `RoleNotFound`."""
        return self._of(role_arn).read(role_arn)

    def set_services(self, role_arn: str, services: Collection[str] | None) -> None:
        """Limit the role to the AWS services with these names, or remove the limit if it is None."""
        self._of(role_arn).set_services(role_arn, services)

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Set the role's maximum session duration."""
        self._of(role_arn).set_maximum(role_arn, maximum)

    def _of(self, role_arn: str) -> IamRoles:
        return self.roles.for_account(self.accounts.for_role(role_arn))
