"""Consent for legacy clients: a user allows an application on their computer JIT access in the browser.

The clients support neither `state` nor PKCE, so the token itself is restricted: JIT access only, valid for
at most an hour, void unless used within a minute, and one per user, application and scope.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from daypass.common.lines import printable_line
from daypass.portal.audit.event import Event, Outcome, Scalar
from daypass.portal.config.model import LegacyLoopback
from daypass.portal.errors import AccessDenied, PortalError, RequestExpired, SignInAgain
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User
from daypass.portal.identity.rate_limit.actions import require_rate
from daypass.portal.identity.reauthentication import authenticated_at, require_recent_authentication
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scopes
from daypass.portal.identity.store.tokens import TokenStore, revoke_predecessor
from daypass.portal.identity.store.users import UserStore
from daypass.portal.redaction import redacted
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection

LIFETIME = timedelta(minutes=60)
GRANT = timedelta(hours=12)
USE_WITHIN = timedelta(seconds=60)

LONGEST_NAME = 32
RECOGNISED = frozenset({"duploctl", "duplo-jit", "duplo-aws-credential-process"})
"""The names that the legacy clients send. Any program can send them; pages mark a name that is not here."""

_NOT_ADMINISTRATOR = AccessDenied(
    "Admin access to AWS is for Administrators. Start the application without it, for one of your tenants."
)


@dataclass(frozen=True, slots=True)
class LegacyConsents:
    """The service for tokens of the kind `APPROVAL`.

    They are no children of the browser session in which they were approved: after sign-out the command line
    keeps working until the consent itself ends.
    """

    identity: Identity
    loopback: LegacyLoopback

    def check(self, sign_in: ApiToken, user: User, *, scopes: Scopes) -> None:
        """Return if *user* may consent now.

        Raises `AccessDenied`, or `ReauthenticationRequired` if only a recent sign-in is missing.
        """
        if sign_in.kind is not TokenKind.BROWSER:
            raise AccessDenied("Only a browser that is signed in can authorize an application.")
        if self.loopback is LegacyLoopback.OFF:
            raise AccessDenied(
                "An administrator turned off sign-in for these applications. "
                "Use the daypass command or, for automation, an API token."
            )
        if ADMIN_SCOPE not in scopes:
            return
        if self.loopback is LegacyLoopback.TENANT_ONLY:
            raise AccessDenied(
                "Applications on your computer get access to tenants only. "
                "For admin access use the daypass command."
            )
        if not user.is_administrator:
            raise _NOT_ADMINISTRATOR
        require_recent_authentication(sign_in, self.identity.clock())

    def cancel(self, user: User, application: str, *, scopes: Scopes, address: str, request_id: str) -> None:
        """Record that *user* refused."""
        detail: Mapping[str, Scalar] = {"admin": ADMIN_SCOPE in scopes, "address": address}
        self.identity.committer.commit_rate_limited(
            Event(
                action="local_access.cancel",
                actor=user.as_actor(request_id),
                outcome=Outcome.DENIED,
                subject=application,
                detail=detail,
            )
        )

    def approve(
        self,
        sign_in: ApiToken,
        user: User,
        application: str,
        *,
        consent: str,
        scopes: Scopes,
        address: str,
        request_id: str,
    ) -> tuple[Secret, ApiToken]:
        """Create a token for *application* and revoke its previous one for the same scope.

        *consent* identifies the consent page that was answered, and works once.
        Raises `RequestExpired` if it was used before, and `RateLimited`.
        """
        self.check(sign_in, user, scopes=scopes)
        now, identity = self.identity.clock(), self.identity
        require_rate(identity.database, identity.committer, now, "token.create", user, request_id)
        token = self.identity.new_token(
            user,
            TokenKind.APPROVAL,
            application,
            expires_at=now + LIFETIME,
            grant_ends_at=now + GRANT,
            application=application,
            scopes=scopes,
            use_by=now + USE_WITHIN,
            address=address,
            authenticated_at=authenticated_at(sign_in),
        )
        # The token's ID is derived from the consent, so that one consent cannot create two tokens.
        token = replace(token, id=_id_of(sign_in, consent))

        def still_agreed(connection: Connection) -> PortalError | None:
            # The lock serialises concurrent consents, so that exactly the newest token remains.
            login = UserStore(connection).lock_login(user.username)
            if login is None or login.is_disabled or TokenStore(connection).is_ended(sign_in.id):
                return SignInAgain("Your sign-in has ended. Sign in again.")
            if TokenStore(connection).is_known(token.id):
                return RequestExpired("This request was already answered. Run the command again.")
            if ADMIN_SCOPE in scopes and login.user.role is not Role.ADMINISTRATOR:
                return _NOT_ADMINISTRATOR
            return None

        by = user.as_actor(request_id)
        replace_older = revoke_predecessor(token)
        return self.identity.add_token(token, user, by, replace_older, precondition=still_agreed), token


def _id_of(sign_in: ApiToken, consent: str) -> TokenId:
    return TokenId(sha256(f"{sign_in.id} {consent}".encode()).hexdigest()[:32])


def shown_name(typed: str) -> str:
    """Return the name that an application sent, for display: printable, redacted and shortened."""
    return redacted(printable_line(typed, replacement="").strip())[:LONGEST_NAME]
