"""Queries for authorization requests and used refresh tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, select, update

from daypass.portal.identity.model import TokenId, TokenKind, User, UserId
from daypass.portal.identity.oauth.model import (
    AuthorizationParameters,
    AuthorizationRequest,
    Loopback,
    ManualRedirect,
    RequestId,
)
from daypass.portal.identity.scopes import format_scopes, stored_scopes
from daypass.portal.identity.store.users import user_of
from daypass.portal.storage.schema.identity import (
    api_tokens,
    oauth_requests,
    spent_refresh_tokens,
    user_kind,
    user_role,
    users,
)
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.storage.upsert import insert_or_update

_SECOND = timedelta(seconds=1)
_ADD_SPENT = insert(spent_refresh_tokens)
_PURGE = delete(oauth_requests).where(oauth_requests.c.created_at < bindparam("before"))

_c = oauth_requests.c

_REQUEST = (
    _c.id,
    _c.client_id,
    _c.challenge,
    _c.state,
    _c.redirect_port,
    _c.redirect_path,
    _c.wants_admin,
    _c.scopes,
    _c.tenant,
    _c.device,
    _c.version,
    _c.address,
    _c.match_code,
    _c.created_at,
    _c.expires_at,
    _c.shown_at,
    _c.shown_to,
    _c.decided_at,
    _c.code_expires_at,
    _c.user_id,
    _c.max_age,
    _c.authenticated_at,
    _c.redeemed_at,
    _c.grant_id,
)


class RequestStore:
    """Queries for authorization requests that a user has opened."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, request_id: RequestId) -> AuthorizationRequest | None:
        """Return the request of that ID, in whatever state it is."""
        return self._find_by(_c.id == request_id)

    def find_by_code(self, digest: bytes) -> AuthorizationRequest | None:
        """Return the request that a code of that digest was issued for."""
        return self._find_by(_c.code_digest == digest)

    def add(self, request: AuthorizationRequest) -> None:
        """Insert a request that is opened for the first time; an existing row stays unchanged."""
        statement = insert_or_update(self._connection, oauth_requests).values(**row_of(request))
        self._connection.execute(statement.on_conflict_do_nothing())

    def note_shown(self, request_id: RequestId, session_id: TokenId, now: datetime) -> None:
        """Record which session the consent is shown in, and since when."""
        self._connection.execute(
            update(oauth_requests)
            .where(_c.id == request_id, _c.decided_at.is_(None))
            .values(shown_at=now, shown_to=session_id)
        )

    def decide(
        self,
        request: AuthorizationRequest,
        session_id: TokenId,
        now: datetime,
        code: tuple[bytes, datetime, UserId] | None,
        authenticated_at: datetime | None = None,
    ) -> bool:
        """Answer a request with a code, or with None to deny it; return False if it was answered before.

        *authenticated_at* is when the user who gets the code had authenticated.
        """
        digest, ends_at, user_id = code or (None, None, None)
        done = self._connection.execute(
            update(oauth_requests)
            .where(
                _c.id == request.id,
                _c.decided_at.is_(None),
                _c.shown_to == session_id,
                _c.expires_at > now,
            )
            .values(
                decided_at=now,
                code_digest=digest,
                code_expires_at=ends_at,
                user_id=user_id,
                authenticated_at=authenticated_at,
            )
        )
        return done.rowcount == 1

    def redeem(self, request_id: RequestId, now: datetime, grant_id: TokenId | None) -> bool:
        """Mark the code of a request as used; of concurrent attempts, exactly one returns True."""
        done = self._connection.execute(
            update(oauth_requests)
            .where(_c.id == request_id, _c.redeemed_at.is_(None), _c.code_expires_at > now)
            .values(redeemed_at=now, grant_id=grant_id)
        )
        return done.rowcount == 1

    def _find_by(self, condition: ColumnElement[bool]) -> AuthorizationRequest | None:
        row = self._connection.execute(select(*_REQUEST).where(condition)).first()
        return None if row is None else _request(row)


@dataclass(frozen=True, slots=True)
class UsedRefreshToken:
    """A token family whose code or refresh token is used again."""

    id: TokenId
    owner: User
    is_ended: bool


