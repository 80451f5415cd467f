"""Authorization requests: pushed by an application, shown to a user, approved or denied."""

import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.errors import AccessDenied, ConsentTooFast, PortalError, RequestExpired
from daypass.portal.identity.model import ApiToken, User
from daypass.portal.identity.oauth.model import (
    CODE_LIFE,
    MIN_VIEW_TIME,
    REQUEST_LIFE,
    AuthorizationCodeGrant,
    AuthorizationParameters,
    AuthorizationRequest,
    RequestId,
)
from daypass.portal.identity.oauth.sealing import Sealing
from daypass.portal.identity.oauth.store import RequestStore, purge_requests
from daypass.portal.identity.rate_limit.actions import require_rate
from daypass.portal.identity.reauthentication import (
    authenticated_at,
    require_authentication_within,
    require_recent_authentication,
)
from daypass.portal.identity.store.tokens import TokenStore
from daypass.portal.identity.store.users import UserStore
from daypass.portal.identity.tokens import digest, mint_code
from daypass.portal.storage.engine import Connection, Database

# Long after the code has expired, so that a replayed code still revokes its tokens.
_RETENTION = timedelta(days=1)
# The ID of an opened request. A sealed reference is longer, and has other letters.
_ROW = re.compile("[0-9a-f]{32}")
# Consonants only, so that no code is a word (RFC 8628, section 6.1).
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

_EXPIRED = "This request was already answered, or has expired. Run the command again."


@dataclass(frozen=True, slots=True)
class AuthorizationRequests:
    """The service for authorization requests and the users' consent."""

    database: Database
    committer: Committer
    clock: Clock
    sealing: Sealing

    def push(self, parameters: AuthorizationParameters) -> AuthorizationRequest:
        """Validate and seal a request (RFC 9126); nothing is stored until a user opens it.

        The ID of the result is the sealed reference; an opened request has another ID.
        """
        parameters.check()
        now, match_code = self.clock(), _match_code()
        sealed = self.sealing.seal(parameters, match_code, now)
        return AuthorizationRequest(sealed, parameters, match_code, now, now + REQUEST_LIFE)

    def show(self, reference: RequestId, session: ApiToken, user: User, by: str = "") -> AuthorizationRequest:
        """Return a request and record that *session* sees it; raises `RequestExpired` and `RateLimited`.

        *reference* is a pushed reference or the ID of an opened request; *by* is the ID of the HTTP request.
        """
        now = self.clock()
        request = self._open(self._resolve(reference, user, now, by), now)
        with self.database.writing() as connection:
            RequestStore(connection).note_shown(request.id, session.id, now)
        return replace(request, shown_at=now, shown_to=session.id)

    def _resolve(self, reference: RequestId, user: User, now: datetime, by: str) -> RequestId:
        """Return the request's ID; store and audit the request when it is opened for the first time."""
        if _ROW.fullmatch(reference):
            return reference
        pushed = self.sealing.unseal(reference)
        if pushed is None or pushed.expires_at <= now:
            raise RequestExpired(_EXPIRED)
        with self.database.reading() as connection:
            # Reloading the page opens nothing, so it does not count for the limit.
            if RequestStore(connection).find(pushed.id) is not None:
                return pushed.id
        # An opened request is approved once and redeemed once, so this limits those events too.
        require_rate(self.database, self.committer, now, "oauth.request", user, by)
        event = _event("oauth.request", pushed, user, by, Outcome.DONE)

        def add(connection: Connection) -> None:
            RequestStore(connection).add(pushed)

        self.committer.commit(event, purge_requests(before=now - _RETENTION), precondition=add)
        return pushed.id

    def check_user(self, request: AuthorizationRequest, session: ApiToken, user: User) -> None:
        """Return if *user* may approve the request now; raises `AccessDenied`, `ReauthenticationRequired`."""
        max_age = request.parameters.max_age
        if max_age is not None:
            # Half of it, so that the tokens satisfy the demand for a while, and not for the next call only.
            require_authentication_within(session, max_age / 2, self.clock())
        if not request.parameters.wants_admin:
            return
        if not user.is_administrator:
            raise AccessDenied(
                "Admin access needs the Administrator role, which you do not have. Cancel this request."
            )
        require_recent_authentication(session, self.clock())

    def approve(
        self, request_id: RequestId, session: ApiToken, user: User, by: str
    ) -> AuthorizationCodeGrant:
        """Return the authorization code, after the audit event is committed; *by* is the HTTP request's ID.

        Raises `RequestExpired`, `ConsentTooFast`, and the errors of `check_user`.
        """
        now = self.clock()
        request = self._open(request_id, now)
        self.check_user(request, session, user)
        if request.shown_to != session.id or request.shown_at is None:
            raise ConsentTooFast("Open the request and read it, then answer.")
        if now - request.shown_at < MIN_VIEW_TIME:
            raise ConsentTooFast("The answer came too fast. Read the request, then answer.")
        code = mint_code()
        # Only the digest is stored: a copy of the database contains no usable code.
        code_row = (digest(code.reveal()), now + CODE_LIFE, user.id)

        def decide(connection: Connection) -> PortalError | None:
            is_signed_out = TokenStore(connection).is_ended(session.id)
            # A user who was disabled, demoted or signed out in the meantime cannot approve.
            if is_signed_out or UserStore(connection).find(user.username) != user:
                return AccessDenied("Your sign-in was ended or changed a moment ago. Sign in again.")
            decided = RequestStore(connection).decide(
                request, session.id, now, code_row, authenticated_at(session)
            )
            return None if decided else RequestExpired(_EXPIRED)

        self.committer.commit(_event("oauth.approve", request, user, by, Outcome.DONE), precondition=decide)
        return AuthorizationCodeGrant(request, code)

    def deny(self, request_id: RequestId, session: ApiToken, user: User, by: str) -> AuthorizationRequest:
        """Deny a request, without a minimum viewing time."""
        now = self.clock()
        request = self._open(request_id, now)

        def decide(connection: Connection) -> PortalError | None:
            decided = RequestStore(connection).decide(request, session.id, now, None)
            return None if decided else RequestExpired(_EXPIRED)

        self.committer.commit(_event("oauth.deny", request, user, by, Outcome.DENIED), precondition=decide)
        return request

    def _open(self, request_id: RequestId, now: datetime) -> AuthorizationRequest:
        with self.database.reading() as connection:
            request = RequestStore(connection).find(request_id)
        if request is None or request.decided_at is not None or request.expires_at <= now:
            raise RequestExpired(_EXPIRED)
        return request


def _match_code() -> str:
    """Return a short code that the user compares on two screens; it gives no access."""
    letters = [secrets.choice(_LETTERS) for _ in range(8)]
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def _detail(request: AuthorizationRequest) -> dict[str, Scalar]:
    parameters = request.parameters
    return {
        "oauth_request_id": request.id,
        "client_id": parameters.client_id,
        "device": parameters.device,
        "address": parameters.address,
        "admin": parameters.wants_admin,
    }


def _event(action: str, request: AuthorizationRequest, user: User, by: str, outcome: Outcome) -> Event:
    return Event(
        action=action,
        actor=user.as_actor(by),
        outcome=outcome,
        subject=request.parameters.device,
        detail=_detail(request),
    )
