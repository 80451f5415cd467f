"""The tokens by which identity providers provision; only digests of the secrets are stored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Integer, bindparam, func, insert, or_, select, update

from daypass.portal.identity.provisioning.model import ScimToken
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
_REVOKE = (
    update(scim_tokens)
    .where(_c.id == bindparam("token_id"), _c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_SHOWN = select(_c.id, _c.provider, _c.created_at, _c.last_used_at, _c.revoked_at)
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

    def get(self, token_id: str) -> ScimToken | None:
        """Return a token, valid or not, or None."""
        row = self._connection.execute(_SHOWN.where(_c.id == token_id)).first()
        return None if row is None else ScimToken(*row)

    def of_provider(self, provider: str, limit: int) -> Sequence[ScimToken]:
        """Return up to *limit* tokens of a provider: the valid ones first, then the newest."""
        query = _SHOWN.where(_c.provider == provider).limit(limit)
        ordered = query.order_by(_c.revoked_at.is_not(None), _c.created_at.desc(), _c.id)
        return [ScimToken(*row) for row in self._connection.execute(ordered)]

    def count_valid(self, provider: str) -> int:
        """Return the number of valid tokens of a provider."""
        query = select(func.count()).select_from(scim_tokens)
        return self._connection.execute(
            query.where(_c.provider == provider, _c.revoked_at.is_(None))
        ).scalar_one()

    def providers(self) -> Sequence[str]:
        """Return the names of the providers with a valid token, sorted."""
        query = select(_c.provider).where(_c.revoked_at.is_(None)).distinct().order_by(_c.provider)
        return self._connection.execute(query).scalars().all()


def add_scim_token(token_id: str, digest: bytes, provider: str, *, at: datetime) -> RowChange:
    """Return the change that inserts a token; *digest* is that of its secret."""
    row = {"id": token_id, "digest": digest, "provider": provider, "created_at": at}
    return RowChange(_ADD, row)


def revoke_oldest_scim_tokens(provider: str, *, kept: int, at: datetime) -> RowChange:
    """Return the change that revokes the tokens of a provider, except the *kept* newest."""
    return RowChange(_REVOKE_OLDEST, {"of_provider": provider, "kept": kept, "now": at})


def revoke_scim_token(token_id: str, *, at: datetime) -> RowChange:
    """Return the change that revokes a token, unless it was revoked before."""
    return RowChange(_REVOKE, {"token_id": token_id, "now": at})


def record_scim_token_use(token_id: str, *, at: datetime, stale_before: datetime) -> RowChange:
    """Return the change that records when a token was used, unless it was recorded after *stale_before*."""
    return RowChange(_RECORD_USE, {"used_id": token_id, "used_at": at, "stale_before": stale_before})
