"""Users, roles and API tokens."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NewType

from daypass.portal.audit.event import Actor
from daypass.portal.identity.scopes import ADMIN_SCOPE, TENANTS_ONLY, Scope, Scopes, covers

UserId = NewType("UserId", str)
TokenId = NewType("TokenId", str)

UNKNOWN_USER = "somebody"
"""The name of the actor in events of a request whose user is not known."""


class Role(StrEnum):
    """The role of a user, in the words of the pages and of the legacy clients."""

    USER = "User"
    ADMINISTRATOR = "Administrator"


class UserKind(StrEnum):
    """The kinds of users: a person, or a program."""

    PERSON = "person"
    """Signs in through an identity provider, such as the portal's own passwords."""
    SERVICE = "service"
    """A service account: it never signs in, and works with permanent API tokens."""


class TokenKind(StrEnum):
    """The kinds of tokens; a token of one kind is never accepted as another."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    BROWSER = "browser"
    """A browser session: its secret is a cookie and is accepted nowhere else."""
    APPROVAL = "approval"
    """A legacy client's token, approved in the browser; for JIT access only."""
    CLI = "cli"
    """An access token of the daypass CLI."""
    REFRESH = "refresh"
    """A refresh token of the daypass CLI (RFC 6749, section 1.5)."""
    WORKLOAD = "workload"
    """A token that a workload got for the ID token of its issuer (RFC 8693); for JIT access only."""


BEARER_KINDS = frozenset({TokenKind.TEMPORARY, TokenKind.PERMANENT, TokenKind.CLI})
"""The kinds that the API accepts as bearer tokens."""

CONSENTED_KINDS = frozenset({TokenKind.APPROVAL, TokenKind.CLI, TokenKind.REFRESH, TokenKind.WORKLOAD})
"""The kinds whose scope is limited: by the consent of their owner, or by a workload rule to tenants."""


@dataclass(frozen=True, slots=True)
class User:
    """A person or a service account with a portal account."""

    id: UserId
    username: str
    role: Role
    kind: UserKind = UserKind.PERSON

    @property
    def is_administrator(self) -> bool:
        """Whether this user is an Administrator."""
        return self.role is Role.ADMINISTRATOR

    def as_actor(self, request_id: str) -> Actor:
        """Return this user as the author of an audit event; *request_id* is the HTTP request's."""
        return Actor(self.id, self.username, request_id)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """The metadata of a token; its secret is not stored."""

    id: TokenId
    kind: TokenKind
    name: str
    user_id: UserId
    created_at: datetime
    expires_at: datetime
    grant_ends_at: datetime | None
    last_used_at: datetime | None = None
    parent_id: TokenId | None = None
    """The session or consent that this token ends with; a parent has no parent itself."""
    application: str = ""
    """The application that requested the token, or "" if none did."""
    scopes: Scopes = TENANTS_ONLY
    """The scopes that the owner consented to; they limit `CONSENTED_KINDS` only."""
    use_by: datetime | None = None
    """The token is void unless it was used before this time."""
    address: str = ""
    """The client address at creation; for an approval, at the last use."""
    reauthentication_exempt: bool = False
    """Whether the token may make changes that otherwise need reauthentication: for automation."""
    authorized_at: datetime | None = None
    """The time at which the owner consented to the CLI's access; a refresh does not change it."""
    provider: str | None = None
    """For a browser session: the identity provider that proved the sign-in; None for a local password."""
    authenticated_at: datetime | None = None
    """When the user last authenticated.

    For a browser session, None means `created_at`. The tokens that were issued in the browser have the time
    of its session. None for other tokens, and for those that an earlier release issued.
    """
    authentication_methods: str | None = None
    """For a browser session: how the user proved the identity, as values of RFC 8176 separated by spaces."""

    @property
    def allows_admin(self) -> bool:
        """Whether the owner consented to account administration; matters only for `CONSENTED_KINDS`."""
        return ADMIN_SCOPE in self.scopes

    def covers(self, scope: Scope) -> bool:
        """Return whether the token may be used for *scope*; the access of its owner is checked separately."""
        return self.kind not in CONSENTED_KINDS or covers(self.scopes, scope)


def network_of(address: str) -> str:
    """Return the rate-limit key for an address: IPv4 as is, IPv6 by its /64 prefix."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
