"""ID tokens that were exchanged: each counts once."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from daypass.portal.storage.schema.sign_in import used_tokens
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.storage.upsert import insert_or_update

# Limited, because it runs in the transaction of an exchange, which must not take long.
_DELETE_EXPIRED = delete(used_tokens).where(
    used_tokens.c.digest.in_(
        select(used_tokens.c.digest)
        .where(used_tokens.c.expires_at <= bindparam("now"))
        .limit(1000)
        # SKIP LOCKED: replicas that delete the same rows in another order would deadlock.
        .with_for_update(skip_locked=True)
    )
)


def use_token(connection: Connection, digest: bytes, expires_at: datetime) -> bool:
    """Record the use of a token; return False, and change nothing, if it was used before.

    The row may be deleted from *expires_at* on, so the token must not be acceptable any more by then. A
    concurrent transaction that uses the same token waits for this one.
    """
    statement = insert_or_update(connection, used_tokens).on_conflict_do_nothing(index_elements=["digest"])
    row = statement.values(digest=digest, expires_at=expires_at).returning(used_tokens.c.digest)
    return connection.scalar(row) is not None


def delete_expired_uses(now: datetime) -> RowChange:
    """Return the change that deletes a batch of uses whose time is over."""
    return RowChange(_DELETE_EXPIRED, {"now": now})
