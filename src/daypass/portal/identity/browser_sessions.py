"""Browser sessions of users whose identity a provider has proved; every start and end is audited."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    PortalError,
    RateLimited,
    SignInAgain,
    SignInFailed,
    StorageUnavailable,
    Unauthenticated,
)
from daypass.portal.identity.authentication import token_use_change
from daypass.portal.identity.external.logout import is_ended_at_provider
from daypass.portal.identity.external.model import ProviderSession
from daypass.portal.identity.external.store.provider_sessions import (
    ProviderSessionStore,
    add_provider_session,
    move_provider_session,
)
from daypass.portal.identity.model import ApiToken, TokenId, TokenKind, User, UserKind
from daypass.portal.identity.providers.base import LOCAL_PASSWORD, ProvenIdentity, SignInContext
from daypass.portal.identity.providers.registry import provider_name
from daypass.portal.identity.rate_limit.actions import require_rate
from daypass.portal.identity.rate_limit.store import (
    DeviceStore,
    add_device,
    delete_device,
    delete_expired_counters,
)
from daypass.portal.identity.reauthentication import is_recent
from daypass.portal.identity.store.tokens import (
    TokenStore,
    add_token,
    delete_ended_tokens,
    move_children,
    revoke_session,
    revoke_token,
)
from daypass.portal.identity.store.users import UserStore, update_last_sign_in
from daypass.portal.identity.tokens import digest, mint, mint_device, recognise
from daypass.portal.secret import Secret
from daypass.portal.settings.registry import TOKEN_SESSION_DURATION
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork

IDLE_TIMEOUT = timedelta(minutes=60)
"""The idle timeout of a browser session."""

DEVICE_LIFETIME = timedelta(days=90)

RETENTION = timedelta(days=90)
"""The retention of ended tokens, during which their bearer gets “has ended” and not “unknown”."""

_FAILED = "Incorrect username or password."
_CHANGED = "Your account was changed while you signed in. Sign in again."
_ENDED = "Your sign-in has ended. Sign in again."
_ENDED_AT_PROVIDER = "Your session has ended at your identity provider. Sign in again."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new browser session and its two cookies: the session's and the known browser's."""

    cookie: Secret
    device: Secret
    token: ApiToken
    user: User


