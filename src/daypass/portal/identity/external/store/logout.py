"""Queries for the end of sessions by their identity provider, and the changes of their rows."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from daypass.portal.identity.external.store.identities import ExternalIdentityStore
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.store.users import SignInRecord, UserStore
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.storage.schema.sign_in import external_identities, provider_sessions
from daypass.portal.storage.unit_of_work import RowChange

_s, _i = provider_sessions.c, external_identities.c

_REVOKE_SESSION = (
    update(api_tokens)
    .where(
        api_tokens.c.id.in_(
            select(_s.token_id).where(
                _s.provider == bindparam("of_provider"),
                _s.issuer == bindparam("of_issuer"),
                _s.sid == bindparam("of_sid"),
            )
        ),
        api_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("ended_at"))
)

_REVOKE_SIGN_INS = (
    update(api_tokens)
    .where(
        # All sign-ins of the user: those of command lines do not record at which provider the user consented.
        api_tokens.c.user_id.in_(
            select(_i.user_id).where(
                _i.provider == bindparam("of_provider"),
                _i.issuer == bindparam("of_issuer"),
                _i.subject == bindparam("of_subject"),
            )
        ),
        # Permanent tokens do not come from a sign-in.
        api_tokens.c.kind != TokenKind.PERMANENT.value,
        api_tokens.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("ended_at"))
)


class ProviderLogoutStore:
    """Queries for the users whose sessions end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_user(
        self, provider: str, issuer: str, *, sid: str | None, subject: str | None
    ) -> SignInRecord | None:
        """Return the user of the session *sid* or, without one, of the account *subject*; None if unknown."""
        if sid is None:
            return ExternalIdentityStore(self._connection).find_owner(provider, issuer, subject or "")
        username = self._connection.scalar(
            select(users.c.username)
            .join(api_tokens, api_tokens.c.user_id == users.c.id)
            .join(provider_sessions, _s.token_id == api_tokens.c.id)
            .where(_s.provider == provider, _s.issuer == issuer, _s.sid == sid)
            .limit(1)
        )
        return None if username is None else UserStore(self._connection).find_login(username)


def revoke_provider_session(provider: str, issuer: str, sid: str, *, at: datetime) -> RowChange:
    """Return the change that revokes the browser sessions of a session at a provider, and their tokens."""
    row = {"of_provider": provider, "of_issuer": issuer, "of_sid": sid, "ended_at": at}
    return RowChange(_REVOKE_SESSION, row)


def revoke_sign_ins_of(provider: str, issuer: str, subject: str, *, at: datetime) -> RowChange:
    """Return the change that revokes all sign-ins of an account's user, also those of command lines."""
    row = {"of_provider": provider, "of_issuer": issuer, "of_subject": subject, "ended_at": at}
    return RowChange(_REVOKE_SIGN_INS, row)
