"""A user's own tokens: see them, reveal one for programs, add one that stays, end any of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.audit.log import RowChange
from daypass.portal.errors import AccessDenied, PortalError, SignInAgain
from daypass.portal.identity.authentication import Actor, Identity
from daypass.portal.identity.browser_sessions import require_recent_authentication
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User
from daypass.portal.identity.rate_limit.actions import require_rate
from daypass.portal.identity.store import DROP_OLDEST, TokenStore, UserStore
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection

LIVE_AT_MOST = 5
"""So many revealed tokens of one user; the next one ends the oldest."""

SHOWN = (TokenKind.BROWSER, TokenKind.TEMPORARY, TokenKind.PERMANENT, TokenKind.APPROVAL, TokenKind.REFRESH)
"""The kinds that mean something to their owner; a refresh token is a computer that is signed in."""


@dataclass(frozen=True, slots=True)
class PersonalTokens:
    """What a user does with tokens of their own; what others do to them is an Administrator's."""

    identity: Identity

    def list_own(self, user: User) -> Sequence[ApiToken]:
        """Everything that stands for *user* just now, oldest first."""
        with self.identity.database.reading() as connection:
            return TokenStore(connection).list_for(user.id, SHOWN, self.identity.clock())

    def reveal_temporary(
        self, sign_in: ApiToken, user: User, *, address: str, request_id: str
    ) -> tuple[Secret, ApiToken]:
        """A new token for programs that ends with *sign_in*, shown to nobody but who gets this answer."""
        if sign_in.kind is not TokenKind.BROWSER:
            raise AccessDenied("Only a browser that is signed in reveals a temporary API token.")
        identity = self.identity
        require_rate(identity.database, identity.audit, identity.clock(), "token.create", user, request_id)
        token = self.identity.new_token(
            user,
            TokenKind.TEMPORARY,
            "Temporary API Token",
            expires_at=sign_in.expires_at,
            grant_ends_at=sign_in.expires_at,
            parent_id=sign_in.id,
            address=address,
        )
        drop = RowChange(
            DROP_OLDEST,
            {
                "owner_id": user.id,
                "dropped_kind": TokenKind.TEMPORARY.value,
                "kept": LIVE_AT_MOST - 1,
                "now": token.created_at,
            },
        )

        def still_signed_in(connection: Connection) -> PortalError | None:
            # One after another, so that two at once do not both find room for the fifth.
            UserStore(connection).lock_login(user.username)
            if TokenStore(connection).is_ended(sign_in.id):
                return SignInAgain("Your sign-in has ended. Sign in again.")
            return None

        by = Actor(user.id, user.username, request_id)
        return self.identity.add_token(token, user, by, drop, precondition=still_signed_in), token

    def add_permanent(
        self, used: ApiToken, user: User, name: str, *, request_id: str
    ) -> tuple[Secret, ApiToken]:
        """A named token for a year, for an Administrator who has just signed in; shown once."""
        if not user.is_administrator:
            raise AccessDenied("Permanent API tokens are made by Administrators. Ask one of them.")
        require_recent_authentication(used, self.identity.clock())

        def still_administrator(connection: Connection) -> PortalError | None:
            login = UserStore(connection).lock_login(user.username)
            if login is None or login.user.role is not Role.ADMINISTRATOR:
                return AccessDenied("Permanent API tokens are made by Administrators. Ask one of them.")
            if TokenStore(connection).is_ended(used.id):
                return SignInAgain("Your sign-in has ended. Sign in again.")
            return None

        by = Actor(user.id, user.username, request_id)
        return self.identity.create_token(
            user, TokenKind.PERMANENT, name, by, precondition=still_administrator
        )

    def revoke(self, user: User, token_id: TokenId, *, request_id: str) -> None:
        """End one of *user*'s tokens and all that stands on it. Nobody else's: of those nothing is said."""
        self.identity.revoke_token(user, token_id, Actor(user.id, user.username, request_id))
