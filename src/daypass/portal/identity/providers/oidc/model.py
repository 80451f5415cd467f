"""The values that pass between the portal and an OpenID Connect provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daypass.portal.secret import Secret


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authentication request (OpenID Connect Core, section 3.1.2.1), before the browser is sent to it."""

    url: str = field(repr=False)
    """The address of the provider's page, with all parameters."""
    state: Secret
    nonce: str = field(repr=False)
    verifier: Secret
    """The PKCE code verifier (RFC 7636)."""


@dataclass(frozen=True, slots=True)
class SavedRequest:
    """The part of an authentication request that the portal keeps to check the answer."""

    nonce: str = field(repr=False)
    verifier: Secret
    max_age: timedelta | None
    """The demanded maximum age of the authentication; None if any will do."""
    acr_values: tuple[str, ...]
    """The demanded authentication context class references, one of which the answer must have."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Authentication:
    """An authentication at a provider, as its verified ID token says."""

    issuer: str
    subject: str
    claims: Mapping[str, object] = field(repr=False)
    """All claims of the ID token, with those that only the UserInfo endpoint has."""
    authenticated_at: datetime | None
    """The claim `auth_time`; None if the provider sends none."""
    acr: str
    """The authentication context class reference; empty if the provider sends none."""
    amr: tuple[str, ...]
    """The authentication methods (RFC 8176), for the record."""
    sid: str | None
    """The id of the session at the provider, for logout; None if the provider sends none."""
    id_token: Secret
    requested_at: datetime
    """The time of the portal's authentication request."""


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """A verified logout token (OpenID Connect Back-Channel Logout, section 2.4)."""

    sid: str | None
    """The session that ended; None if all sessions of `subject` did."""
    subject: str | None
    jti: str
    """The id of the token, which must be accepted only once."""
    expires_at: datetime
    """The time from which the token is refused in any case, so its id can be forgotten."""
