"""The contract of identity providers: a provider proves an identity and knows nothing of sessions.

A provider records its own refusals in the audit log, because it alone knows what failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from daypass.portal.identity.model import User
from daypass.portal.identity.store.users import SignInRecord
from daypass.portal.secret import Secret
from daypass.portal.storage.unit_of_work import RowChange

LOCAL_PASSWORD = "password"  # noqa: S105  the name of a provider
"""The name of the provider that checks the portal's own passwords."""


@dataclass(frozen=True, slots=True)
class SignInContext:
    """The request in which a browser signs in, as far as providers and audit events need it."""

    address: str
    request_id: str
    device_cookie: str | None = None
    """The cookie of a browser that a user signed in with before."""


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

    def login_url(self, callback_url: str, state: str, *, max_age: timedelta | None = None) -> str:
        """Return the address of the provider's page for one attempt.

        The provider sends the browser to *callback_url* with the parameter `state` unchanged (RFC 6749,
        section 4.1). With *max_age*, it must authenticate a user again who did so longer ago.
        """

    def identify(self, callback_url: str, answer: Mapping[str, str]) -> ProvenIdentity:
        """Prove a user's identity by the query parameters of the callback; raises `SignInFailed`.

        The state was checked already: the answer is for a recent attempt of this browser. It may still come
        twice, so a provider whose answers are not single-use stores its attempts. A user is found by the
        provider's own subject, never by a name or an e-mail address that the provider lets users choose. The
        database has no table of subjects yet; the first provider of this kind adds one.
        """


IdentityProvider = PasswordProvider | RedirectProvider
