"""The types of JIT access: callers, decisions, limits, credentials and issuances."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from daypass.portal.access.entitlements import Entitlement
from daypass.portal.audit.event import Actor
from daypass.portal.errors import PortalError
from daypass.portal.identity.model import ApiToken, User
from daypass.portal.identity.scopes import Scope, ScopeKind
from daypass.portal.identity.token_scopes import administers
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.secret import Secret
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.workloads.model import WorkloadLimits

IssuanceId = NewType("IssuanceId", str)


class State(StrEnum):
    """The state of an attempt to get AWS access."""

    REQUESTED = "requested"
    """The intent is recorded, and no outcome yet."""
    ISSUED = "issued"
    FAILED = "failed"
    """The attempt ended after its intent without a release, also because access was withdrawn meanwhile."""
    DENIED = "denied"
    """The attempt ended before its intent."""
    UNKNOWN = "unknown"
    """No outcome was recorded in time. No keys were released."""


WITHOUT_SESSION = (State.DENIED, State.FAILED, State.UNKNOWN)
"""The states of attempts that ended, and for which no credentials were released."""


class Channel(StrEnum):
    """The channels that request AWS sessions; JSON and the database call a channel `door`."""

    WEB = "web"
    API = "api"
    LEGACY = "legacy"


class Purpose(StrEnum):
    """The form in which the caller gets the session: keys, a console link, or both."""

    KEYS = "keys"
    CONSOLE = "console"
    BOTH = "both"
    """Keys, and a console link if one can be made; requested by legacy clients."""

    @property
    def wants_console(self) -> bool:
        """Whether the caller wants a console link."""
        return self is not Purpose.KEYS


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """The parameters of a request for AWS access."""

    scope: Scope
    duration: timedelta | None = None
    purpose: Purpose = Purpose.KEYS
    destination: str | None = None
    reason: str = ""
    permission_set: str | None = None
    """The name of the permission set; None for the one with the highest rank that the caller has."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated user and token of a request, and the channel it came through."""

    user: User
    token: ApiToken
    channel: Channel
    address: str
    request_id: str
    log_fields: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Fields that the domain adds to the log line of the request, such as the issuance id."""

    @property
    def actor(self) -> Actor:
        """The caller as the author of an audit event."""
        return self.user.as_actor(self.request_id)

    @property
    def administers(self) -> bool:
        """Whether the caller is an Administrator and this token allows administration."""
        return administers(self.user, self.token)


@dataclass(frozen=True, slots=True)
class Allow:
    """A decision that allows a session with this permission set, because of this entitlement."""

    entitlement: Entitlement
    permission_set: PermissionSet

    @property
    def access(self) -> Access:
        """The access that the permission set counts as."""
        return Access.of(self.permission_set)


@dataclass(frozen=True, slots=True)
class Deny:
    """A decision that denies access; `refusal` is the error for the caller."""

    refusal: PortalError


Decision = Allow | Deny


class LimitSource(StrEnum):
    """The kinds of limits on a session's duration."""

    # The values are stored, and are part of the API. So `asked` and `grant`, older names of the requested
    # duration and the sign-in, cannot change with the names in the code.
    REQUESTED = "asked"
    CONFIGURED = "configured"
    ROLE_MAXIMUM = "role_maximum"
    ROLE_CHAINING = "role_chaining"
    SIGN_IN = "grant"
    ENTITLEMENT = "entitlement"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit that was considered; `label` is its name in the user interface."""

    source: LimitSource
    label: str
    duration: timedelta
    is_of_rule: bool = False
    """Whether a workload rule sets it; its source is `CONFIGURED`, which earlier releases can read."""


@dataclass(frozen=True, slots=True)
class Validity:
    """The duration of an issuance and the reason for it: `deciding_limit` is the smallest of `limits`."""

    duration: timedelta
    deciding_limit: Limit
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The temporary keys of one AWS session, as AWS returned them."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AssumeRoleParameters:
    """The parameters of an AssumeRole call, made by the portal; a request can only shorten the duration."""

    role_arn: str
    region: str
    session_name: str
    duration: timedelta
    external_id: str | None
    source_identity: str
    tags: Mapping[str, str]
    permission_set: PermissionSet
    policy: str | None = None
    """A session policy that restricts the role further, for the portal's own reads."""


