"""Queries on the API tokens of all users, without their digests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from daypass.portal.admin.model import TokenQuery, TokenRecord
from daypass.portal.identity.model import TokenId, TokenKind
from daypass.portal.identity.scopes import stored_scopes
from daypass.portal.identity.store.users import user_of
from daypass.portal.storage.pagination import Order, Page, PageRequest, read_page
from daypass.portal.storage.schema.identity import api_tokens, user_kind, user_role, users

_c = api_tokens.c
_parents = api_tokens.alias("parents")
_FIRST_TO_END = Order((_c.expires_at, _c.id))

_TOKENS = (
    select(
        _c.id,
        _c.kind,
        _c.name,
        _c.created_at,
        _c.expires_at,
        _c.last_used_at,
        _c.application,
        _c.allows_admin,
        _c.scopes,
        _c.reauthentication_exempt,
        _c.user_id,
        users.c.username,
        user_role,
        user_kind,
        func.coalesce(_c.revoked_at, _parents.c.revoked_at, users.c.disabled_at).label("ended_at"),
    )
    .select_from(api_tokens)
    .join(users, users.c.id == _c.user_id)
    .outerjoin(_parents, _parents.c.id == _c.parent_id)
)


class TokenList:
    """Reads the tokens of all users."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, token_id: str) -> TokenRecord | None:
        """Return one token, valid or not; None if there is none."""
        row = self._connection.execute(_TOKENS.where(_c.id == token_id)).first()
        return None if row is None else _record(row)

    def page(self, query: TokenQuery, now: datetime, page_request: PageRequest) -> Page[TokenRecord]:
        """Return a page of the valid tokens, in the order in which they expire."""
        return read_page(self._connection, _valid(query, now), _FIRST_TO_END, page_request, _record)

    def count(self, query: TokenQuery, now: datetime) -> int:
        """Return the number of tokens on all pages."""
        counting = _valid(query, now).with_only_columns(func.count())
        return self._connection.scalar(counting) or 0

    def ending(self, now: datetime, before: datetime, limit: int) -> Sequence[TokenRecord]:
        """Return the permanent tokens that expire before a time, in the order in which they expire."""
        query = _valid(TokenQuery(kind=TokenKind.PERMANENT), now).where(_c.expires_at < before)
        return [_record(row) for row in self._connection.execute(query.order_by(_c.expires_at).limit(limit))]


def _valid(query: TokenQuery, now: datetime) -> Select[Any]:
    statement = _TOKENS.where(
        _c.expires_at > now,
        _c.revoked_at.is_(None),
        _parents.c.revoked_at.is_(None),
        users.c.disabled_at.is_(None),
    )
    if query.user_id is not None:
        statement = statement.where(_c.user_id == query.user_id)
    if query.kind is not None:
        statement = statement.where(_c.kind == query.kind.value)
    return statement


def _record(row: Row[*tuple[Any, ...]]) -> TokenRecord:
    return TokenRecord(
        id=TokenId(row.id),
        kind=TokenKind(row.kind),
        name=row.name,
        owner=user_of(row.user_id, row.username, row.role, row.user_kind),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        application=row.application,
        scopes=stored_scopes(row.scopes, allows_admin=row.allows_admin),
        reauthentication_exempt=row.reauthentication_exempt,
        ended_at=row.ended_at,
    )
