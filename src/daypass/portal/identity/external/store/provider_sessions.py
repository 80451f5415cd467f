"""Queries for the sessions at identity providers that browser sessions began with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, tuple_, update

from daypass.portal.identity.external.model import ProviderSession
from daypass.portal.identity.model import TokenId, TokenKind, UserId
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.storage.schema.sign_in import provider_sessions
from daypass.portal.storage.unit_of_work import RowChange

_c = provider_sessions.c

_ADD = insert(provider_sessions)
_MOVE = (
    update(provider_sessions)
    .where(_c.token_id == bindparam("old_token"))
    .values(token_id=bindparam("new_token"))
)
_REVOKE_OF_IDENTITY = (
    update(api_tokens)
    .where(
        api_tokens.c.id.in_(
            select(_c.token_id).where(
                _c.provider == bindparam("of_provider"),
                _c.issuer == bindparam("of_issuer"),
                _c.subject == bindparam("of_subject"),
            )
        ),
        api_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("ended_at"))
)


class ProviderSessionStore:
    """Queries for the sessions at identity providers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, token_id: TokenId) -> ProviderSession | None:
        """Return the session at the provider that a browser session began with, or None."""
        query = select(_c.issuer, _c.subject, _c.sid, _c.id_token).where(_c.token_id == token_id)
        row = self._connection.execute(query).first()
        return None if row is None else ProviderSession(row.issuer, row.subject, row.sid, row.id_token)

    def list_of_others(
        self, issuers: Mapping[str, str], now: datetime, number: int
    ) -> Sequence["ForeignSession"]:
        """Return up to *number* valid sessions that began at another provider or issuer than these.

        *issuers* has the issuer of each provider.
        """
        t, known = api_tokens.c, tuple_(_c.provider, _c.issuer).in_(list(issuers.items()))
        rows = self._connection.execute(
            select(t.id, t.user_id, users.c.username, t.provider)
            .join(users, users.c.id == t.user_id)
            .where(
                t.kind == TokenKind.BROWSER.value,
                t.provider.is_not(None),
                t.revoked_at.is_(None),
                t.expires_at > now,
                # Without a row nothing says that the session's provider is configured, so the session ends as
                # well.
                ~select(_c.token_id).where(_c.token_id == t.id, known).exists(),
            )
            .order_by(t.id)
            .limit(number)
        )
        return [
            ForeignSession(TokenId(row.id), UserId(row.user_id), row.username, row.provider) for row in rows
        ]


@dataclass(frozen=True, slots=True)
class ForeignSession:
    """A browser session that began at a provider."""

    token_id: TokenId
    user_id: UserId
    username: str
    provider: str


def add_provider_session(token_id: TokenId, provider: str, session: ProviderSession) -> RowChange:
    """Return the change that keeps which session at *provider* a browser session began with."""
    row = {
        "token_id": token_id,
        "provider": provider,
        "issuer": session.issuer,
        "subject": session.subject,
        "sid": session.sid,
        "id_token": session.id_token,
    }
    return RowChange(_ADD, row)


def move_provider_session(old_token: TokenId, new_token: TokenId) -> RowChange:
    """Return the change that moves a session at a provider from one browser session to its successor."""
    return RowChange(_MOVE, {"old_token": old_token, "new_token": new_token})


def revoke_sessions_of(provider: str, issuer: str, subject: str, *, at: datetime) -> RowChange:
    """Return the change that revokes the browser sessions that began with an account, and their tokens."""
    row = {"of_provider": provider, "of_issuer": issuer, "of_subject": subject, "ended_at": at}
    return RowChange(_REVOKE_OF_IDENTITY, row)
