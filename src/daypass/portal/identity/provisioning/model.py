"""The types of provisioning."""

from dataclasses import dataclass, field
from datetime import datetime

from daypass.portal.audit.event import Actor
from daypass.portal.identity.administrators import LostAdministrators
from daypass.portal.identity.model import User

SCIM_PATH = "/scim/v2"
"""The path below the portal's public URL that identity providers call."""

MOST_TOKENS = 20
"""The number of tokens that are shown of a provider: the valid ones, and the newest of the revoked ones."""


@dataclass(frozen=True, slots=True)
class Provisioner:
    """An identity provider that provisions, by one of its tokens."""

    provider: str
    token_id: str
    address: str = ""
    request_id: str = ""

    @property
    def actor(self) -> Actor:
        """The author of audit events, which have the provider in their details."""
        return Actor(None, "daypass", self.request_id)


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """A group, of any source, that a user is a member of."""

    name: str
    source: str
    provider: str


@dataclass(frozen=True, slots=True)
class HeldTenant:
    """A tenant that an Administrator made a user a member of."""

    tenant_id: str
    name: str
    permission_set: str


@dataclass(frozen=True, slots=True)
class HeldMemberships:
    """The memberships that a user has."""

    groups: tuple[HeldGroup, ...]
    tenants: tuple[HeldTenant, ...]


@dataclass(frozen=True, slots=True)
class WantedUser:
    """A user as the identity provider wants it."""

    user_name: str
    external_id: str | None = None
    is_active: bool | None = None
    """None leaves an existing user as it is; a new one is active then."""
    attributes: str = field(default="{}", repr=False)
    """The attributes that are only shown, as JSON."""


@dataclass(frozen=True, slots=True)
class ProvisionedUser:
    """A user whom an identity provider made."""

    user: User
    provider: str
    user_name: str
    """The username as the provider spells it."""
    external_id: str | None
    attributes: str
    version: int
    disabled_at: datetime | None
    deactivated_at: datetime | None
    """When the provider deactivated the user; equal to `disabled_at` if that is what disabled them."""
    is_assigned_administrator: bool
    """Whether the role is assigned to the user, and not given by a group."""
    has_password: bool
    created_at: datetime
    updated_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether the user is enabled."""
        return self.disabled_at is None

    @property
    def can_be_reactivated(self) -> bool:
        """Whether the provider disabled the user, so that it may enable them."""
        return self.disabled_at is not None and self.disabled_at == self.deactivated_at

    @property
    def tag(self) -> str:
        """The version of what the provider sees, for ETags."""
        # An Administrator can disable the user too, which changes no version.
        return f"{self.version}" if self.is_active else f"{self.version}-disabled"

    @property
    def lost_if_disabled(self) -> LostAdministrators:
        """The number of enabled Administrators that are lost when the user is disabled."""
        if not self.is_active:
            return LostAdministrators(0, 0)
        is_local = self.is_assigned_administrator and self.has_password
        return LostAdministrators(int(self.user.is_administrator), int(is_local))


@dataclass(frozen=True, slots=True)
class ScimToken:
    """A token of an identity provider, without its secret."""

    id: str
    provider: str
    created_at: datetime
    last_used_at: datetime | None
    """Exact to a minute; None for never."""
    revoked_at: datetime | None

    @property
    def is_valid(self) -> bool:
        """Whether the token was not revoked; it has no end."""
        return self.revoked_at is None
