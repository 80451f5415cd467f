"""The words of the JIT request: scopes, asks, callers, decisions, credentials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from daypass.portal.errors import PortalError
from daypass.portal.identity.model import ApiToken, User
from daypass.portal.identity.scopes import administers
from daypass.portal.secret import Secret
from daypass.portal.tenants.model import Access, Tenant

IssuanceId = NewType("IssuanceId", str)


class State(StrEnum):
    """What became of an attempt."""

    REQUESTED = "requested"
    """On record, and AWS is being asked."""
    ISSUED = "issued"
    FAILED = "failed"
    DENIED = "denied"
    UNKNOWN = "unknown"
    """The process ended before it recorded an outcome. No keys were released."""


class Channel(StrEnum):
    """Through which door a request came."""

    WEB = "web"
    API = "api"
    LEGACY = "legacy"


class Purpose(StrEnum):
    """What the session is for."""

    KEYS = "keys"
    CONSOLE = "console"
    BOTH = "both"
    """Keys, and a console link where one can be had: what the legacy clients ask for."""

    @property
    def wants_console(self) -> bool:
        """Whether a console link is to be made."""
        return self is not Purpose.KEYS


@dataclass(frozen=True, slots=True)
class TenantScope:
    """One tenant, by the name or the id that was typed."""

    reference: str


@dataclass(frozen=True, slots=True)
class AdminScope:
    """The master role."""


Scope = TenantScope | AdminScope


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asks for."""

    scope: Scope
    duration: timedelta | None = None
    purpose: Purpose = Purpose.KEYS
    destination: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, by the database as of now, and through which door."""

    user: User
    token: ApiToken
    door: Channel
    address: str
    request_id: str
    log_fields: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    """More fields for the log line of the request, such as the issuance; the domain adds to it."""

    @property
    def administers(self) -> bool:
        """Whether the caller is an Administrator, and may administer with this token."""
        return administers(self.user, self.token)


@dataclass(frozen=True, slots=True)
class Allow:
    """Policy says yes, to this much."""

    access: Access


@dataclass(frozen=True, slots=True)
class Deny:
    """Policy says no, by this refusal."""

    refusal: PortalError


Decision = Allow | Deny


class LimitSource(StrEnum):
    """What can keep a session short."""

    ASKED = "asked"
    CONFIGURED = "configured"
    ROLE_MAXIMUM = "role_maximum"
    ROLE_CHAINING = "role_chaining"
    GRANT = "grant"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit that was considered, in words a person knows it by."""

    source: LimitSource
    label: str
    validity: timedelta


@dataclass(frozen=True, slots=True)
class Validity:
    """How long an issuance lives, and why: `decided` is the limit that is the smallest."""

    length: timedelta
    decided: Limit
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Credentials:
    """One AWS session's keys, as AWS gave them."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RoleSession:
    """What AWS is asked for; every field comes from the server's own records, never from a request."""

    role_arn: str
    region: str
    session_name: str
    validity: timedelta
    external_id: str | None
    source_identity: str
    tags: Mapping[str, str]
    access: Access
    policy: str | None = None
    """A session policy that narrows the role further; for what the portal itself reads."""


@dataclass(frozen=True, slots=True)
class Issuance:
    """One AWS session handed out."""

    id: IssuanceId
    user: User
    tenant: Tenant | None
    role_arn: str
    region: str
    account_id: str
    session_name: str
    access: Access
    issued_at: datetime
    expires_at: datetime
    """When the session ends: what AWS said, and never later than the validity allows."""
    validity: Validity
    credentials: Credentials
    is_attributed: bool
    console_url: Secret | None
    """The AWS sign-in link; None when none was asked for, or when `Purpose.BOTH` had to do without."""
