"""The data of an authorization decision except the settings, read in one SQL statement."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, String, and_, bindparam, func, or_, select

from daypass.portal.access.entitlements import Entitlement, entitlements_to_account, entitlements_to_tenant
from daypass.portal.access.model import AuthorizationData
from daypass.portal.access.store.roles import cached_role
from daypass.portal.identity.model import TokenId, User, UserId
from daypass.portal.identity.scopes import Scope
from daypass.portal.identity.store.tokens import ENDED_AT, parents
from daypass.portal.identity.store.users import user_of
from daypass.portal.permission_sets.model import BUILT_IN, PermissionSet
from daypass.portal.permission_sets.store import (
    IS_SET_OF_GROUP,
    IS_SET_OF_MEMBERSHIP,
    MEMBERSHIP_SET,
    group_sets,
    membership_set,
    requested_columns,
    requested_set_of,
    requested_sets,
)
from daypass.portal.storage.prepared import Prepared, ResultRow
from daypass.portal.storage.schema.access import role_facts
from daypass.portal.storage.schema.groups import group_members, group_memberships, groups
from daypass.portal.storage.schema.identity import api_tokens, user_kind, user_role, users
from daypass.portal.storage.schema.tenants import memberships, permission_sets, tenants
from daypass.portal.storage.search import is_storable
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.store import GROUP_ACCESS, group_access

_REFERENCE = bindparam("reference", type_=String)

_AUTHORIZATION_DATA: Select[Any] = (
    select(
        users.c.id,
        users.c.username,
        user_role,
        user_kind,
        users.c.disabled_at,
        ENDED_AT.label("ended_at"),
        tenants.c.id.label("tenant_id"),
        tenants.c.name,
        tenants.c.region,
        tenants.c.role_arn,
        tenants.c.external_id,
        *MEMBERSHIP_SET,
        *GROUP_ACCESS,
        role_facts.c.maximum,
        role_facts.c.maximum_read_at,
        role_facts.c.plain_until,
    )
    .select_from(users)
    .join(api_tokens, api_tokens.c.user_id == users.c.id)
    .outerjoin(parents, parents.c.id == api_tokens.c.parent_id)
    .outerjoin(tenants, or_(tenants.c.id == _REFERENCE, tenants.c.name == _REFERENCE))
    .outerjoin(
        memberships, and_(memberships.c.user_id == users.c.id, memberships.c.tenant_id == tenants.c.id)
    )
    .outerjoin(permission_sets, IS_SET_OF_MEMBERSHIP)
    # One row for each group that gives a membership of the tenant; one row without groups. An IN and no join
    # with the members, because SQLite reads all rows of a join at the right of an outer join.
    .outerjoin(
        group_memberships,
        and_(
            group_memberships.c.tenant_id == tenants.c.id,
            group_memberships.c.group_id.in_(
                select(group_members.c.group_id).where(group_members.c.user_id == bindparam("user"))
            ),
        ),
    )
    .outerjoin(groups, groups.c.id == group_memberships.c.group_id)
    .outerjoin(group_sets, IS_SET_OF_GROUP)
    .outerjoin(
        role_facts,
        role_facts.c.role_arn == func.coalesce(tenants.c.role_arn, bindparam("admin_role", type_=String)),
    )
    .where(users.c.id == bindparam("user"), api_tokens.c.id == bindparam("token"))
)
_READ = Prepared(_AUTHORIZATION_DATA)
_READ_WITH_SET = Prepared(
    _AUTHORIZATION_DATA.add_columns(*requested_columns).outerjoin(
        requested_sets, requested_sets.c.name == bindparam("requested_set", type_=String)
    )
)
"""Reads the requested permission set, too; most requests name none, or a built-in one."""


class AuthorizationReader:
    """A reader of all data that a decision needs, except the settings.

    One statement reads it, because every issuance reads it twice and each statement costs a round trip.
    `SettingStore` reads the settings.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(
        self,
        user_id: UserId,
        token_id: TokenId,
        scope: Scope,
        admin_role_arn: str,
        permission_set: str | None = None,
    ) -> AuthorizationData | None:
        """Return the data for a tenant or for account administration, and the set with a requested name.

        Return None if the user or the token no longer exists.
        """
        is_tenant = not scope.is_admin and is_storable(scope.reference)
        reference = scope.reference if is_tenant else None
        parameters = {
            "user": user_id,
            "token": token_id,
            "reference": reference,
            "admin_role": admin_role_arn,
        }
        if permission_set is None or permission_set in BUILT_IN or not is_storable(permission_set):
            rows = _READ.all(self._connection, parameters)
            requested = None if permission_set is None else BUILT_IN.get(permission_set)
        else:
            rows = _READ_WITH_SET.all(self._connection, {**parameters, "requested_set": permission_set})
            requested = requested_set_of(rows[0]) if rows else None
        return _authorization_data(rows, scope, requested) if rows else None


def _authorization_data(
    rows: Sequence[ResultRow], scope: Scope, requested_set: PermissionSet | None
) -> AuthorizationData:
    row = rows[0]
    user = user_of(row.id, row.username, row.role, row.user_kind)
    tenant = None
    if row.tenant_id is not None:
        tenant = Tenant.with_role(row.tenant_id, row.name, row.region, row.role_arn, row.external_id)
    return AuthorizationData(
        user=user,
        is_active=row.disabled_at is None and row.ended_at is None,
        tenant=tenant,
        entitlements=_entitlements(rows, user, scope),
        role=cached_role(row),
        requested_set=requested_set,
    )


def _entitlements(rows: Sequence[ResultRow], user: User, scope: Scope) -> Sequence[Entitlement]:
    row = rows[0]
    if scope.is_admin:
        return entitlements_to_account(user)
    # Being an Administrator gives no entitlement to a tenant that does not exist.
    if row.tenant_id is None:
        return ()
    if row.group_id is None:
        return entitlements_to_tenant(user, membership_set(row))
    by_groups = [access for each in rows if (access := group_access(each)) is not None]
    # The rows have no order. Of equally strong groups, the release must find the same one as the decision.
    by_groups.sort(key=lambda access: access.group_id)
    return entitlements_to_tenant(user, membership_set(row), by_groups)