@dataclass(frozen=True, slots=True)
class BrowserSessions:
    """The service for browser sessions: tokens of the kind `BROWSER` whose secret is a cookie."""

    database: Database
    committer: Committer
    clock: Clock

    def start(
        self, proven: ProvenIdentity, context: SignInContext, *, replaces: str | None = None
    ) -> SignedIn:
        """Start a session of a proven identity, and revoke the one whose cookie it *replaces*.

        A session ID is never reused. Raises `RateLimited`, and `SignInFailed` for a user who may not sign in
        or was changed since the proof.
        """
        self._check_permitted("sign_in", proven, context)
        session, known_device = self._new_session(proven, context)
        writes = [
            *self._changes(session, known_device),
            *proven.refunds,
            *proven.effects.changes,
            *_provider_session(session, proven),
        ]
        if replaces is not None:
            writes.append(revoke_session(digest(replaces), at=session.token.created_at))
        detail: Mapping[str, Scalar] = {
            "token_id": session.token.id,
            "address": context.address,
            "known_browser": known_device is not None,
            **_proof_detail(proven),
        }
        actor = proven.record.user.as_actor(context.request_id)
        event = Event(action="sign_in", actor=actor, outcome=Outcome.DONE, detail=detail)
        events = [event, *proven.effects.records]
        self.committer.commit_unit(UnitOfWork(writes, events, _unchanged(proven)))
        return session

    def find(self, cookie: str) -> tuple[ApiToken, User]:
        """Return the session of a cookie and its user; raises `Unauthenticated` or `SignInAgain`."""
        if recognise(cookie) is not TokenKind.BROWSER:
            raise Unauthenticated("You are not signed in.")
        with self.database.reading() as connection:
            bearer = TokenStore(connection).find_bearer(digest(cookie))
        if bearer is None or bearer.token.kind is not TokenKind.BROWSER:
            raise Unauthenticated("You are not signed in.")
        token, now = bearer.token, self.clock()
        is_idle = (token.last_used_at or token.created_at) + IDLE_TIMEOUT <= now
        if bearer.is_revoked or bearer.is_disabled or is_idle or token.expires_at <= now:
            raise SignInAgain(_ENDED)
        # A page does not need this write; without it the idle timeout comes sooner, never later.
        with suppress(StorageUnavailable):
            self._update_last_use(token, now)
        return token, bearer.user

    def reauthenticate(self, token: ApiToken, proven: ProvenIdentity, context: SignInContext) -> SignedIn:
        """Replace the session *token* by a fresh one under a new ID, and move its tokens to that.

        Raises the same as `start`; `SignInFailed` also if the proof is of another user, by another provider
        or older than this request needs, and `SignInAgain` if the session has ended.
        """
        self._check_permitted("sign_in.confirm", proven, context)
        self._check_same_user(token, proven, context)
        session, known_device = self._new_session(proven, context)
        user, now = proven.record.user, session.token.created_at
        writes = [
            *self._changes(session, known_device),
            *proven.refunds,
            *proven.effects.changes,
            # A passkey proves no session at the provider. The one of the old session goes on, and a logout
            # there must find the new session.
            *(_provider_session(session, proven) or [move_provider_session(token.id, session.token.id)]),
            # Before the revocation, with which the children of the old session end.
            move_children(token.id, session.token.id),
            revoke_token(token.id, owner=user.id, at=now),
        ]
        detail = {"token_id": session.token.id, "address": context.address, **_proof_detail(proven)}
        actor = user.as_actor(context.request_id)
        event = Event(action="sign_in.confirm", actor=actor, outcome=Outcome.DONE, detail=detail)
        events = [event, *proven.effects.records]
        self.committer.commit_unit(UnitOfWork(writes, events, _unchanged(proven, token)))
        return session

    def sign_out(self, token: ApiToken, user: User, request_id: str) -> None:
        """Revoke a session and its child tokens, on all replicas from the next request on."""
        event = Event(
            action="sign_out",
            actor=user.as_actor(request_id),
            outcome=Outcome.DONE,
            subject=user.username,
            detail={"token_id": token.id},
        )
        self.committer.commit(event, revoke_token(token.id, owner=user.id, at=self.clock()))

    def _check_permitted(self, action: str, proven: ProvenIdentity, context: SignInContext) -> None:
        """Return if the user may sign in now, whatever the provider proved; record and raise a refusal."""
        user = proven.record.user
        try:
            require_rate(self.database, self.committer, self.clock(), action, user, context.request_id)
        except RateLimited:
            self.committer.commit_without_event(*proven.refunds)
            raise
        if proven.record.is_disabled or user.kind is not UserKind.PERSON:
            raise self._refusal(action, proven, context, "This account cannot sign in. Ask an Administrator.")

        ends_at = None if proven.session is None else proven.session.ends_at
        if ends_at is not None and ends_at <= self.clock():
            raise self._refusal(action, proven, context, _ENDED_AT_PROVIDER)

    def _check_same_user(self, token: ApiToken, proven: ProvenIdentity, context: SignInContext) -> None:
        if (proven.record.user.id, proven.provider) != (token.user_id, provider_name(token)):
            reason = "This is not the account that is signed in here. Confirm with the same account."
            raise self._refusal("sign_in.confirm", proven, context, reason)
        if proven.session is not None and not self._is_same_account(token, proven.session):
            # A user can have several accounts at one provider, and another person may have one of them.
            reason = "This is not the account with which you signed in. Confirm with the same account."
            raise self._refusal("sign_in.confirm", proven, context, reason)
        # The browser can drop the demand to authenticate again from the provider's address (OpenID Connect
        # Core, 3.1.2.1: max_age). Only the time in the answer proves that the provider did ask.
        if not is_recent(proven.authenticated_at, self.clock()):
            reason = "Your identity provider did not ask you to authenticate again. Ask an Administrator."
            raise self._refusal("sign_in.confirm", proven, context, reason)

    def _is_same_account(self, token: ApiToken, answered: ProviderSession) -> bool:
        with self.database.reading() as connection:
            began = ProviderSessionStore(connection).find(token.id)
        return began is not None and (began.issuer, began.subject) == (answered.issuer, answered.subject)

    def _refusal(
        self, action: str, proven: ProvenIdentity, context: SignInContext, reason: str
    ) -> SignInFailed:
        """Record that a proven identity gets no session, give its attempt back, and return the error."""
        event = Event(
            action=action,
            actor=proven.record.user.as_actor(context.request_id),
            outcome=Outcome.DENIED,
            detail={"address": context.address, **_proof_detail(proven)},
        )
        self.committer.commit(event, *proven.refunds)
        return SignInFailed(reason)

    def _new_session(self, proven: ProvenIdentity, context: SignInContext) -> tuple[SignedIn, bytes | None]:
        """Return a new session, and the digest of the device cookie if the browser is known."""
        user, now = proven.record.user, self.clock()
        known_device = None if context.device_cookie is None else digest(context.device_cookie)
        with self.database.reading() as connection:
            length = SettingStore(connection).read(None).get(TOKEN_SESSION_DURATION)
            if known_device and not DeviceStore(connection).is_known(known_device, user.id, now):
                known_device = None
        limits = (proven.ends_at, None if proven.session is None else proven.session.ends_at)
        ends_at = min([now + length, *(limit for limit in limits if limit is not None)])
        token = ApiToken(
            id=TokenId(uuid4().hex),
            kind=TokenKind.BROWSER,
            name=context.device or "Browser",
            user_id=user.id,
            created_at=now,
            expires_at=ends_at,
            grant_ends_at=ends_at,
            address=context.address[:64],
            provider=None if proven.provider == LOCAL_PASSWORD else proven.provider,
            # A provider whose clock is ahead must not make the sign-in count as recent for longer.
            authenticated_at=min(proven.authenticated_at, now),
            authentication_methods=proven.method[:64],
        )
        return SignedIn(mint(TokenKind.BROWSER), mint_device(), token, user), known_device

    def _changes(self, session: SignedIn, known_device: bytes | None) -> Sequence[RowChange]:
        user, now = session.user, session.token.created_at
        return (
            add_token(session.token, digest(session.cookie.reveal())),
            update_last_sign_in(user.id, at=now),
            add_device(digest(session.device.reveal()), user.id, expires_at=now + DEVICE_LIFETIME),
            delete_device(known_device, owner=user.id, now=now),
            delete_expired_counters(now),
            delete_ended_tokens(before=now - RETENTION),
        )

    def _update_last_use(self, token: ApiToken, now: datetime) -> None:
        for write in token_use_change(token, now):
            with self.database.writing() as connection:
                write.apply(connection)


