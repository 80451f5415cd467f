"""The rights of tenants' IAM roles follow the database when tenants are added, changed and deleted."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from daypass.portal.admin.tenants.store.tenants import TenantList
from daypass.portal.audit.log import AuditLog, Event
from daypass.portal.errors import AwsError, PortalError
from daypass.portal.storage.advisory_lock import lock_exclusive
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant

_TRIES = 5


class RoleProvisioner(Protocol):
    """Makes IAM roles for tenants."""

    def make(self, tenant: Tenant) -> None:
        """Make sure that the tenant's role is there, with the trust and the policies that it needs.

        Raises an `AwsError`; making a role that is there already is no mistake.
        """

    def empty(self, tenant: Tenant) -> bool:
        """Take all rights from the tenant's role, and so from its sessions; returns whether it did.

        Only a role that this portal made is changed. Raises an `AwsError`.
        """

    def restore(self, tenant: Tenant) -> bool:
        """Give the tenant's role its rights back if `empty` took them; returns whether it did.

        Only a role that this portal made, and whose policy is the one of `empty`, is changed. Raises an
        `AwsError`.
        """


@dataclass(frozen=True, slots=True)
class TenantRoles:
    """Changes roles in AWS outside of any transaction, and compares them with the database afterwards."""

    database: Database
    audit: AuditLog
    maker: RoleProvisioner | None
    """None where the portal makes no roles: then none is changed."""

    def empty(self, tenant: Tenant) -> str:
        """Empty the tenant's role; returns the reason if it keeps its rights.

        A deletion takes the memberships away, so it never waits for AWS to be well.
        """
        try:
            is_empty = self.maker is not None and self.maker.empty(tenant)
        except AwsError as refusal:
            return refusal.reason
        return "" if is_empty else "Its role was not made by this portal and was left as it is."

    def record_emptying(self, tenant: Tenant, reason: str) -> None:
        """Record that the tenant's role was emptied, or the *reason* if it keeps its rights."""
        if reason:
            self._record("role.empty", tenant, "failed", {"reason": reason})
        else:
            self._record("role.empty", tenant, "done", {})

    def settle(self, tenant: Tenant) -> None:
        """Do the same as `reconcile` as far as AWS and the database permit; the doctor reports the rest."""
        with suppress(PortalError):
            self.reconcile(tenant)

    def reconcile(self, tenant: Tenant) -> None:
        """Bring the rights of the tenant's role in line with the database, whatever else changes them.

        The role of a tenant that is there gets back what a deletion took; a role that no tenant has is
        emptied. Each writer of a role looks at the database again after its last write, and each change of
        a tenant is followed by this. So the last of several concurrent requests leaves the role as it should
        be, on any number of replicas. Raises an `AwsError` or `StorageUnavailable`.
        """
        if self.maker is None:
            return
        restored: Tenant | None = None
        owner = self._owner(tenant)
        for _ in range(_TRIES):
            if owner is None:
                self.maker.empty(tenant)
            elif self.maker.restore(owner):
                restored = owner
            before, owner = owner, self._owner(tenant)
            if owner == before:
                break
        if restored is not None:
            self._record("role.restore", restored, "done", {})

    def after_refusal(self, tenant: Tenant, refusal: PortalError) -> PortalError:
        """Return what to raise after a deletion was refused or not confirmed, with the role reconciled."""
        try:
            self.reconcile(tenant)
        except PortalError as fault:
            with suppress(PortalError):
                self._record("role.restore", tenant, "failed", {"reason": fault.reason})
            return type(refusal)(
                f"{refusal.reason} The role {tenant.role_arn} may have no rights now. If the tenant is still "
                "there, delete it again, or run the command that `daypass portal doctor` prints for it."
            )
        return refusal

    def _owner(self, tenant: Tenant) -> Tenant | None:
        """Return the tenant that has the role now, after every change that is being committed.

        A COMMIT whose confirmation was lost may still be under way; its transaction holds the turn.
        """
        with self.database.writing() as connection:
            lock_exclusive(connection)
            found = TenantList(connection).with_role(tenant.role_arn)
        return None if found is None else found.tenant

    def _record(self, action: str, tenant: Tenant, outcome: str, detail: dict[str, str]) -> None:
        self.audit.commit(Event(action, None, "daypass", tenant.id, tenant.role_arn, outcome, detail, ""))
