"""A user's own API tokens: list them, reveal a temporary one, add a permanent one, revoke any."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.errors import AccessDenied, PortalError, SignInAgain
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User
from daypass.portal.identity.rate_limit.actions import require_rate
from daypass.portal.identity.reauthentication import authenticated_at, require_recent_authentication
from daypass.portal.identity.store.tokens import TokenStore, revoke_oldest
from daypass.portal.identity.store.users import UserStore
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection

MAX_TEMPORARY_TOKENS = 5
"""The number of live temporary tokens per user; a new one revokes the oldest."""

LISTED_KINDS = (
    TokenKind.BROWSER,
    TokenKind.TEMPORARY,
    TokenKind.PERMANENT,
    TokenKind.APPROVAL,
    TokenKind.REFRESH,
)
"""The kinds listed on the profile page; a refresh token is a signed-in computer."""


@dataclass(frozen=True, slots=True)
class PersonalTokens:
    """The service for a user's own tokens; `portal.admin` handles those of other users."""

    identity: Identity

    def list_own(self, user: User) -> Sequence[ApiToken]:
        """Return the valid tokens of *user*, oldest first."""
        with self.identity.database.reading() as connection:
            return TokenStore(connection).list_for(user.id, LISTED_KINDS, self.identity.clock())

    def reveal_temporary(
        self, sign_in: ApiToken, user: User, *, address: str, request_id: str
    ) -> tuple[Secret, ApiToken]:
        """Create a temporary token that ends with *sign_in*; its secret cannot be read again."""
        if sign_in.kind is not TokenKind.BROWSER:
            raise AccessDenied("A temporary API token can only be revealed in a signed-in browser.")
        identity = self.identity
        require_rate(
            identity.database, identity.committer, identity.clock(), "token.create", user, request_id
        )
        token = self.identity.new_token(
            user,
            TokenKind.TEMPORARY,
            "Temporary API Token",
            expires_at=sign_in.expires_at,
            grant_ends_at=sign_in.expires_at,
            parent_id=sign_in.id,
            address=address,
            authenticated_at=authenticated_at(sign_in),
        )
        drop = revoke_oldest(
            TokenKind.TEMPORARY, owner=user.id, kept=MAX_TEMPORARY_TOKENS - 1, at=token.created_at
        )

        def still_signed_in(connection: Connection) -> PortalError | None:
            # The lock serialises concurrent requests, so that two cannot both take the last free place.
            UserStore(connection).lock_login(user.username)
            if TokenStore(connection).is_ended(sign_in.id):
                return SignInAgain("Your sign-in has ended. Sign in again.")
            return None

        by = user.as_actor(request_id)
        return self.identity.add_token(token, user, by, drop, precondition=still_signed_in), token

    def add_permanent(
        self, used: ApiToken, user: User, name: str, *, request_id: str
    ) -> tuple[Secret, ApiToken]:
        """Create a named token for a year; needs an Administrator with a recent sign-in."""
        if not user.is_administrator:
            raise AccessDenied("Only Administrators can create permanent API tokens. Ask one of them.")
        require_recent_authentication(used, self.identity.clock())

        def still_administrator(connection: Connection) -> PortalError | None:
            login = UserStore(connection).lock_login(user.username)
            if login is None or login.user.role is not Role.ADMINISTRATOR:
                return AccessDenied("Only Administrators can create permanent API tokens. Ask one of them.")
            if TokenStore(connection).is_ended(used.id):
                return SignInAgain("Your sign-in has ended. Sign in again.")
            return None

        by = user.as_actor(request_id)
        return self.identity.create_token(
            user, TokenKind.PERMANENT, name, by, precondition=still_administrator
        )

    def revoke(self, user: User, token_id: TokenId, *, request_id: str) -> None:
        """Revoke one of *user*'s tokens and its children; the ID of another user's token does nothing."""
        self.identity.revoke_token(user, token_id, user.as_actor(request_id))
