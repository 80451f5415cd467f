"""Sign-in and reauthentication by password, as the sign-in page does them."""

from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.model import ApiToken, User
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.local_password import LocalPasswords
from daypass.portal.secret import Secret


def sign_in(
    sessions: BrowserSessions,
    username: str,
    password: Secret,
    *,
    address: str,
    device: str | None = None,
    request_id: str = "r",
    replaces: str | None = None,
) -> SignedIn:
    """Prove an identity by its password, and start a session."""
    context = SignInContext(address, request_id, device)
    return sessions.start(
        passwords_of(sessions).verify(username, password, context), context, replaces=replaces
    )


def confirm(
    sessions: BrowserSessions,
    token: ApiToken,
    user: User,
    password: Secret,
    *,
    address: str,
    request_id: str = "r",
) -> SignedIn:
    """Reauthenticate by the password."""
    context = SignInContext(address, request_id)
    return sessions.reauthenticate(
        token, passwords_of(sessions).verify_again(user, password, context), context
    )


def passwords_of(sessions: BrowserSessions) -> LocalPasswords:
    """Return the provider of local passwords for the same database."""
    return LocalPasswords(sessions.database, sessions.committer, sessions.clock)
