"""Reconciliation of the rights of tenants' IAM roles when tenants are added, changed or deleted."""

from contextlib import suppress
from dataclasses import dataclass

from daypass.portal.admin.roles.provisioner import RoleProvisioner
from daypass.portal.admin.tenants.store.tenants import TenantList
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import PORTAL, Event, Outcome
from daypass.portal.errors import AwsError, PortalError
from daypass.portal.storage.advisory_lock import lock_exclusive
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant

_TRIES = 5
"""The largest number of comparisons; another one follows only if the tenant changed meanwhile."""


@dataclass(frozen=True, slots=True)
class TenantRoles:
    """Changes roles in AWS outside of transactions, and compares them with the database afterwards."""

    database: Database
    committer: Committer
    provisioner: RoleProvisioner | None
    """None if the portal does not manage roles; then no role is changed."""

    def empty(self, tenant: Tenant) -> str:
        """Empty the tenant's role; return the reason if it keeps its rights, else an empty string.

        An `AwsError` is not raised, because a deletion must remove the memberships even without AWS.
        """
        try:
            is_empty = self.provisioner is not None and self.provisioner.empty(tenant)
        except AwsError as refusal:
            return refusal.reason
        return "" if is_empty else "Its role was not created by this portal and was left as it is."

    def record_emptying(self, tenant: Tenant, reason: str) -> None:
        """Record that the tenant's role was emptied, or the *reason* if it keeps its rights."""
        if reason:
            self._record("role.empty", tenant, Outcome.FAILED, {"reason": reason})
        else:
            self._record("role.empty", tenant, Outcome.DONE, {})

    def settle(self, tenant: Tenant) -> None:
        """Do the same as `reconcile`, without raising an error; the doctor reports what is left."""
        with suppress(PortalError):
            self.reconcile(tenant)

    def settle_unconfirmed(self, tenant: Tenant) -> None:
        """Do the same as `settle` if the role has a tenant; for a commit that may have given it to *tenant*.

        If the commit had no effect, the role is left as it is: nothing was changed in AWS for it, and former
        sessions may still use the role.
        """
        with suppress(PortalError):
            if self.provisioner is not None and self._owner(tenant) is not None:
                self.reconcile(tenant)

    def reconcile(self, tenant: Tenant) -> None:
        """Bring the rights of the tenant's role in line with the database; safe under concurrency.

        The role of an existing tenant is restored, and a role without a tenant is emptied. Each writer reads
        the database again after its last write to AWS, and each change of a tenant is followed by this. So
        the last of several concurrent requests leaves the correct rights, on any number of replicas. Raises
        an `AwsError` or `StorageUnavailable`.
        """
        if self.provisioner is None:
            return
        # No transaction stays open during a call to AWS, so the tenant can change between the read and the
        # call. Then the role got the rights of a former state, and is compared again.
        restored: Tenant | None = None
        owner = self._owner(tenant)
        for _ in range(_TRIES):
            if owner is None:
                self.provisioner.empty(tenant)
            elif self.provisioner.restore(owner):
                restored = owner
            before, owner = owner, self._owner(tenant)
            if owner == before:
                break
        if restored is not None:
            self._record("role.restore", restored, Outcome.DONE, {})

    def after_refusal(self, tenant: Tenant, refusal: PortalError) -> PortalError:
        """Reconcile the role after a deletion that was refused or not confirmed; return what to raise."""
        try:
            self.reconcile(tenant)
        except PortalError as fault:
            with suppress(PortalError):
                self._record("role.restore", tenant, Outcome.FAILED, {"reason": fault.reason})
            return type(refusal)(
                f"{refusal.reason} The role {tenant.target.role_arn} may have no rights now. If the tenant "
                "is still there, delete it again, or run the command that `daypass portal doctor` prints for "
                "it."
            )
        return refusal

    def _owner(self, tenant: Tenant) -> Tenant | None:
        """Return the tenant that has the role now, after every change that is being committed.

        A COMMIT whose confirmation was lost may still be in progress; its transaction holds the lock.
        """
        with self.database.writing() as connection:
            lock_exclusive(connection)
            record = TenantList(connection).with_role(tenant.target.role_arn)
        return None if record is None else record.tenant

    def _record(self, action: str, tenant: Tenant, outcome: Outcome, detail: dict[str, str]) -> None:
        event = Event(
            action=action,
            actor=PORTAL,
            outcome=outcome,
            subject=tenant.target.role_arn,
            tenant_id=tenant.id,
            detail=detail,
        )
        self.committer.commit(event)
