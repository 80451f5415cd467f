"""Queries for tokens that count once, and for sessions that ended at their provider."""

import json
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, select

from daypass.portal.storage.schema.sign_in import used_tokens
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.storage.upsert import insert_or_update

_BATCH = 1000

_DELETE_EXPIRED = delete(used_tokens).where(
    used_tokens.c.digest.in_(
        select(used_tokens.c.digest)
        .where(used_tokens.c.expires_at <= bindparam("now"))
        .limit(_BATCH)
        # SKIP LOCKED: replicas that delete the same rows in another order would deadlock.
        .with_for_update(skip_locked=True)
    )
)


def key_of(kind: str, *parts: str) -> bytes:
    """Return the digest under which a token or a session is kept; *kind* says which of them."""
    return sha256(json.dumps([kind, *parts]).encode()).digest()


class UsedTokenStore:
    """Queries for the digests of what counts once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, digest: bytes, *, expires_at: datetime) -> bool:
        """Insert a digest; return False if it is there already. Of concurrent calls one returns True."""
        row = {"digest": digest, "expires_at": expires_at}
        statement = insert_or_update(self._connection, used_tokens).values(**row).on_conflict_do_nothing()
        # RETURNING, because the number of inserted rows is not known on every driver.
        return self._connection.scalar(statement.returning(used_tokens.c.digest)) is not None

    def keep_until(self, digest: bytes, expires_at: datetime) -> None:
        """Insert a digest, or keep the one that is there until *expires_at* if that is later."""
        row = {"digest": digest, "expires_at": expires_at}
        statement = insert_or_update(self._connection, used_tokens).values(**row)
        later = statement.excluded.expires_at
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[used_tokens.c.digest],
                set_={"expires_at": later},
                where=used_tokens.c.expires_at < later,
            )
        )

    def last_expiry(self, digests: Collection[bytes]) -> datetime | None:
        """Return the latest time until which one of *digests* is kept, or None if none is there."""
        return self._connection.scalar(
            select(used_tokens.c.expires_at)
            .where(used_tokens.c.digest.in_(digests))
            .order_by(used_tokens.c.expires_at.desc())
            .limit(1)
        )


def delete_expired_used_tokens(now: datetime) -> RowChange:
    """Return the change that deletes a batch of digests whose time is over."""
    return RowChange(_DELETE_EXPIRED, {"now": now})
