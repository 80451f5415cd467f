"""Token families: issue tokens for an authorization code, rotate them, detect reuse, revoke them."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import uuid4

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import OAuthRefused
from daypass.portal.identity.model import UNKNOWN_USER, ApiToken, TokenId, TokenKind, User
from daypass.portal.identity.oauth.model import (
    ACCESS_LIFE,
    GRANT_LIFE,
    AuthorizationRequest,
    Loopback,
    TokenGrant,
    challenge_of,
)
from daypass.portal.identity.oauth.store import (
    RequestStore,
    TokenFamilyStore,
    UsedRefreshToken,
    add_used_refresh_token,
)
from daypass.portal.identity.rate_limit.actions import require_rate
from daypass.portal.identity.store.tokens import Bearer, TokenStore, add_token, revoke_token
from daypass.portal.identity.store.users import UserStore
from daypass.portal.identity.tokens import digest, mint, recognise
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database

_NO_CODE = "This code is unknown or has expired. Sign in again."
_CODE_USED = "This code was used before. Its tokens were revoked, in case one was stolen. Sign in again."
_REUSED = "This refresh token was used before. Its sign-in was revoked, in case it was stolen. Sign in again."
_ENDED = "This sign-in has ended. Sign in again."


class InvalidGrant(OAuthRefused):
    """The error `invalid_grant` (RFC 6749, section 5.2): a code or token is unknown, used or expired."""

    def __init__(self, reason: str) -> None:
        super().__init__("invalid_grant", reason)


class _AlreadyRedeemed(InvalidGrant):
    """A concurrent redemption of the same code or token was first."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The parameters of a token request beside the code, and where it came from."""

    client_id: str
    verifier: Secret
    redirect_uri: str
    address: str
    request_id: str