@dataclass(frozen=True, slots=True)
class IssuedSession:
    """One AWS session issued to a user."""

    id: IssuanceId
    user: User
    tenant: Tenant | None
    role_arn: str
    region: str
    account_id: str
    session_name: str
    permission_set: PermissionSet
    issued_at: datetime
    """The time of the request, as in `asked_at` of its row: before the intent was recorded and AWS called."""
    expires_at: datetime
    """The end of the session as reported by AWS, and never later than the validity allows."""
    validity: Validity
    credentials: Credentials
    is_attributed: bool
    console_url: Secret | None
    """The AWS sign-in link; None if none was requested, or if `Purpose.BOTH` could not get one."""

    @property
    def access(self) -> Access:
        """The access that the permission set counts as."""
        return Access.of(self.permission_set)


@dataclass(frozen=True, slots=True)
class IssuanceRecord:
    """One recorded attempt; credentials are never stored."""

    id: IssuanceId
    username: str
    tenant_id: TenantId | None
    tenant_name: str | None
    scope: ScopeKind
    """`ADMIN` or `TENANT`."""
    role_arn: str
    access: Access | None
    purpose: Purpose
    channel: Channel
    address: str
    reason: str
    state: State
    failure: str | None
    asked_at: datetime
    validity: timedelta
    """Zero if the attempt was denied."""
    decided_by: LimitSource | None
    expires_at: datetime | None
    access_key_id: str | None
    is_attributed: bool | None
    permission_set: str | None = None
    """The name of the permission set; None if the attempt was denied or an earlier release made it."""
    session_tags: Mapping[str, str] = field(default_factory=dict)
    """The session tags from the claims of a workload, by key; empty for other callers."""
    workload_rule: str | None = None
    """The name of the rule by which a workload has its token; None for other callers and older records."""
    is_limited_by_rule: bool = False
    """Whether the limit that decided, of the source `CONFIGURED`, is that of the workload rule."""

    @property
    def is_admin(self) -> bool:
        """Whether the session is for account administration."""
        return self.scope is ScopeKind.ADMIN


@dataclass(frozen=True, slots=True)
class IssuanceFilter:
    """A filter of attempts; the default matches all."""

    text: str = ""
    """A substring of the tenant's name."""
    live_at: datetime | None = None
    """Only sessions that are issued and have not expired at this time."""
    states: Collection[State] = ()
    """Only attempts in one of these states; all if it is empty."""


ANY_ISSUANCE = IssuanceFilter()


@dataclass(frozen=True, slots=True)
class CachedRole:
    """The cached state of a role in AWS; all None if nothing is cached."""

    maximum: timedelta | None = None
    maximum_read_at: datetime | None = None
    unattributed_until: datetime | None = None
    """Until then the role is assumed without source identity and tags, because it refused them."""
    checked_at: datetime | None = None
    """The time of the latest check; this field and the next ones are None for other roles than a set's."""
    problem: str | None = None
    """The reason, by that check, for which the role may not be used; "" if it may."""
    checked_for: str | None = None
    """The `SetRole.demands` for which that check was made."""


@dataclass(frozen=True, slots=True)
class AuthorizationData:
    """The current data about a caller and the requested tenant and role."""

    user: User
    is_active: bool
    """Whether the user is enabled and neither the token nor its parent token is revoked."""
    tenant: Tenant | None
    entitlements: Sequence[Entitlement]
    """Every entitlement of the user to the scope, also those that have ended."""
    role: CachedRole
    requested_set: PermissionSet | None = None
    """The permission set that the request names; None if it names none, or one that does not exist."""
    workload: WorkloadLimits | None = None
    """The limits of the rule by which the token was given; None for tokens of other kinds."""
