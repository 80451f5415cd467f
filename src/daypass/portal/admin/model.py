"""The records of administration (users, tenants, memberships, settings), each with its version."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from daypass.portal.access.model import CachedRole
from daypass.portal.identity.model import Role, TokenId, TokenKind, User, UserId, UserKind
from daypass.portal.identity.scopes import Scopes
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.settings.setting import Setting
from daypass.portal.settings.store import StoredSetting
from daypass.portal.tenants.model import Access, Tenant
from daypass.portal.workloads.model import RuleOfAccount, WorkloadRule

Version = NewType("Version", str)
"""A fingerprint of a record's state, compared before a change (optimistic locking, the API's ETag)."""


def version_of(*facts: object) -> Version:
    """Return the version of a record whose state is *facts*."""
    # A digest needs no column that every writer of the row would have to increment (decision 0009).
    return Version(hashlib.sha256(repr(facts).encode()).hexdigest()[:24])


class UserSort(StrEnum):
    """The sort key of a list of users."""

    USERNAME = "username"
    CREATED = "created"
    LAST_SIGN_IN = "last_sign_in"


class TenantSort(StrEnum):
    """The sort key of a list of tenants."""

    NAME = "name"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user, with the fields that only Administrators see."""

    user: User
    created_at: datetime
    disabled_at: datetime | None
    last_sign_in_at: datetime | None
    has_password: bool
    assigned_role: Role
    """The role that an Administrator gave the user; `user.role` also counts the user's groups."""
    administrator_group: str | None = None
    """The name of a group, the first of several, that makes the user an Administrator."""
    owner: str | None = None
    """For a service account: the username of the responsible user; None if there is none any more."""
    description: str = ""
    """For a service account: its purpose."""
    is_break_glass: bool = False
    """Whether only the operator may change this account."""

    @property
    def is_disabled(self) -> bool:
        """Whether the user is disabled."""
        return self.disabled_at is not None

    @property
    def runs_portal(self) -> bool:
        """Whether this is an Administrator who is not disabled."""
        return self.user.is_administrator and not self.is_disabled

    @property
    def is_local_administrator(self) -> bool:
        """Whether this Administrator can sign in without a group and without an identity provider."""
        return self.assigned_role is Role.ADMINISTRATOR and self.has_password and not self.is_disabled

    def with_role(self, role: Role) -> "UserRecord":
        """Return the user with this assigned role."""
        effective = role if self.administrator_group is None else Role.ADMINISTRATOR
        return replace(self, assigned_role=role, user=replace(self.user, role=effective))

    @property
    def version(self) -> Version:
        """The version of the fields that an Administrator can change; a sign-in does not change it."""
        user = self.user
        # Only where there are any: so a user without them keeps the version that an earlier release gives.
        described = (self.owner, self.description) if self.owner or self.description else ()
        facts = user.id, user.username, self.assigned_role.value, self.disabled_at, self.has_password
        return version_of(*facts, *described)


def tenant_version(tenant: Tenant) -> Version:
    """Return the version of the fields of a tenant that an Administrator can change."""
    target = tenant.target
    return version_of(tenant.id, tenant.name, target.region, target.role_arn, target.external_id)


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant, with the fields that only Administrators see."""

    tenant: Tenant
    created_at: datetime

    @property
    def version(self) -> Version:
        """The version of the fields that an Administrator can change."""
        return tenant_version(self.tenant)


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A user's access to one tenant."""

    user: User
    tenant: Tenant
    permission_set: PermissionSet
    since: datetime

    @property
    def access(self) -> Access:
        """The access that the permission set counts as."""
        return Access.of(self.permission_set)

    @property
    def version(self) -> Version:
        """The version of the access; user and tenant never change."""
        return version_of(self.user.id, self.tenant.id, self.permission_set.name)


def permission_set_version(permission_set: PermissionSet) -> Version:
    """Return the version of the fields of a permission set that an Administrator can change."""
    # Only where it is true: so a set without a role keeps the version that an earlier release gives it.
    own_role = ("own_role",) if permission_set.has_own_role else ()
    return version_of(
        permission_set.id,
        permission_set.name,
        permission_set.description,
        permission_set.rank,
        [policy.text for policy in permission_set.policies],
        permission_set.denies,
        *own_role,
    )