@dataclass(frozen=True, slots=True)
class TokenFamilies:
    """The service for token families: the sign-ins of devices.

    A family is one refresh token, whose row stays and whose secret changes with each use, and the access
    tokens, which are its children. Revoking that row therefore revokes the whole family.
    """

    database: Database
    committer: Committer
    clock: Clock
    manual_redirect_uri: str
    """The URI of the portal's page that shows a code."""

    def redeem(self, code: Secret, by: TokenRequest) -> TokenGrant:
        """Return the tokens for a code, which is used up even if the request is wrong; raises `InvalidGrant`.

        A replayed code revokes the family that it created (RFC 6749, section 4.1.2).
        """
        now = self.clock()
        with self.database.reading() as connection:
            request = RequestStore(connection).find_by_code(digest(code.reveal()))
            user = UserStore(connection).find_by_id(request.user_id) if request and request.user_id else None
        # A used code does not count as expired, so that its replay is detected while its row is kept.
        if request is None or _is_code_expired(request, now):
            raise InvalidGrant(_NO_CODE)
        mismatch = self._mismatch(request, by) or ("" if user else _ENDED)
        granted = None if mismatch or user is None else _new_family(request, user, now)
        try:
            self._redeem_code(request, by, granted)
        except _AlreadyRedeemed as error:
            self._handle_replay(request, by)
            raise InvalidGrant(_CODE_USED) from error
        if granted is None:
            raise InvalidGrant(mismatch)
        return granted

    def refresh(self, refresh: Secret, address: str, request_id: str) -> TokenGrant:
        """Return new tokens for a refresh token and rotate it; a reused one revokes its family.

        Raises `InvalidGrant` and `RateLimited`.
        """
        now, old = self.clock(), digest(refresh.reveal())
        with self.database.reading() as connection:
            bearer = TokenStore(connection).find_bearer(old)
            # A spent secret is no longer in `api_tokens`, so the usual case needs one query.
            spent = None if bearer else TokenFamilyStore(connection).find_spent(old)
        if spent is not None:
            self._revoke_reused("oauth.reuse", spent, address, request_id)
            raise InvalidGrant(_REUSED)
        if bearer is None or bearer.token.kind is not TokenKind.REFRESH:
            raise InvalidGrant("This refresh token is unknown. Sign in again.")
        if bearer.is_revoked or bearer.is_disabled or bearer.token.expires_at <= now:
            raise InvalidGrant(_ENDED)
        grant, user = bearer.token, bearer.user
        # Checked before rotation, so that the refresh token still works once the limit allows it.
        require_rate(self.database, self.committer, now, "oauth.refresh", user, request_id)
        token = _access_token(grant, now, address)
        granted = TokenGrant(user, grant, token, mint(TokenKind.CLI), mint(TokenKind.REFRESH))
        event = _event("oauth.refresh", user, grant.id, grant.name, Outcome.DONE, address, request_id)
        writes = (
            add_token(token, digest(granted.access.reveal())),
            add_used_refresh_token(old, grant.id, at=now),
        )
        try:
            self.committer.commit(event, *writes, precondition=partial(_rotate, granted, old, now))
        except _AlreadyRedeemed as error:
            # Two requests used the same token at the same time: one of the two clients may have stolen it.
            self._revoke_family("oauth.reuse", grant.id, user, address, request_id)
            raise InvalidGrant(_REUSED) from error
        return granted

    def revoke(self, text: str, address: str, request_id: str) -> None:
        """Revoke the family of an access or refresh token; an unknown token is no error (RFC 7009)."""
        # Only tokens that this server issued through OAuth; the others are revoked on the pages and by the
        # API.
        if recognise(text) not in (TokenKind.REFRESH, TokenKind.CLI):
            return
        with self.database.reading() as connection:
            bearer: Bearer | None = TokenStore(connection).find_bearer(digest(text))
        if bearer is not None and not bearer.is_revoked:
            grant_id = bearer.token.parent_id or bearer.token.id
            self._revoke_family(
                "oauth.revoke", grant_id, bearer.user, address, request_id, outcome=Outcome.DONE
            )

    def _mismatch(self, request: AuthorizationRequest, by: TokenRequest) -> str:
        parameters = request.parameters
        destination = (
            parameters.destination.url
            if isinstance(parameters.destination, Loopback)
            else self.manual_redirect_uri
        )
        if by.client_id != parameters.client_id or by.redirect_uri != destination:
            return "client_id or redirect_uri does not match the request. Sign in again."
        # The challenge is no secret, so the comparison need not take constant time.
        if challenge_of(by.verifier.reveal()) != parameters.challenge:
            return "code_verifier does not match the request. Sign in again."
        return ""

    def _redeem_code(
        self, request: AuthorizationRequest, by: TokenRequest, granted: TokenGrant | None
    ) -> None:
        """Mark the code as used; without *granted* too, so that a wrong verifier allows no second attempt."""
        claim = partial(_claim, request, granted, self.clock())
        device, sent = request.parameters.device, (by.address, by.request_id)
        if granted is None:
            self.committer.commit(
                _event("oauth.redeem", None, "", device, Outcome.FAILED, *sent), precondition=claim
            )
            return
        event = _event("oauth.redeem", granted.user, granted.grant.id, device, Outcome.DONE, *sent)
        writes = (
            add_token(granted.grant, digest(granted.refresh.reveal())),
            add_token(granted.access_token, digest(granted.access.reveal())),
        )
        self.committer.commit(event, *writes, precondition=claim)

    def _handle_replay(self, request: AuthorizationRequest, by: TokenRequest) -> None:
        with self.database.reading() as connection:
            used = RequestStore(connection).find(request.id)
            grant = TokenFamilyStore(connection).find(used.grant_id) if used and used.grant_id else None
        if grant is not None:
            self._revoke_reused("oauth.replay", grant, by.address, by.request_id)

    def _revoke_reused(self, action: str, grant: UsedRefreshToken, address: str, request_id: str) -> None:
        """Revoke a family whose code or token was reused; later attempts are recorded at a limited rate."""
        if not grant.is_ended:
            self._revoke_family(action, grant.id, grant.owner, address, request_id)
            return
        name = grant.owner.username
        self.committer.commit_rate_limited(
            _event(action, grant.owner, grant.id, name, Outcome.DENIED, address, request_id)
        )

    def _revoke_family(
        self,
        action: str,
        grant_id: TokenId,
        owner: User,
        address: str,
        request_id: str,
        outcome: Outcome = Outcome.DENIED,
    ) -> None:
        """Revoke a family: its refresh token and the access tokens below it."""
        event = _event(action, owner, grant_id, owner.username, outcome, address, request_id)
        self.committer.commit(event, revoke_token(grant_id, owner=owner.id, at=self.clock()))


