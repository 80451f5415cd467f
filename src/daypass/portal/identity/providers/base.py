"""The contract of identity providers: a provider proves an identity and knows nothing of sessions.

A `PasswordProvider` records its own refusals in the audit log, because it alone knows what failed. Those of a
`RedirectProvider` have their cause in the log of the request; `external` records the ones about an account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from daypass.portal.audit.event import Event
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.identity.external.model import ProviderSession
from daypass.portal.identity.model import User
from daypass.portal.identity.providers.oidc.model import (
    Authentication,
    AuthorizationRequest,
    LogoutToken,
    SavedRequest,
)
from daypass.portal.identity.store.users import SignInRecord
from daypass.portal.secret import Secret
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork

LOCAL_PASSWORD = "password"  # noqa: S105  the name of a provider
"""The name of the provider that checks the portal's own passwords."""


@dataclass(frozen=True, slots=True)
class SignInContext:
    """The request in which a browser signs in, as far as providers and audit events need it."""

    address: str
    request_id: str
    device_cookie: str | None = None
    """The cookie of a browser that a user signed in with before."""
    device: str = ""
    """The name of the browser, for the user's list of sign-ins; empty if it is not known."""


@dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """A user whose identity a provider has proved; `BrowserSessions` makes a session of it."""

    record: SignInRecord
    """The user as read before the proof. The session is refused if the user changed meanwhile."""
    provider: str
    """The name of the provider."""
    method: str
    """How the user authenticated, as values of RFC 8176 separated by spaces, such as `pwd hwk`."""
    authenticated_at: datetime
    """The time of authentication at the provider, which may be long before the portal learns of it."""
    refunds: Sequence[RowChange] = ()
    """The changes that undo the counting of this attempt in the rate limits; committed with the session, or
    its refusal."""
    effects: UnitOfWork[Event] = field(default_factory=lambda: UnitOfWork(()))
    """The further changes of the proof, such as groups by claims; committed with the session, under its own
    precondition, and only then."""
    session: ProviderSession | None = None
    """The session at the provider; None for the portal's own passwords."""
    ends_at: datetime | None = None
    """The time at which a session of this proof ends at the latest; None if only the settings limit it."""


@runtime_checkable
class PasswordProvider(Protocol):
    """A provider that checks a username and a password, which the user types into a form of the portal."""

    @property
    def name(self) -> str:
        """The name, which sessions store; that of the portal's own passwords is stored as NULL."""

    def verify(self, username: str, password: Secret, context: SignInContext) -> ProvenIdentity:
        """Prove the identity of a user who signs in.

        Raises `SignInFailed`, `TooManyAttempts` or `Overloaded`.

        An unknown user and a wrong password get the same answer, and take the same time.
        """

    def verify_again(self, user: User, password: Secret, context: SignInContext) -> ProvenIdentity:
        """Prove that a signed-in user is still the one at the browser; raises the same as `verify`."""


@runtime_checkable
class RedirectProvider(Protocol):
    """A provider that authenticates users on pages of its own, and sends the browser back with the answer."""

    @property
    def name(self) -> str:
        """The name in stored sessions and in paths: 1 to 64 lower-case letters, digits and hyphens."""

    @property
    def label(self) -> str:
        """The name for users, as in “Sign in with …”."""

    @property
    def config(self) -> ProviderConfig:
        """The operator's configuration of the provider."""

    def authorization_request(
        self, redirect_uri: str, *, max_age: timedelta | None = None, acr_values: Sequence[str] = ()
    ) -> AuthorizationRequest:
        """Return a new request, with the address of the provider's page; raises `ProviderUnavailable`.

        With *max_age*, the provider must authenticate a user again who did so longer ago.
        """

    def authenticate(
        self, redirect_uri: str, answer: Mapping[str, str], saved: SavedRequest
    ) -> Authentication:
        """Return the account that the query parameters of the callback prove.

        Raises `ProviderUnavailable`, `ProviderRefused` or `SignInFailed`. The parameter `state` was checked
        already: the answer is for *saved*, which counts once.
        """

    def end_session_url(self, *, id_token: Secret | None, return_to: str, state: str) -> str | None:
        """Return the address at which the provider ends its own session, or None if it has none."""

    def logout_token(self, text: str) -> LogoutToken:
        """Verify a logout token (OpenID Connect Back-Channel Logout, section 2.6); raises `InvalidToken`."""


IdentityProvider = PasswordProvider | RedirectProvider
