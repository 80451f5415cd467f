"""Attempts to authenticate at an identity provider, and the accounts there that users have."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from daypass.portal.identity.model import TokenId, UserId
from daypass.portal.secret import Secret

ATTEMPT_LIFETIME = timedelta(minutes=10)
"""The time in which a user must authenticate at the provider."""


class Purpose(StrEnum):
    """The purposes of an authentication at a provider."""

    SIGN_IN = "sign_in"
    LINK = "link"
    """A signed-in user links the account with which they authenticate."""
    REAUTHENTICATE = "reauthenticate"
    CHECK = "check"
    """The operator wants to know what a sign-in with these claims would do; it signs no user in."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An authentication request whose answer the portal waits for."""

    provider: str
    purpose: Purpose
    nonce: str = field(repr=False)
    verifier: Secret
    """The PKCE code verifier (RFC 7636)."""
    next: str
    """The page to return to."""
    created_at: datetime
    user_id: UserId | None = None
    """The user who links an account or reauthenticates; None for a sign-in."""
    token_id: TokenId | None = None
    """The browser session of that user."""
    max_age: timedelta | None = None
    """The demanded maximum age of the authentication; None if any will do."""
    acr_values: tuple[str, ...] = ()
    """The demanded authentication context class references, one of which the answer must have."""
    address: str = ""
    """The address of the client that began the attempt."""


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """The account of a user at an identity provider; provider, issuer and subject are its key."""

    provider: str
    issuer: str
    """It belongs to the key, because an operator can point a provider's name at another issuer."""
    subject: str
    user_id: UserId
    linked_at: datetime
    linked_by: UserId | None = None
    """The user who linked it; None if the first sign-in did."""
    email: str = ""
    """For display only, as is `username`: people can change both at many providers."""
    username: str = ""
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """The session at an identity provider that a browser session begins with."""

    issuer: str
    subject: str
    sid: str | None
    """The claim `sid` (OpenID Connect Back-Channel Logout, section 2.1)."""
    id_token: str | None = field(default=None, repr=False)
    """The ID token, encrypted, if the provider needs it as `id_token_hint` at logout."""
    ends_at: datetime | None = None
    """The end of the session at the provider, if it tells; no browser session lasts longer."""
    requested_at: datetime | None = None
    """The time of the authentication request, in the proof of a sign-in; None in a stored session."""
