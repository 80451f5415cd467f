"""Token authentication, and the creation and revocation of users and tokens; every change is audited."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from daypass.common.usernames import canonical_username
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    AlreadyExists,
    InvalidRequest,
    SignInAgain,
    Unauthenticated,
    invalid_field,
)
from daypass.portal.identity.model import (
    BEARER_KINDS,
    CONSENTED_KINDS,
    ApiToken,
    Role,
    TokenId,
    TokenKind,
    User,
    UserId,
    UserKind,
    network_of,
)
from daypass.portal.identity.passwords import new_password_hash
from daypass.portal.identity.scopes import TENANTS_ONLY, Scopes
from daypass.portal.identity.store.tokens import (
    TokenStore,
    add_token,
    record_first_use,
    record_use,
    revoke_token,
    update_address,
)
from daypass.portal.identity.store.users import UserStore, add_user
from daypass.portal.identity.tokens import digest, mint, recognise
from daypass.portal.identity.usernames import check_new_username
from daypass.portal.redaction import redacted
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import Precondition, RowChange

PERMANENT_LIFETIME = timedelta(days=365)

_LONGEST_TOKEN_NAME = 100
_LONGEST_ADDRESS = 64
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """The service for users and their API tokens."""

    database: Database
    committer: Committer
    clock: Clock

    def authenticate(
        self,
        text: str,
        accepts: Collection[TokenKind] = BEARER_KINDS,
        *,
        address: str = "",
        request_id: str = "",
    ) -> tuple[ApiToken, User]:
        """Return the token that *text* is and its owner; raises `Unauthenticated` or `SignInAgain`."""
        kind = recognise(text)
        if kind is None:
            raise Unauthenticated("This is not an API token of this portal. Check that you copied all of it.")
        if kind not in accepts:
            raise Unauthenticated(f"API tokens of the kind {kind} are not accepted here.")
        with self.database.reading() as connection:
            bearer = TokenStore(connection).find_bearer(digest(text))
        if bearer is None or bearer.token.kind is not kind:
            raise Unauthenticated("This API token is unknown. Create a new one on your profile page.")
        if bearer.is_revoked:
            raise Unauthenticated("This API token was revoked. Create a new one on your profile page.")
        if bearer.is_disabled:
            raise Unauthenticated("This account was disabled. Ask an Administrator.")
        now = self.clock()
        _check_expiry(bearer.token, now)
        if kind is TokenKind.WORKLOAD:
            # A rule gives tenants only, whatever its service account has become since.
            return bearer.token, replace(bearer.user, role=Role.USER)
        if bearer.token.use_by is None:
            return bearer.token, bearer.user
        return self._record_address(bearer.token, bearer.user, address, request_id, now), bearer.user

    def require_new_username(self, username: str) -> None:
        """Return if `create_user` would accept the name now; raises the same as it does."""
        with self.database.reading() as connection:
            require_new_username(connection, username)

    def create_user(self, username: str, role: Role, password: Secret | None, by: Actor) -> User:
        """Add a user, or a service account without a password; raises `AlreadyExists` for a taken name."""
        user, write = new_user(username, role, password, self.clock())

        def name_is_free(connection: Connection) -> AlreadyExists | None:
            return (
                name_taken(user.username, username) if UserStore(connection).is_taken(user.username) else None
            )

        event = _event("user.create", by, user, {"role": role.value})
        self.committer.commit(event, write, precondition=name_is_free)
        return user

    def create_token(
        self,
        user: User,
        kind: TokenKind,
        name: str,
        by: Actor,
        *,
        lifetime: timedelta = PERMANENT_LIFETIME,
        grant_ends_at: datetime | None = None,
        precondition: Precondition | None = None,
    ) -> tuple[Secret, ApiToken]:
        """Create a token of *user*; the returned secret is not stored and cannot be read again.

        A temporary token has a sign-in and the time at which that ends; a permanent token has neither.
        """
        _check_text("An API token's name", name, _LONGEST_TOKEN_NAME)
        if (kind is TokenKind.PERMANENT) != (grant_ends_at is None):
            raise ValueError(f"grant_ends_at does not fit a {kind} token")
        token = self.new_token(
            user, kind, name, expires_at=self.clock() + lifetime, grant_ends_at=grant_ends_at
        )
        return self.add_token(token, user, by, precondition=precondition), token

    def new_token(
        self,
        user: User,
        kind: TokenKind,
        name: str,
        *,
        expires_at: datetime,
        grant_ends_at: datetime | None,
        parent_id: TokenId | None = None,
        application: str = "",
        scopes: Scopes = TENANTS_ONLY,
        use_by: datetime | None = None,
        address: str = "",
        authenticated_at: datetime | None = None,
    ) -> ApiToken:
        """Return a token of *user* that is not stored yet; `add_token` stores it."""
        return ApiToken(
            id=TokenId(uuid4().hex),
            kind=kind,
            name=redacted(name),
            user_id=user.id,
            created_at=self.clock(),
            expires_at=expires_at,
            grant_ends_at=grant_ends_at,
            parent_id=parent_id,
            application=application,
            scopes=scopes,
            use_by=use_by,
            address=address[:_LONGEST_ADDRESS],
            authenticated_at=authenticated_at,
            # A token made by a User stays without the exemption if that user becomes an Administrator later.
            reauthentication_exempt=kind is TokenKind.PERMANENT and user.is_administrator,
        )

    def add_token(
        self,
        token: ApiToken,
        user: User,
        by: Actor,
        *before: RowChange,
        precondition: Precondition | None = None,
    ) -> Secret:
        """Store *token* and return its secret, which cannot be read again; the change is audited."""
        secret = mint(token.kind)
        detail: dict[str, Scalar] = {"token_id": token.id, "kind": token.kind.value, "name": token.name}
        if token.reauthentication_exempt:
            detail["reauthentication_exempt"] = True
        if token.kind in CONSENTED_KINDS:
            detail |= {"admin": token.allows_admin, "address": token.address}
        add = add_token(token, digest(secret.reveal()))
        self.committer.commit(
            _event("token.create", by, user, detail), *before, add, precondition=precondition
        )
        return secret

    def revoke_token(self, user: User, token_id: TokenId, by: Actor) -> None:
        """Revoke a token of *user* with immediate effect.

        A token that is revoked already, or belongs to another user, is left alone and no event is recorded.
        """
        with self.database.reading() as connection:
            if not TokenStore(connection).can_be_revoked(token_id, user.id):
                return
        revoke = revoke_token(token_id, owner=user.id, at=self.clock())
        self.committer.commit(_event("token.revoke", by, user, {"token_id": token_id}), revoke)

    def _record_address(
        self, token: ApiToken, user: User, address: str, request_id: str, now: datetime
    ) -> ApiToken:
        """Record the address at the first use of a handed-over token, and each change of network."""
        address = address[:_LONGEST_ADDRESS]
        by = user.as_actor(request_id)
        if token.last_used_at is None:
            event = _event("token.first_use", by, user, {"token_id": token.id, "address": address})
            self.committer.commit(event, record_first_use(token.id, address, at=now))
        elif network_of(address) != network_of(token.address):
            detail = {"token_id": token.id, "from": token.address, "to": address}
            event = _event("token.network_changed", by, user, detail, Outcome.ALERT)
            # A client that alternates between two networks would write one event per request.
            self.committer.commit_rate_limited(event, update_address(token.id, address))
        else:
            return token
        return replace(token, last_used_at=now, address=address)


def new_user(
    username: str, role: Role, password: Secret | None, now: datetime, kind: UserKind | None = None
) -> tuple[User, RowChange]:
    """Return a new user and the row to insert; without a *kind* and a password, it is a service account."""
    name = _new_name(username)
    if kind is None:
        kind = UserKind.SERVICE if password is None else UserKind.PERSON
    user = User(UserId(uuid4().hex), name, role, kind)
    return user, add_user(user, None if password is None else new_password_hash(password), at=now)


def require_new_username(connection: Connection, username: str) -> None:
    """Return if a user of that name could be added; raises `InvalidRequest` or `AlreadyExists`."""
    name = _new_name(username)
    if UserStore(connection).is_taken(name):
        raise name_taken(name, username)


def _new_name(username: str) -> str:
    name = canonical_username(username)
    with invalid_field("username"):
        check_no_secret(username)
        check_new_username(name)
    return name


def check_no_secret(typed: str) -> None:
    """Return if *typed*, before case folding, does not look like a secret; else raise `InvalidRequest`.

    After case folding, redaction no longer recognises a secret, and it would reach the audit log.
    """
    if redacted(typed) != typed:
        raise InvalidRequest("That name looks like an API token or an AWS key. Enter another one.")


def name_taken(username: str, typed: str) -> AlreadyExists:
    """Return the error for a username that exists already; *typed* is the spelling that was entered."""
    same = (
        ""
        if typed.strip() == username or not typed.isprintable()
        else f" “{typed.strip()}” is another spelling of that name."
    )
    return AlreadyExists(f"The username “{username}” is already taken.{same}")


def token_use_change(token: ApiToken, now: datetime) -> tuple[RowChange, ...]:
    """Return the update of a token's last use, at most one per minute; committed with another change."""
    if token.last_used_at is not None and now - token.last_used_at < _TOUCH_EVERY:
        return ()
    return (record_use(token.id, at=now),)


def _check_text(label: str, text: str, longest: int) -> None:
    if not text or len(text) > longest or not text.isprintable():
        raise InvalidRequest(f"{label} has 1 to {longest} printable characters.")


def _check_expiry(token: ApiToken, now: datetime) -> None:
    if token.use_by is not None and token.last_used_at is None and token.use_by <= now:
        raise Unauthenticated("This API token was not used within a minute, so it is void. Log in again.")
    if token.grant_ends_at is not None and token.grant_ends_at <= now:
        raise SignInAgain("The sign-in behind this API token has ended. Sign in again.")
    if token.expires_at <= now:
        raise Unauthenticated(
            f"This API token expired on {token.expires_at:%d %b %Y}. Create a new one on your profile page."
        )


def _event(
    action: str, by: Actor, user: User, detail: Mapping[str, Scalar], outcome: Outcome = Outcome.DONE
) -> Event:
    return Event(action=action, actor=by, outcome=outcome, subject=user.username, detail=detail)
