"""Attempts to authenticate at an identity provider, and the accounts there that users have."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """An authentication request whose answer the portal waits for."""

    provider: str
    purpose: Purpose
    nonce: str
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
