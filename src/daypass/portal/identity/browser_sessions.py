"""Browser sessions: sign-in, reauthentication and sign-out, all of them audited."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from daypass.common.usernames import canonical_username
from daypass.portal.audit.event import Actor, Event, Outcome, Scalar
from daypass.portal.audit.units_of_work import UnitsOfWork
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    PortalError,
    RateLimited,
    SignInAgain,
    SignInFailed,
    StorageUnavailable,
    TooManyAttempts,
    Unauthenticated,
)
from daypass.portal.identity.authentication import token_use_change
from daypass.portal.identity.model import UNKNOWN_USER, ApiToken, TokenId, TokenKind, User
from daypass.portal.identity.passwords import hash_queue_slot, verify_password
from daypass.portal.identity.rate_limit import limits
from daypass.portal.identity.rate_limit.actions import require_rate
from daypass.portal.identity.rate_limit.store import (
    DeviceStore,
    add_device,
    delete_device,
    delete_expired_counters,
    refund,
)
from daypass.portal.identity.store.tokens import (
    TokenStore,
    add_token,
    delete_ended_tokens,
    move_children,
    revoke_session,
    revoke_token,
)
from daypass.portal.identity.store.users import SignInRecord, UserStore, update_last_sign_in
from daypass.portal.identity.tokens import digest, mint, mint_device, recognise
from daypass.portal.secret import Secret
from daypass.portal.settings.registry import TOKEN_SESSION_DURATION
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import RowChange

IDLE_TIMEOUT = timedelta(minutes=60)
"""The idle timeout of a browser session."""

DEVICE_LIFETIME = timedelta(days=90)

RETENTION = timedelta(days=90)
"""The retention of ended tokens, during which their bearer gets “has ended” and not “unknown”."""

_FAILED = "Incorrect username or password."
_ENDED = "Your sign-in has ended. Sign in again."


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
    units: UnitsOfWork
    clock: Clock

    def sign_in(
        self,
        username: str,
        password: Secret,
        *,
        address: str,
        device: str | None,
        request_id: str,
        replaces: str | None = None,
    ) -> SignedIn:
        """Start a new session and revoke the one whose cookie it *replaces*; a session ID is never reused.

        Raises `SignInFailed`, `TooManyAttempts` and, if the password is right, `RateLimited`. An unknown user
        and a wrong password take the same time.
        """
        name = canonical_username(username)
        login, known_device = self._find_user(name, device)
        attempt_limits = (
            [limits.network(address), limits.account(name)]
            if known_device is None
            else [limits.device(known_device)]
        )
        with hash_queue_slot():
            self._consume_attempt("sign_in", login, attempt_limits, address, request_id)
            login = self._verify("sign_in", login, password, address, request_id)
        self._require_rate("sign_in", login.user, attempt_limits, request_id)
        session = self._new_session(login.user, address)
        writes = [*self._changes(session, known_device), *_refunds(attempt_limits)]
        if replaces is not None:
            writes.append(revoke_session(digest(replaces), at=session.token.created_at))
        detail: Mapping[str, Scalar] = {
            "token_id": session.token.id,
            "address": address,
            "known_browser": known_device is not None,
        }
        actor = login.user.as_actor(request_id)
        event = Event(action="sign_in", actor=actor, outcome=Outcome.DONE, detail=detail)
        self.units.commit(event, *writes, precondition=_unchanged(login))
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

    def confirm(
        self,
        token: ApiToken,
        user: User,
        password: Secret,
        *,
        address: str,
        request_id: str,
        device: str | None = None,
    ) -> SignedIn:
        """Reauthenticate: replace the session by a fresh one under a new ID, and move its tokens to that."""
        login, known_device = self._find_user(user.username, device)
        attempt_limits = [limits.confirmation(user.id)]
        with hash_queue_slot():
            self._consume_attempt("sign_in.confirm", login, attempt_limits, address, request_id)
            login = self._verify("sign_in.confirm", login, password, address, request_id)
        self._require_rate("sign_in.confirm", login.user, attempt_limits, request_id)
        session = self._new_session(login.user, address)
        now = session.token.created_at
        writes = [
            *self._changes(session, known_device),
            *_refunds(attempt_limits),
            move_children(token.id, session.token.id),
            revoke_token(token.id, owner=user.id, at=now),
        ]
        detail = {"token_id": session.token.id, "address": address}
        actor = user.as_actor(request_id)
        event = Event(action="sign_in.confirm", actor=actor, outcome=Outcome.DONE, detail=detail)
        self.units.commit(event, *writes, precondition=_unchanged(login, token))
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
        self.units.commit(event, revoke_token(token.id, owner=user.id, at=self.clock()))

    def _find_user(self, name: str, device: str | None) -> tuple[SignInRecord | None, bytes | None]:
        """Return the user of that name, and the digest of *device* if it is one of their known browsers."""
        if not is_storable(name):
            return None, None
        with self.database.reading() as connection:
            login = UserStore(connection).find_login(name)
            if login is None or device is None:
                return login, None
            known = digest(device)
            is_known = DeviceStore(connection).is_known(known, login.user.id, self.clock())
        return login, known if is_known else None

    def _consume_attempt(
        self,
        action: str,
        login: SignInRecord | None,
        attempt_limits: Sequence[limits.RateLimit],
        address: str,
        request_id: str,
    ) -> None:
        exhausted = limits.consume(self.database, attempt_limits, self.clock())
        if exhausted is None:
            return
        if exhausted.is_first_refusal:
            detail = {"address": address, "budget": exhausted.limit.name}
            self.units.commit(_refused(action, login, Outcome.DENIED, detail, request_id))
        raise TooManyAttempts("There were too many wrong passwords. Wait 15 minutes, then try again.")

    def _verify(
        self, action: str, login: SignInRecord | None, password: Secret, address: str, request_id: str
    ) -> SignInRecord:
        is_right = verify_password(None if login is None else login.password_hash, password)
        if login is None or login.is_disabled or not is_right:
            self.units.commit(_refused(action, login, Outcome.FAILED, {"address": address}, request_id))
            raise SignInFailed(_FAILED)
        return login

    def _require_rate(
        self, action: str, user: User, attempt_limits: Sequence[limits.RateLimit], request_id: str
    ) -> None:
        try:
            require_rate(self.database, self.units, self.clock(), action, user, request_id)
        except RateLimited:
            self.units.write(*_refunds(attempt_limits))
            raise

    def _new_session(self, user: User, address: str) -> SignedIn:
        now = self.clock()
        with self.database.reading() as connection:
            length = SettingStore(connection).read(None).get(TOKEN_SESSION_DURATION)
        ends_at = now + length
        token = ApiToken(
            id=TokenId(uuid4().hex),
            kind=TokenKind.BROWSER,
            name="Browser",
            user_id=user.id,
            created_at=now,
            expires_at=ends_at,
            grant_ends_at=ends_at,
            address=address[:64],
        )
        return SignedIn(mint(TokenKind.BROWSER), mint_device(), token, user)

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


def _unchanged(
    login: SignInRecord, token: ApiToken | None = None
) -> Callable[[Connection], PortalError | None]:
    """Return a check that the user was not changed or signed out while the password was hashed."""

    def check(connection: Connection) -> PortalError | None:
        if UserStore(connection).lock_login(login.user.username) != login:
            return SignInFailed(_FAILED)
        if token is not None and TokenStore(connection).is_ended(token.id):
            return SignInAgain(_ENDED)
        return None

    return check


def _refunds(attempt_limits: Sequence[limits.RateLimit]) -> Sequence[RowChange]:
    # A correct password does not count against the limit, so its attempt is refunded.
    return [refund(limit.subject) for limit in attempt_limits]


def _refused(
    action: str,
    login: SignInRecord | None,
    outcome: Outcome,
    detail: Mapping[str, Scalar],
    request_id: str,
) -> Event:
    # The user is not known, and the typed username may be a password in the wrong field.
    subject = "" if login is None else login.user.username
    actor = Actor(None, UNKNOWN_USER, request_id)
    return Event(action=action, actor=actor, outcome=outcome, subject=subject, detail=detail)
