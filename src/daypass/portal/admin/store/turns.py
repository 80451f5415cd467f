"""One administrative change at a time, on any number of replicas; and how fresh a sign-in is."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from daypass.portal.identity.model import TokenId
from daypass.portal.storage.schema import api_tokens

# Any number serves, as long as nobody else in that database locks by it.
_TURN = 0x44415941

_THAT = api_tokens.alias()

_SIGN_IN = select(api_tokens.c.created_at).where(
    api_tokens.c.id
    == select(func.coalesce(_THAT.c.parent_id, _THAT.c.id))
    .where(_THAT.c.id == bindparam("token"))
    .scalar_subquery()
)

_TAKE = select(func.pg_advisory_xact_lock(_TURN))


def take_turn(connection: Connection) -> None:
    """Wait for every other administrative change; what is read from here on stands until the commit.

    Rules over many rows (the last Administrator, names that fence each other off) have no row to lock.
    SQLite's writing transaction is such a turn already.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_TAKE)


def sign_in_of(connection: Connection, token_id: TokenId) -> datetime | None:
    """When the sign-in was made that a token is, or stands on; None where it is gone."""
    return connection.scalar(_SIGN_IN, {"token": token_id})
