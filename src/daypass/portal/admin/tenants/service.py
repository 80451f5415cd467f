"""Tenants: list, create, update and delete, each with its IAM role."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from daypass.portal.access.session_names import printable
from daypass.portal.accounts.model import Target, set_role_name
from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import TenantQuery, TenantRecord, Version
from daypass.portal.admin.roles.provisioner import RoleProvisioner
from daypass.portal.admin.tenants.role_naming import RoleNaming
from daypass.portal.admin.tenants.roles import TenantRoles
from daypass.portal.admin.tenants.store.tenants import TenantList, change_tenant, delete_tenant
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    check_version,
    noop,
    single_change,
)
from daypass.portal.errors import (
    AuditUnavailable,
    InvalidRequest,
    PortalError,
    PreconditionFailed,
    TenantNotFound,
)
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.storage.search import is_storable
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.names import check_name
from daypass.portal.tenants.store import add_tenant

_LONGEST_SHOWN = 80

# The characters that AWS accepts. AWS allows 2 to 1,224 of them.
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tenants:
    """The actions of Administrators on tenants. A reference to a tenant is an id or a name."""

    executor: ChangeExecutor
    role_naming: RoleNaming
    provisioner: RoleProvisioner | None = None
    """None if the portal does not create roles; then a tenant's role must exist already."""
    reconcile_roles: Callable[[], None] = noop
    """Starts the reconciliation of IAM roles, after a change of a tenant's role is committed."""

    def find(self, reference: str) -> TenantRecord:
        """Return one tenant; raises `TenantNotFound`."""
        with self.executor.database.reading() as connection:
            return find_tenant(connection, reference)

    def page(self, query: TenantQuery, page_request: PageRequest) -> Page[TenantRecord]:
        """Return a page of tenants; raises `InvalidRequest`."""
        with self.executor.database.reading() as connection:
            return TenantList(connection).page(_searchable(query), page_request)

    def count(self, query: TenantQuery) -> int:
        """Return the number of tenants on all pages; raises `InvalidRequest`."""
        with self.executor.database.reading() as connection:
            return TenantList(connection).count(_searchable(query))

    def create(
        self,
        name: str,
        region: str,
        by: Author,
        *,
        role_arn: str | None = None,
        external_id: str | None = None,
    ) -> TenantRecord:
        """Create a tenant, with an existing IAM role or, if *role_arn* is None, with a new one."""
        # Checked before any role is named after it; the names of other tenants are read by the plan.
        check_name(name, ())
        now = self.executor.clock()
        tenant = Tenant.with_role(
            tenant_id=TenantId(str(uuid4())),
            name=name,
            region=region,
            role_arn=self.role_naming.own(name) if role_arn is None else role_arn,
            external_id=secrets.token_hex(16) if external_id is None else external_id,
        )
        write = add_tenant(tenant, at=now)

        def plan(connection: Connection) -> Change:
            self._check_name(connection, name)
            self.role_naming.check_region(region)
            self._check(connection, tenant, is_new_role=True)
            return Change((write,), {}, _facts(tenant), tenant.id, reauthentication.to_create_tenant())

        request = single_change("tenant.create", name, by, plan)
        provisioner = self.provisioner if role_arn is None else None
        if provisioner is not None:
            # No role is created for a change that would be refused, and no transaction waits for AWS.
            self.executor.plan(request)
            provisioner.make(tenant)
        try:
            self.executor.execute(request)
        except PortalError as refusal:
            if provisioner is not None:
                # The role must not revive sessions of a former tenant of that name.
                self._roles.settle(tenant)
            elif isinstance(refusal, AuditUnavailable):
                self._roles.settle_unconfirmed(tenant)
            raise
        # An existing role may be one that a deletion emptied.
        self._roles.settle(tenant)
        self.reconcile_roles()
        return TenantRecord(tenant, now)

    def update(
        self,
        reference: str,
        by: Author,
        *,
        region: str | None = None,
        role_arn: str | None = None,
        external_id: str | None = None,
        expected: Version | None = None,
    ) -> TenantRecord:
        """Change a tenant's region, role or ExternalId; None leaves it unchanged. Its name never changes."""
        tenant = self.find(reference).tenant

        def plan(connection: Connection) -> Change | None:
            record = find_tenant(connection, tenant.id)
            old = record.tenant
            check_version(expected, record.version, f"“{old.name}”")
            target = Target(
                role_arn=role_arn or old.target.role_arn,
                region=region or old.target.region,
                external_id=external_id or old.target.external_id,
            )
            new = replace(old, targets=(target,))
            if new == old:
                return None
            # A tenant whose region only older versions accepted can still get another role.
            if new.target.region != old.target.region:
                self.role_naming.check_region(new.target.region)
            self._check(connection, new, is_new_role=new.target.role_arn != old.target.role_arn)
            return Change(
                (change_tenant(new),),
                _facts(old),
                _facts(new),
                old.id,
                reauthentication.to_update_tenant(old, new),
            )

        target = replace(tenant.target, role_arn=role_arn or tenant.target.role_arn)
        with_role = replace(tenant, targets=(target,))
        try:
            self.executor.execute(single_change("tenant.update", tenant.name, by, plan))
        except AuditUnavailable:
            if role_arn is not None:
                self._roles.settle_unconfirmed(with_role)
            raise
        if role_arn is not None:
            # Also if nothing changed: writing a role's ARN again repairs a role that a deletion left empty.
            self._roles.settle(with_role)
        self.reconcile_roles()
        return self.find(tenant.id)

    def delete(self, reference: str, by: Author, expected: Version | None = None) -> str:
        """Delete a tenant with its memberships and settings; its role and its resources stay in AWS.

        Return the reason if live sessions keep their rights until they end, else an empty string.
        """
        tenant, live_until = self.find(reference).tenant, None

        def plan(connection: Connection) -> Change:
            nonlocal live_until
            record = find_tenant(connection, tenant.id)
            check_version(expected, record.version, f"“{record.tenant.name}”")
            # No session is released between this and the commit, which excludes releases.
            live_until = TenantList(connection).end_of_set_sessions(tenant.id, self.executor.clock())
            # The role was emptied before this transaction, so it must still be the tenant's.
            if record.tenant.target.role_arn != tenant.target.role_arn:
                raise PreconditionFailed(
                    f"The role of “{record.tenant.name}” was changed in the meantime. Try again."
                )
            proof = reauthentication.to_delete_tenant()
            return Change(delete_tenant(tenant.id), _facts(record.tenant), {}, tenant.id, proof)

        request = single_change("tenant.delete", tenant.name, by, plan)
        # Nothing is changed in AWS for a deletion that would be refused; and no transaction waits for AWS.
        self.executor.plan(request)
        reason = self._roles.empty(tenant)
        try:
            self._roles.record_emptying(tenant, reason)
            self.executor.execute(request)
        except PortalError as refusal:
            raise self._roles.after_refusal(tenant, refusal) from refusal
        if not reason:
            # Another request may have restored the role before this commit.
            self._roles.settle(tenant)
        return " ".join(filter(None, (reason, _live_set_sessions(tenant, live_until))))

    @property
    def _roles(self) -> TenantRoles:
        return TenantRoles(self.executor.database, self.executor.committer, self.provisioner)

    def _check_name(self, connection: Connection, name: str) -> None:
        tenants = TenantList(connection)
        check_name(name, tenants.neighbours(name))
        if reserved := tenants.reserved(name, self.executor.clock()):
            other, end = reserved
            raise InvalidRequest(
                f"Sessions of the deleted tenant “{other}” live until {end:%Y-%m-%d %H:%M} UTC and would "
                f"reach resources of “{name}”. Choose another name, or try again then."
            )

    def _check(self, connection: Connection, tenant: Tenant, *, is_new_role: bool) -> None:
        if not _EXTERNAL_ID.fullmatch(tenant.target.external_id or ""):
            raise InvalidRequest("An ExternalId has 2 to 255 letters, digits and any of _+=,.@:/-.")
        # A role from an earlier version, with another alphabet, must not keep its tenant from being changed.
        if is_new_role:
            self.role_naming.check(tenant.target.role_arn)
        other = TenantList(connection).sharing_role(tenant)
        if other is not None:
            raise InvalidRequest(
                f"The tenant “{other.tenant.name}” has that role already. Each tenant needs its own role, "
                "because members of one would otherwise reach the resources of the other."
            )


