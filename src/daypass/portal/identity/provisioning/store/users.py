"""Queries for provisioned users, and the changes of their rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, delete, func, insert, select, update

from daypass.portal.identity.model import Role, User, UserId
from daypass.portal.identity.provisioning.model import (
    HeldGroup,
    HeldMemberships,
    HeldTenant,
    ProvisionedUser,
)
from daypass.portal.identity.store.users import user_of
from daypass.portal.permission_sets.store import IS_SET_OF_MEMBERSHIP, MEMBERSHIP_SET, membership_set
from daypass.portal.storage.schema.groups import group_members, groups
from daypass.portal.storage.schema.identity import api_tokens, oauth_requests, user_kind, user_role, users
from daypass.portal.storage.schema.provisioning import scim_users
from daypass.portal.storage.schema.sign_in import recovery_links, sign_in_attempts, webauthn_challenges
from daypass.portal.storage.schema.tenants import memberships, permission_sets, tenants
from daypass.portal.storage.unit_of_work import RowChange

_c = scim_users.c
_OF: BindParameter[str] = bindparam("of_user")

_SELECT = (
    select(
        users.c.id,
        users.c.username,
        user_role,
        user_kind,
        users.c.disabled_at,
        (users.c.role == Role.ADMINISTRATOR.value).label("is_assigned_administrator"),
        users.c.password_hash.is_not(None).label("has_password"),
        _c.provider,
        _c.user_name,
        _c.external_id,
        _c.attributes,
        _c.version,
        _c.deactivated_at,
        _c.created_at,
        _c.updated_at,
    )
    .join(users, users.c.id == _c.user_id)
    # No provider reaches the account for the time when providers are down.
    .where(_c.deleted_at.is_(None), users.c.is_break_glass.is_(False))
)

_ADD = insert(scim_users)
_CHANGE = (
    update(scim_users)
    .where(_c.user_id == _OF)
    .values(
        user_name=bindparam("new_user_name"),
        external_id=bindparam("new_external_id"),
        attributes=bindparam("new_attributes"),
        updated_at=bindparam("new_updated_at"),
        version=_c.version + 1,
    )
)
_RENAME = update(users).where(users.c.id == _OF).values(username=bindparam("new_username"))
_DISABLE = (
    # Without its assigned role, so that the provider cannot make an Administrator by enabling the user.
    update(users).where(users.c.id == _OF).values(disabled_at=bindparam("now"), role=Role.USER.value)
)
_DEACTIVATE = update(scim_users).where(_c.user_id == _OF).values(deactivated_at=bindparam("now"))
_ENABLE = update(users).where(users.c.id == _OF).values(disabled_at=None)
_REACTIVATE = update(scim_users).where(_c.user_id == _OF).values(deactivated_at=None)
_DELETE = update(scim_users).where(_c.user_id == _OF).values(deleted_at=bindparam("now"), external_id=None)

_REVOKE_TOKENS = (
    update(api_tokens)
    .where(api_tokens.c.user_id == _OF, api_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_END_REQUESTS = (
    # A code without its tokens; redeemed requests stay as the record of a consent.
    delete(oauth_requests).where(oauth_requests.c.user_id == _OF, oauth_requests.c.redeemed_at.is_(None)),
    delete(sign_in_attempts).where(sign_in_attempts.c.user_id == _OF),
    delete(webauthn_challenges).where(webauthn_challenges.c.user_id == _OF),
    delete(recovery_links).where(recovery_links.c.user_id == _OF),
)
# A provider that still has the former ETag of a group must not change it without having seen that a member
# left.
_MARK_GROUPS = (
    update(groups)
    .where(groups.c.id.in_(select(group_members.c.group_id).where(group_members.c.user_id == _OF)))
    .values(version=groups.c.version + 1, updated_at=bindparam("now"))
)
_END_MEMBERSHIPS = (
    delete(group_members).where(group_members.c.user_id == _OF),
    delete(memberships).where(memberships.c.user_id == _OF),
)


class ProvisionedUserStore:
    """Queries for the users that one identity provider made and did not delete."""

    def __init__(self, connection: Connection, provider: str) -> None:
        self._connection = connection
        self._of_provider = _SELECT.where(_c.provider == provider)

    def find(self, user_id: str) -> ProvisionedUser | None:
        """Return the user of that id, or None."""
        return self._first(self._of_provider.where(_c.user_id == user_id))

    def with_username(self, username: str) -> ProvisionedUser | None:
        """Return the user of that canonical name, or None."""
        return self._first(self._of_provider.where(users.c.username == username))

    def with_external_id(self, external_id: str) -> ProvisionedUser | None:
        """Return the user of that `externalId`, or None."""
        return self._first(self._of_provider.where(_c.external_id == external_id))

    def all(self) -> Sequence[ProvisionedUser]:
        """Return all users, in the order of `page`."""
        rows = self._connection.execute(self._of_provider.order_by(_c.created_at, _c.user_id))
        return [_user(row) for row in rows]

    def count(self) -> int:
        """Return the number of users."""
        return self._connection.scalar(select(func.count()).select_from(self._of_provider.subquery())) or 0

    def page(self, offset: int, limit: int) -> Sequence[ProvisionedUser]:
        """Return up to *limit* users after the first *offset*, the oldest first."""
        ordered = self._of_provider.order_by(_c.created_at, _c.user_id).offset(offset).limit(limit)
        return [_user(row) for row in self._connection.execute(ordered)]

    def held_memberships(self, user_id: UserId) -> HeldMemberships:
        """Return the groups of a user, and the tenants that an Administrator gave directly, by id."""
        of_groups = (
            select(groups.c.name, groups.c.source, groups.c.provider)
            .join(group_members, group_members.c.group_id == groups.c.id)
            .where(group_members.c.user_id == user_id)
            .order_by(groups.c.id)
        )
        of_tenants = (
            select(tenants.c.id.label("tenant_id"), tenants.c.name.label("tenant_name"), *MEMBERSHIP_SET)
            .select_from(memberships)
            .join(tenants, tenants.c.id == memberships.c.tenant_id)
            .outerjoin(permission_sets, IS_SET_OF_MEMBERSHIP)
            .where(memberships.c.user_id == user_id)
            .order_by(tenants.c.id)
        )
        return HeldMemberships(
            tuple(HeldGroup(*row) for row in self._connection.execute(of_groups)),
            tuple(_tenant(row) for row in self._connection.execute(of_tenants)),
        )

    def _first(self, query: Select[Any]) -> ProvisionedUser | None:
        row = self._connection.execute(query).first()
        return None if row is None else _user(row)


def _tenant(row: Row[*tuple[Any, ...]]) -> HeldTenant:
    permission_set = membership_set(row)
    return HeldTenant(row.tenant_id, row.tenant_name, "" if permission_set is None else permission_set.name)


def _user(row: Row[*tuple[Any, ...]]) -> ProvisionedUser:
    return ProvisionedUser(
        user=user_of(row.id, row.username, row.role, row.user_kind),
        provider=row.provider,
        user_name=row.user_name,
        external_id=row.external_id,
        attributes=row.attributes,
        version=row.version,
        disabled_at=row.disabled_at,
        deactivated_at=row.deactivated_at,
        is_assigned_administrator=bool(row.is_assigned_administrator),
        has_password=bool(row.has_password),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def add_provisioned_user(
    user: User, provider: str, user_name: str, external_id: str | None, attributes: str, *, at: datetime
) -> RowChange:
    """Return the change that records that a provider made a user."""
    row = {
        "user_id": user.id,
        "provider": provider,
        "user_name": user_name,
        "external_id": external_id,
        "attributes": attributes,
        "version": 1,
        "created_at": at,
        "updated_at": at,
    }
    return RowChange(_ADD, row)


def change_provisioned_user(
    user_id: UserId, user_name: str, external_id: str | None, attributes: str, *, at: datetime
) -> RowChange:
    """Return the change that replaces what a provider says of a user, and increases the version."""
    row = {
        "of_user": user_id,
        "new_user_name": user_name,
        "new_external_id": external_id,
        "new_attributes": attributes,
        "new_updated_at": at,
    }
    return RowChange(_CHANGE, row)


def rename_user(user_id: UserId, username: str) -> RowChange:
    """Return the change that gives a user another canonical name, which must be free."""
    return RowChange(_RENAME, {"of_user": user_id, "new_username": username})


def mark_deactivated(user_id: UserId, *, at: datetime) -> RowChange:
    """Return the change that records that the provider deactivated a user."""
    return RowChange(_DEACTIVATE, {"of_user": user_id, "now": at})


def mark_deleted(user_id: UserId, *, at: datetime) -> RowChange:
    """Return the change that records that the provider deleted a user."""
    return RowChange(_DELETE, {"of_user": user_id, "now": at})


def end_access(user_id: UserId, *, at: datetime) -> Sequence[RowChange]:
    """Return the changes that disable a user and end everything by which they could come back.

    These are sign-ins, tokens of every kind, requests without an answer, an assigned role, and all
    memberships: of groups of any source, and of tenants. None of it returns when the user is enabled again.
    """
    of_user = {"of_user": user_id}
    return [
        RowChange(_DISABLE, {**of_user, "now": at}),
        RowChange(_REVOKE_TOKENS, {**of_user, "now": at}),
        *(RowChange(statement, of_user) for statement in _END_REQUESTS),
        # Before the memberships are deleted, which say which groups these are.
        RowChange(_MARK_GROUPS, {**of_user, "now": at}),
        *(RowChange(statement, of_user) for statement in _END_MEMBERSHIPS),
    ]


def enable(user_id: UserId) -> Sequence[RowChange]:
    """Return the changes that enable a user whom the provider disabled."""
    return [RowChange(_ENABLE, {"of_user": user_id}), RowChange(_REACTIVATE, {"of_user": user_id})]
