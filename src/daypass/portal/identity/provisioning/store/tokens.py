"""The tokens by which identity providers provision; only digests of the secrets are stored."""

from datetime import datetime

from sqlalchemy import Connection, Integer, bindparam, insert, or_, select, update

from daypass.portal.storage.schema.provisioning import scim_tokens
from daypass.portal.storage.unit_of_work import RowChange

_c = scim_tokens.c

_ADD = insert(scim_tokens)
_REVOKE_OLDEST = (
    update(scim_tokens)
    .where(
        _c.id.in_(
            select(_c.id)
            .where(_c.provider == bindparam("of_provider"), _c.revoked_at.is_(None))
            .order_by(_c.created_at.desc(), _c.id)
            .offset(bindparam("kept", type_=Integer))
        )
    )
    .values(revoked_at=bindparam("now"))
)
_RECORD_USE = (
    update(scim_tokens)
    .where(
        # SKIP LOCKED: replicas that update the same tokens in another order would deadlock.
        _c.id.in_(
            select(_c.id)
            .where(
                _c.id == bindparam("used_id"),
                or_(_c.last_used_at.is_(None), _c.last_used_at < bindparam("stale_before")),
            )
            .with_for_update(skip_locked=True)
        )
    )
    .values(last_used_at=bindparam("used_at"))
)


class ScimTokenStore:
    """Queries for the tokens of identity providers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, digest: bytes) -> tuple[str, str, datetime | None] | None:
        """Return the id, the provider and the last use of a token that was not revoked, or None."""
        query = select(_c.id, _c.provider, _c.last_used_at)
        row = self._connection.execute(query.where(_c.digest == digest, _c.revoked_at.is_(None))).first()
        return None if row is None else (row.id, row.provider, row.last_used_at)


def add_scim_token(token_id: str, digest: bytes, provider: str, *, at: datetime) -> RowChange:
    """Return the change that inserts a token; *digest* is that of its secret."""
    row = {"id": token_id, "digest": digest, "provider": provider, "created_at": at}
    return RowChange(_ADD, row)


def revoke_oldest_scim_tokens(provider: str, *, kept: int, at: datetime) -> RowChange:
    """Return the change that revokes the tokens of a provider, except the *kept* newest."""
    return RowChange(_REVOKE_OLDEST, {"of_provider": provider, "kept": kept, "now": at})


def record_scim_token_use(token_id: str, *, at: datetime, stale_before: datetime) -> RowChange:
    """Return the change that records when a token was used, unless it was recorded after *stale_before*."""
    return RowChange(_RECORD_USE, {"used_id": token_id, "used_at": at, "stale_before": stale_before})