class TokenFamilyStore:
    """Queries for token families: each is a refresh token whose secret changes and whose row stays."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rotate(self, grant_id: TokenId, old: bytes, new: bytes, now: datetime) -> bool:
        """Replace the refresh token's secret; of concurrent attempts, exactly one returns True."""
        c = api_tokens.c
        done = self._connection.execute(
            update(api_tokens)
            .where(
                c.id == grant_id,
                c.kind == TokenKind.REFRESH.value,
                c.digest == old,
                c.revoked_at.is_(None),
                c.expires_at > now,
            )
            .values(digest=new, last_used_at=now)
        )
        return done.rowcount == 1

    def find_spent(self, digest: bytes) -> UsedRefreshToken | None:
        """Return the family that this refresh token was once part of, or None."""
        row = self._connection.execute(_SPENT, {"digest": digest}).first()
        return None if row is None else _used_grant(row)

    def find(self, grant_id: TokenId) -> UsedRefreshToken | None:
        """Return the family of that ID, or None."""
        row = self._connection.execute(_GRANT, {"grant_id": grant_id}).first()
        return None if row is None else _used_grant(row)


_USED_GRANT = select(
    api_tokens.c.id, api_tokens.c.user_id, api_tokens.c.revoked_at, users.c.username, user_role, user_kind
).join(users, users.c.id == api_tokens.c.user_id)

_GRANT = _USED_GRANT.where(api_tokens.c.id == bindparam("grant_id"))

_SPENT = _USED_GRANT.join(spent_refresh_tokens, spent_refresh_tokens.c.grant_id == api_tokens.c.id).where(
    spent_refresh_tokens.c.digest == bindparam("digest")
)


def _used_grant(row: Row[*tuple[Any, ...]]) -> UsedRefreshToken:
    return UsedRefreshToken(TokenId(row.id), _user(row), row.revoked_at is not None)


def _user(row: Row[*tuple[Any, ...]]) -> User:
    return user_of(row.user_id, row.username, row.role, row.user_kind)


def purge_requests(*, before: datetime) -> RowChange:
    """Return the change that deletes requests made before a time; their events stay."""
    return RowChange(_PURGE, {"before": before})


def add_used_refresh_token(digest: bytes, family_id: TokenId, *, at: datetime) -> RowChange:
    """Return the change that keeps the digest of a rotated refresh token, so that its reuse is detected."""
    return RowChange(_ADD_SPENT, {"digest": digest, "grant_id": family_id, "spent_at": at})


def row_of(request: AuthorizationRequest) -> Mapping[str, object]:
    """Return the columns of a request."""
    parameters = request.parameters
    loopback = parameters.destination if isinstance(parameters.destination, Loopback) else None
    return {
        "id": request.id,
        "client_id": parameters.client_id,
        "challenge": parameters.challenge,
        "state": parameters.state,
        "redirect_port": loopback.port if loopback else None,
        "redirect_path": loopback.path if loopback else None,
        # Replicas of the release before this one read only the flag.
        "wants_admin": parameters.wants_admin,
        "scopes": format_scopes(parameters.scopes),
        "tenant": parameters.tenant,
        "device": parameters.device,
        "version": parameters.version,
        "address": parameters.address,
        "max_age": None if parameters.max_age is None else parameters.max_age // _SECOND,
        "match_code": request.match_code,
        "created_at": request.created_at,
        "expires_at": request.expires_at,
    }


def _request(row: Row[*tuple[Any, ...]]) -> AuthorizationRequest:
    loopback = None if row.redirect_port is None else Loopback(row.redirect_port, row.redirect_path)
    return AuthorizationRequest(
        id=RequestId(row.id),
        parameters=AuthorizationParameters(
            client_id=row.client_id,
            challenge=row.challenge,
            state=row.state,
            destination=loopback or ManualRedirect(),
            scopes=stored_scopes(row.scopes, allows_admin=row.wants_admin),
            tenant=row.tenant,
            device=row.device,
            version=row.version,
            address=row.address,
            max_age=None if row.max_age is None else row.max_age * _SECOND,
        ),
        match_code=row.match_code,
        created_at=row.created_at,
        expires_at=row.expires_at,
        shown_at=row.shown_at,
        shown_to=row.shown_to,
        decided_at=row.decided_at,
        code_expires_at=row.code_expires_at,
        user_id=row.user_id,
        authenticated_at=row.authenticated_at,
        redeemed_at=row.redeemed_at,
        grant_id=row.grant_id,
    )