def find_tenant(connection: Connection, reference: str) -> TenantRecord:
    """Return the tenant with that id or name; raises `TenantNotFound`."""
    record = TenantList(connection).find(reference) if is_storable(reference) else None
    if record is None:
        # Other than in `tenant_not_found`: an Administrator may know which tenants exist.
        name = printable(reference, _LONGEST_SHOWN)
        raise TenantNotFound(f"There is no tenant “{name}”. Check its name or id.")
    return record


def _live_set_sessions(tenant: Tenant, end: datetime | None) -> str:
    if end is None:
        return ""
    roles = set_role_name(tenant.name, "*")
    return (
        f"Sessions of roles of permission sets live until {end:%Y-%m-%d %H:%M} UTC, and the portal does not "
        f"change these roles. Delete {roles} in AWS to end the sessions now."
    )


def _facts(tenant: Tenant) -> dict[str, str | None]:
    target = tenant.target
    return {"region": target.region, "role_arn": target.role_arn, "external_id": target.external_id}


def part_of_name(typed: str) -> str:
    """Return the search text in lower case; raises `InvalidRequest` if it cannot be part of a name."""
    search = typed.strip().lower()
    if not search.isprintable() or len(search) > 64:
        raise InvalidRequest("Search for a part of a tenant's name.")
    return search


def _searchable(query: TenantQuery) -> TenantQuery:
    return replace(query, search=part_of_name(query.search))
