"""API tokens of all users: create, list and revoke."""

from dataclasses import dataclass
from datetime import timedelta

from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import TokenQuery, TokenRecord
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    actor_of,
    author_id,
    single_change,
)
from daypass.portal.admin.users.service import find_user, require_not_break_glass
from daypass.portal.admin.users.store.tokens import TokenList
from daypass.portal.errors import InvalidRequest, PreconditionFailed, TokenNotFound
from daypass.portal.identity.authentication import PERMANENT_LIFETIME, Identity
from daypass.portal.identity.model import ApiToken, TokenKind
from daypass.portal.identity.store.tokens import revoke_token
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.storage.search import is_storable

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The actions of Administrators on API tokens."""

    executor: ChangeExecutor
    identity: Identity

    def find(self, token_id: str) -> TokenRecord:
        """Return one token, valid or not; raises `TokenNotFound`."""
        with self.executor.database.reading() as connection:
            return _find(connection, token_id)

    def page(self, user: str | None, kind: TokenKind | None, page_request: PageRequest) -> Page[TokenRecord]:
        """Return a page of the valid tokens of one user or of all, in the order in which they expire."""
        with self.executor.database.reading() as connection:
            user_id = None if user is None else find_user(connection, user).user.id
            return TokenList(connection).page(TokenQuery(user_id, kind), self.executor.clock(), page_request)

    def count(self, user: str) -> int:
        """Return the number of a user's valid tokens."""
        with self.executor.database.reading() as connection:
            query = TokenQuery(find_user(connection, user).user.id)
            return TokenList(connection).count(query, self.executor.clock())

    def create(
        self, user: str, name: str, by: Author, lifetime: timedelta = PERMANENT_LIFETIME
    ) -> tuple[Secret, ApiToken]:
        """Create a permanent token for *user*, an id or username. The secret is returned only here."""
        if not _DAY <= lifetime <= PERMANENT_LIFETIME:
            raise InvalidRequest(f"An API token lives from 1 to {PERMANENT_LIFETIME // _DAY} days.")
        with self.executor.database.reading() as connection:
            initial_owner = find_user(connection, user).user

        def plan(connection: Connection) -> Change:
            owner = find_user(connection, initial_owner.id)
            require_not_break_glass(owner)
            if owner.is_disabled:
                raise InvalidRequest(f"“{owner.user.username}” is disabled, and a token would not work.")
            if owner.user.role is not initial_owner.role:
                # The token's exemption depends on the role that was read first.
                raise PreconditionFailed(
                    f"The role of “{owner.user.username}” was changed a moment ago. Try again."
                )
            return Change((), proof=reauthentication.to_create_token(is_exempt=owner.user.is_administrator))

        # `Identity` commits the token with an event of its own. The plan has no rows: it refuses the creation
        # now, with a record, and again within the transaction of the token.
        request = single_change("token.create", initial_owner.username, by, plan)
        self.executor.plan(request)
        return self.identity.create_token(
            initial_owner,
            TokenKind.PERMANENT,
            name,
            actor_of(by),
            lifetime=lifetime,
            precondition=self.executor.precondition(request),
        )

    def revoke(self, token_id: str, by: Author) -> None:
        """Revoke a token of any user with all tokens derived from it; idempotent. Raises `TokenNotFound`."""
        initial_token, now = self.find(token_id), self.executor.clock()

        def plan(connection: Connection) -> Change | None:
            token = _find(connection, initial_token.id)
            # Nothing is left to do, so nothing is recorded and no proof is needed.
            if token.ended_at is not None:
                return None
            revoke = revoke_token(token.id, owner=token.owner.id, at=now)
            before = {"token_id": token.id, "kind": token.kind.value, "name": token.name}
            proof = reauthentication.to_revoke_token(token.owner, author_id(by))
            return Change((revoke,), before, proof=proof)

        self.executor.execute(single_change("token.revoke", initial_token.owner.username, by, plan))


def _find(connection: Connection, token_id: str) -> TokenRecord:
    token = TokenList(connection).find(token_id) if is_storable(token_id) else None
    if token is None:
        raise TokenNotFound("There is no such API token.")
    return token