def _provider_session(session: SignedIn, proven: ProvenIdentity) -> Sequence[RowChange]:
    if proven.session is None:
        return []
    return [add_provider_session(session.token.id, proven.provider, proven.session)]


def _unchanged(
    proven: ProvenIdentity, token: ApiToken | None = None
) -> Callable[[Connection], PortalError | None]:
    """Return a check that the user was not changed or signed out since the identity was proved."""

    def check(connection: Connection) -> PortalError | None:
        if UserStore(connection).lock_login(proven.record.user.username) != proven.record:
            return SignInFailed(_FAILED if proven.provider == LOCAL_PASSWORD else _CHANGED)
        if token is not None and TokenStore(connection).is_ended(token.id):
            return SignInAgain(_ENDED)
        if proven.session is not None and is_ended_at_provider(connection, proven.provider, proven.session):
            return SignInFailed(_ENDED_AT_PROVIDER)
        also = proven.effects.precondition
        return None if also is None else also(connection)

    return check


def _proof_detail(proven: ProvenIdentity) -> Mapping[str, Scalar]:
    # The events of local passwords alone have had no such details since the first release.
    if (proven.provider, proven.method) == (LOCAL_PASSWORD, "pwd"):
        return {}
    return {"provider": proven.provider, "method": proven.method}
