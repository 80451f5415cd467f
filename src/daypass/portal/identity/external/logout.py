"""The end of sessions by their identity provider (OpenID Connect Back-Channel Logout)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import PORTAL, Actor, Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.errors import LogoutReplayed, PortalError
from daypass.portal.identity.external.model import ATTEMPT_LIFETIME, ProviderSession
from daypass.portal.identity.external.store.logout import (
    ProviderLogoutStore,
    revoke_provider_session,
    revoke_sign_ins_of,
)
from daypass.portal.identity.providers.oidc.model import LogoutToken
from daypass.portal.identity.store.used_tokens import (
    UsedTokenStore,
    delete_expired_used_tokens,
    key_of,
)
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork

_KEPT = timedelta(minutes=10)
"""The time for which the id of a logout token is kept at least; the token itself expires within it."""

_LOGOUT_KEPT = 2 * ATTEMPT_LIFETIME
"""The time for which a logout is kept, in which a sign-in that began before it could still finish."""


@dataclass(frozen=True, slots=True)
class ProviderLogout:
    """The service by which identity providers end sessions of the portal."""

    database: Database
    committer: Committer
    clock: Clock

    def end(
        self, provider: str, issuer: str, token: LogoutToken, *, address: str = "", request_id: str = ""
    ) -> None:
        """End what a verified logout token names; raises `LogoutReplayed` for one that counted before.

        A token with a session ends the browser sessions that began with it, and their tokens. One without
        ends every sign-in of the account's user. An unknown session or account is no error. When this
        returns, no request with what was ended is released any more, on any replica.
        """
        now = self.clock()
        with self.database.reading() as connection:
            record = ProviderLogoutStore(connection).find_user(
                provider, issuer, sid=token.sid, subject=token.subject
            )
        # The leeway for clocks accepts a token after its end, so its id is kept for longer than the token
        # lives.
        kept_until = max(token.expires_at, now) + _KEPT

        def count_once(connection: Connection) -> PortalError | None:
            # The insert is the lock: of two equal tokens that arrive at once, one is written.
            store = UsedTokenStore(connection)
            if not store.add(key_of("logout", issuer, token.jti), expires_at=kept_until):
                return LogoutReplayed("This logout token was accepted before.")
            store.keep_until(_key_of(provider, issuer, token), now + _LOGOUT_KEPT)
            return None

        detail: dict[str, Scalar] = {"provider": provider, "address": address}
        detail |= {"sid": token.sid} if token.sid is not None else {"external_subject": token.subject}
        event = Event(
            action="sign_out.provider",
            actor=Actor(PORTAL.id, PORTAL.name, request_id),
            outcome=Outcome.DONE,
            subject="" if record is None else record.user.username,
            detail=detail,
        )
        changes = [_revocation(provider, issuer, token, now), delete_expired_used_tokens(now)]
        # Exclusive: a release that has checked its token is written before, and a later one sees the end.
        self.committer.commit_unit(UnitOfWork(changes, [event], count_once, is_exclusive=True))


def is_ended_at_provider(connection: Connection, provider: str, session: ProviderSession) -> bool:
    """Return whether the provider ended a session, or all of its account, since the sign-in began.

    The time of the portal's own request decides, and none of the ID token: a provider may keep its session
    and log the user out of the portal alone, and its clock may differ.
    """
    keys = [_account_key(provider, session.issuer, session.subject)]
    if session.sid is not None:
        keys.append(_session_key(provider, session.issuer, session.sid))
    kept_until = UsedTokenStore(connection).last_expiry(keys)
    if kept_until is None:
        return False
    # The row has the time until which it is kept, so the time of the logout follows from it. A proof without
    # the time of its request is refused: it could be older than the logout.
    return session.requested_at is None or session.requested_at <= kept_until - _LOGOUT_KEPT


def _revocation(provider: str, issuer: str, token: LogoutToken, now: datetime) -> RowChange:
    if token.sid is not None:
        return revoke_provider_session(provider, issuer, token.sid, at=now)
    return revoke_sign_ins_of(provider, issuer, token.subject or "", at=now)


def _key_of(provider: str, issuer: str, token: LogoutToken) -> bytes:
    # Without `sid`, all sessions of the account end (OpenID Connect Back-Channel Logout, section 2.4).
    if token.sid is None:
        return _account_key(provider, issuer, token.subject or "")
    return _session_key(provider, issuer, token.sid)


def _account_key(provider: str, issuer: str, subject: str) -> bytes:
    return key_of("ended account", provider, issuer, subject)


def _session_key(provider: str, issuer: str, sid: str) -> bytes:
    return key_of("ended session", provider, issuer, sid)