@dataclass(frozen=True, slots=True)
class PermissionSetRecord:
    """A permission set, with its use."""

    permission_set: PermissionSet
    members: int | None
    """The number of memberships that have it; None if they were not counted."""

    @property
    def version(self) -> Version:
        """The version of the fields that an Administrator can change."""
        return permission_set_version(self.permission_set)


@dataclass(frozen=True, slots=True)
class SetRoleRecord:
    """The role that a permission set has in a tenant."""

    tenant: Tenant
    role_arn: str
    cached: CachedRole
    """The cached state of the role, with the latest check."""


@dataclass(frozen=True, slots=True)
class WorkloadRuleRecord:
    """A workload rule with its service account."""

    found: RuleOfAccount

    @property
    def rule(self) -> WorkloadRule:
        """The rule."""
        return self.found.rule

    @property
    def account(self) -> User:
        """The service account."""
        return self.found.account

    @property
    def version(self) -> Version:
        """The version of the fields of the rule that an Administrator can change."""
        rule = self.rule
        return version_of(
            rule.id,
            rule.kind.value,
            rule.issuer,
            rule.audience,
            sorted(rule.claims.items()),
            rule.user_id,
            rule.token_lifetime,
            rule.session_limit,
            sorted(rule.tags.items()),
            rule.jwks,
            rule.is_disabled,
            [(each.tenant_id, each.permission_set.id) for each in rule.tenants],
        )


class MetadataKind(StrEnum):
    """The type of a metadata value, by the names of the legacy API."""

    TEXT = "text"
    URL = "url"
    AWS_CONSOLE = "aws_console"


@dataclass(frozen=True, slots=True)
class MetadataRecord:
    """A metadata entry of a tenant, with its author and time."""

    tenant: str
    """The tenant's name."""
    key: str
    kind: MetadataKind
    value: str
    updated_at: datetime
    changed_by: str
    """The username, or the id of a deleted user."""

    @property
    def version(self) -> Version:
        """The version of the entry, including the time when it was written."""
        return version_of(self.key, self.kind.value, self.value, self.updated_at)


@dataclass(frozen=True, slots=True)
class SettingRecord:
    """A stored setting, with its definition, author and time."""

    tenant: Tenant | None
    stored: StoredSetting
    setting: Setting[Any]
    value: Any
    """The stored value, of the setting's type; None if it is out of bounds and has no effect."""
    changed_by: str
    """The username, or the id of a deleted user."""

    @property
    def is_in_force(self) -> bool:
        """Whether the setting has an effect: its key is known, and its value is within the bounds."""
        return self.setting.is_known and self.value is not None

    @property
    def version(self) -> Version:
        """The version of the value, including the time when it was written."""
        stored = self.stored
        return version_of(stored.type, stored.key, stored.value, stored.updated_at)


@dataclass(frozen=True, slots=True)
class UserQuery:
    """A filter and order of users; None matches any value."""

    search: str = ""
    """A substring of the username."""
    role: Role | None = None
    is_disabled: bool | None = None
    kind: UserKind | None = None
    sort: UserSort = UserSort.USERNAME
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token with its owner, without the secret."""

    id: TokenId
    kind: TokenKind
    name: str
    owner: User
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    application: str
    scopes: Scopes
    """The scopes that the owner consented to; they limit `CONSENTED_KINDS` only."""
    reauthentication_exempt: bool
    ended_at: datetime | None
    """The time when it, its parent token or its owner was revoked or disabled; None while it is valid."""


@dataclass(frozen=True, slots=True)
class TokenQuery:
    """A filter of valid tokens; None matches any value."""

    user_id: UserId | None = None
    kind: TokenKind | None = None


@dataclass(frozen=True, slots=True)
class TenantQuery:
    """A filter and order of tenants."""

    search: str = ""
    """A substring of the name."""
    sort: TenantSort = TenantSort.NAME
    is_descending: bool = False
