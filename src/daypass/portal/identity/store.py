"""Users and API tokens, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId
from daypass.portal.storage.schema import api_tokens, users

ADD_USER = insert(users)
ADD_TOKEN = insert(api_tokens)

REVOKE_TOKEN = (
    update(api_tokens)
    .where(
        api_tokens.c.id == bindparam("ended_id"),
        api_tokens.c.user_id == bindparam("owner_id"),
        api_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("ended_at"))
)

TOUCH = (
    update(api_tokens)
    .where(
        # Replicas that note the same tokens in another order would wait for each other; so nobody waits.
        api_tokens.c.id.in_(
            select(api_tokens.c.id)
            .where(api_tokens.c.id == bindparam("token_id"))
            .with_for_update(skip_locked=True)
        )
    )
    .values(last_used_at=bindparam("used_at"))
)
"""Notes when a token was last used; rides with an audit commit."""

_TOKEN = (
    api_tokens.c.id,
    api_tokens.c.kind,
    api_tokens.c.name,
    api_tokens.c.user_id,
    api_tokens.c.created_at,
    api_tokens.c.expires_at,
    api_tokens.c.grant_ends_at,
    api_tokens.c.last_used_at,
)

_BEARER = (
    select(*_TOKEN, api_tokens.c.revoked_at, users.c.username, users.c.role, users.c.disabled_at)
    .join(users, users.c.id == api_tokens.c.user_id)
    .where(api_tokens.c.digest == bindparam("digest"))
)

_HOLD = (
    select(api_tokens.c.id)
    .join(users, users.c.id == api_tokens.c.user_id)
    .where(api_tokens.c.id == bindparam("token_id"))
    .with_for_update(read=True)
)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that was once given out, its owner, and whether either has been ended since."""

    token: ApiToken
    user: User
    is_revoked: bool
    is_disabled: bool


class UserStore:
    """People and service accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, username: str) -> User | None:
        """The user of that canonical name, unless disabled."""
        row = self._connection.execute(
            select(users.c.id, users.c.username, users.c.role).where(
                users.c.username == username, users.c.disabled_at.is_(None)
            )
        ).first()
        return None if row is None else User(UserId(row.id), row.username, Role(row.role))

    def is_taken(self, username: str) -> bool:
        """Whether a user of that canonical name exists, disabled ones included."""
        return self._connection.scalar(select(users.c.id).where(users.c.username == username)) is not None

    def password_hash(self, user_id: UserId) -> str | None:
        """What is stored of a user's password; None where they have none."""
        return self._connection.scalar(select(users.c.password_hash).where(users.c.id == user_id))

    def disable(self, user_id: UserId, now: datetime) -> None:
        """End a user; every token of theirs ends with them."""
        self._connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=now))

    def count_administrators(self) -> int:
        """How many may run the portal."""
        counted = self._connection.scalar(
            select(func.count())
            .select_from(users)
            .where(users.c.role == Role.ADMINISTRATOR.value, users.c.disabled_at.is_(None))
        )
        return counted or 0


class TokenStore:
    """API tokens; of each only the digest is known."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_bearer(self, digest: bytes) -> Bearer | None:
        """The token of that digest with its owner, whatever state they are in."""
        row = self._connection.execute(_BEARER, {"digest": digest}).first()
        if row is None:
            return None
        user = User(UserId(row.user_id), row.username, Role(row.role))
        return Bearer(_token(row), user, row.revoked_at is not None, row.disabled_at is not None)

    def hold(self, token_id: TokenId) -> None:
        """Keep token, owner and memberships from being ended until this transaction is over.

        What is read afterwards is still true when it commits. SQLite's writing transaction sees to it alone.
        """
        if self._connection.dialect.name != "sqlite":
            self._connection.execute(_HOLD, {"token_id": token_id})

    def list_for(self, user_id: UserId, kind: TokenKind, now: datetime) -> Sequence[ApiToken]:
        """A user's tokens of one kind that still count, oldest first."""
        rows = self._connection.execute(
            select(*_TOKEN)
            .where(
                api_tokens.c.user_id == user_id,
                api_tokens.c.kind == kind.value,
                api_tokens.c.revoked_at.is_(None),
                api_tokens.c.expires_at > now,
            )
            .order_by(api_tokens.c.created_at, api_tokens.c.id)
        )
        return [_token(row) for row in rows]


def _token(row: Row[*tuple[Any, ...]]) -> ApiToken:
    return ApiToken(
        TokenId(row.id),
        TokenKind(row.kind),
        row.name,
        UserId(row.user_id),
        row.created_at,
        row.expires_at,
        row.grant_ends_at,
        row.last_used_at,
    )
