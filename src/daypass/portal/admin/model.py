"""What administration shows: users, tenants, memberships and settings, each with its version."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from daypass.portal.identity.model import User
from daypass.portal.settings.registry import Setting
from daypass.portal.settings.store import StoredSetting
from daypass.portal.tenants.model import Access, Tenant

Version = NewType("Version", str)
"""Differs whenever what it stands for differs; what a change was made to is compared by it."""


def version_of(*facts: object) -> Version:
    """The version of something that is all told by *facts*."""
    return Version(hashlib.sha256(repr(facts).encode()).hexdigest()[:24])


class UserSort(StrEnum):
    """What a list of users is sorted by."""

    USERNAME = "username"
    CREATED = "created"
    LAST_SIGN_IN = "last_sign_in"


class TenantSort(StrEnum):
    """What a list of tenants is sorted by."""

    NAME = "name"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user as Administrators see them."""

    user: User
    created_at: datetime
    disabled_at: datetime | None
    last_sign_in_at: datetime | None
    has_password: bool

    @property
    def is_disabled(self) -> bool:
        """Whether the user is kept out."""
        return self.disabled_at is not None

    @property
    def runs_portal(self) -> bool:
        """Whether this is an Administrator who is not kept out."""
        return self.user.is_administrator and not self.is_disabled

    @property
    def version(self) -> Version:
        """Of all that an Administrator can change; signing in changes nothing of it."""
        user = self.user
        return version_of(user.id, user.username, user.role.value, self.disabled_at, self.has_password)


def tenant_version(tenant: Tenant) -> Version:
    """The version of all that an Administrator can change of a tenant."""
    return version_of(tenant.id, tenant.name, tenant.region, tenant.role_arn, tenant.external_id)


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant as Administrators see it."""

    tenant: Tenant
    created_at: datetime

    @property
    def version(self) -> Version:
        """Of all that an Administrator can change."""
        return tenant_version(self.tenant)


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A user's access to one tenant."""

    user: User
    tenant: Tenant
    access: Access
    since: datetime

    @property
    def version(self) -> Version:
        """Of the access alone; who and where never change."""
        return version_of(self.user.id, self.tenant.id, self.access.value)


class MetadataKind(StrEnum):
    """What a note about a tenant is, in the words of the legacy clients."""

    TEXT = "text"
    URL = "url"
    AWS_CONSOLE = "aws_console"


@dataclass(frozen=True, slots=True)
class MetadataRecord:
    """A note about a tenant, and who wrote it when."""

    tenant: str
    """The tenant's name."""
    key: str
    kind: MetadataKind
    value: str
    updated_at: datetime
    changed_by: str
    """The username, or the id of a user who is gone."""

    @property
    def version(self) -> Version:
        """Of what is noted, and of its having been written just then."""
        return version_of(self.key, self.kind.value, self.value, self.updated_at)


@dataclass(frozen=True, slots=True)
class SettingRecord:
    """A setting that was made: as written, what is known of it, and who wrote it when."""

    tenant: Tenant | None
    stored: StoredSetting
    setting: Setting | None
    """None for a key that is stored and inert."""
    changed_by: str
    """The username, or the id of a user who is gone."""

    @property
    def is_in_force(self) -> bool:
        """Whether the portal goes by it: the key is known, and the value within its bounds."""
        return self.setting is not None and self.setting.parse(self.stored.value) is not None

    @property
    def version(self) -> Version:
        """Of the value, and of its having been written just then."""
        stored = self.stored
        return version_of(stored.type, stored.key, stored.value, stored.updated_at)