def _is_code_expired(request: AuthorizationRequest, now: datetime) -> bool:
    """Return whether the code expired before it was used."""
    return request.redeemed_at is None and (request.code_expires_at or now) <= now


def _claim(
    request: AuthorizationRequest, granted: TokenGrant | None, now: datetime, connection: Connection
) -> InvalidGrant | None:
    """Use up the code, if the user and the session that approved it are still valid."""
    if granted is not None:
        # Read again in the transaction: a sign-out or demotion since the consent takes precedence.
        is_signed_out = request.shown_to is None or TokenStore(connection).is_ended(request.shown_to)
        user = UserStore(connection).find_by_id(granted.user.id)
        is_demoted = request.parameters.wants_admin and user is not None and not user.is_administrator
        if is_signed_out or user is None or is_demoted:
            return InvalidGrant(_ENDED)
    claimed = RequestStore(connection).redeem(request.id, now, granted.grant.id if granted else None)
    return None if claimed else _AlreadyRedeemed(_CODE_USED)


def _rotate(granted: TokenGrant, old: bytes, now: datetime, connection: Connection) -> InvalidGrant | None:
    """Replace the secret of the refresh token, once."""
    if UserStore(connection).find_by_id(granted.user.id) is None:
        return InvalidGrant(_ENDED)
    rotated = TokenFamilyStore(connection).rotate(
        granted.grant.id, old, digest(granted.refresh.reveal()), now
    )
    return None if rotated else _AlreadyRedeemed(_REUSED)


def _new_family(request: AuthorizationRequest, user: User, now: datetime) -> TokenGrant:
    parameters = request.parameters
    grant = ApiToken(
        id=TokenId(uuid4().hex),
        kind=TokenKind.REFRESH,
        name=parameters.device,
        user_id=user.id,
        created_at=now,
        expires_at=now + GRANT_LIFE,
        grant_ends_at=now + GRANT_LIFE,
        application=parameters.client_id,
        scopes=parameters.scopes,
        address=parameters.address,
        authorized_at=request.decided_at,
        authenticated_at=request.authenticated_at,
    )
    token = _access_token(grant, now, parameters.address)
    return TokenGrant(user, grant, token, mint(TokenKind.CLI), mint(TokenKind.REFRESH))


def _access_token(grant: ApiToken, now: datetime, address: str) -> ApiToken:
    return ApiToken(
        id=TokenId(uuid4().hex),
        kind=TokenKind.CLI,
        name=grant.name,
        user_id=grant.user_id,
        created_at=now,
        expires_at=min(now + ACCESS_LIFE, grant.expires_at),
        grant_ends_at=grant.grant_ends_at,
        parent_id=grant.id,
        application=grant.application,
        scopes=grant.scopes,
        address=address,
        authorized_at=grant.authorized_at,
        # A refresh is no authentication, so the time stays that of the sign-in.
        authenticated_at=grant.authenticated_at,
    )


def _event(
    action: str,
    user: User | None,
    grant_id: str,
    device: str,
    outcome: Outcome,
    address: str,
    request_id: str,
) -> Event:
    actor = user.as_actor(request_id) if user else Actor(None, UNKNOWN_USER, request_id)
    detail = {"token_id": grant_id, "address": address}
    return Event(action=action, actor=actor, outcome=outcome, subject=device, detail=detail)
