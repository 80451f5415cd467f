"""Fixtures for OAuth: users signed in with browsers, and an application that requests tokens."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import Table, func, select, update

from daypass.portal.audit.committer import Committer
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.model import ApiToken, Role, TokenId, User, UserId
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.model import (
    AuthorizationParameters,
    AuthorizationRequest,
    Loopback,
    RequestId,
    TokenGrant,
)
from daypass.portal.identity.oauth.sealing import Sealing
from daypass.portal.identity.oauth.token_families import TokenFamilies, TokenRequest
from daypass.portal.identity.scopes import TENANTS_ONLY, consented_scopes
from daypass.portal.identity.store.users import add_user
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens, users
from tests.fakes import FakeClock, quick_hash
from tests.portal import password_sign_in

PASSWORD = Secret("correct horse battery")
HASH = quick_hash(PASSWORD)
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PASTE_BACK = "https://portal.example/oauth/code"
LAPTOP, DESK = "192.0.2.7", "192.0.2.8"
PARAMETERS = AuthorizationParameters(
    client_id="daypass-cli",
    challenge=CHALLENGE,
    state="s" * 22,
    destination=Loopback(54321, "/cb/0123456789abcdef"),
    scopes=TENANTS_ONLY,
    tenant="dev01",
    device="danas-laptop",
    version="0.1.0",
    address=LAPTOP,
)
REDEEMER = TokenRequest(
    client_id=PARAMETERS.client_id,
    verifier=Secret(VERIFIER),
    redirect_uri="http://127.0.0.1:54321/cb/0123456789abcdef",
    address=LAPTOP,
    request_id="redeem",
)
LOOKED = timedelta(seconds=1)


@dataclass(slots=True)
class World:
    """A portal with a user, an Administrator, their browsers, and an application."""

    database: Database
    committer: Committer
    clock: FakeClock
    identity: Identity = field(init=False)
    browser_sessions: BrowserSessions = field(init=False)
    consents: AuthorizationRequests = field(init=False)
    grants: TokenFamilies = field(init=False)
    dana: User = field(init=False)
    admin: User = field(init=False)

    def __post_init__(self) -> None:
        parts = (self.database, self.committer, self.clock)
        self.identity, self.browser_sessions, self.consents = (
            Identity(*parts),
            BrowserSessions(*parts),
            AuthorizationRequests(*parts, Sealing(self.database, self.clock)),
        )
        self.grants = TokenFamilies(*parts, PASTE_BACK)
        self.dana = self._add(User(UserId("da" * 16), "dana@example.com", Role.USER))
        self.admin = self._add(User(UserId("ad" * 16), "admin@example.com", Role.ADMINISTRATOR))

    def _add(self, user: User) -> User:
        with self.database.writing() as connection:
            add_user(user, HASH, at=self.clock()).apply(connection)
        return user

    def browser(self, user: User | None = None) -> SignedIn:
        """Sign in with a new browser, as Dana by default."""
        name = (user or self.dana).username
        return password_sign_in.sign_in(
            self.browser_sessions, name, PASSWORD, address=DESK, request_id="sign-in"
        )

    def shown(
        self, browser: SignedIn, parameters: AuthorizationParameters = PARAMETERS
    ) -> AuthorizationRequest:
        """Push a request and open it; a second passes."""
        request = self.consents.show(self.consents.push(parameters).id, browser.token, browser.user)
        self.clock.move(LOOKED)
        return request

    def opened(self, reference: RequestId) -> AuthorizationRequest:
        """Open a request as Dana in a new browser."""
        browser = self.browser()
        return self.consents.show(reference, browser.token, browser.user)

    def code(self, browser: SignedIn, parameters: AuthorizationParameters = PARAMETERS) -> Secret:
        """Return the authorization code of an approved request."""
        request = self.shown(browser, parameters)
        return self.consents.approve(request.id, browser.token, browser.user, "approve").code

    def granted(self, user: User | None = None, *, admin: bool = False) -> TokenGrant:
        """Return the tokens of a device that has signed in."""
        return self.grants.redeem(
            self.code(self.browser(user), replace(PARAMETERS, scopes=consented_scopes(with_admin=admin))),
            REDEEMER,
        )

    def works(self, secret: Secret) -> bool:
        """Return whether a token authenticates."""
        try:
            self.identity.authenticate(secret.reveal())
        except Exception:
            return False
        return True

    def refuse_role(self, user: User) -> None:
        """Demote an Administrator to a User."""
        with self.database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(role=Role.USER.value))

    def disable(self, user: User) -> None:
        """Disable a user."""
        with self.database.writing() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(disabled_at=self.clock()))

    def count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        with self.database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0

    def events(self, prefix: str = "oauth.") -> list[tuple[str, str]]:
        """Return the actions in the audit log with their outcomes."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(audit_events.c.action, audit_events.c.outcome).order_by(audit_events.c.position)
            )
            return [(row.action, row.outcome) for row in rows if row.action.startswith(prefix)]

    def actors(self, prefix: str = "oauth.") -> dict[str, User]:
        """Return the user that each audited action names as its actor."""
        c, known = audit_events.c, {user.id: user for user in (self.dana, self.admin)}
        with self.database.reading() as connection:
            rows = connection.execute(select(c.action, c.actor_id, c.actor)).all()
        named = {row.action: (row.actor_id, row.actor) for row in rows if row.action.startswith(prefix)}
        assert all(known[user_id].username == name for user_id, name in named.values())
        return {action: known[user_id] for action, (user_id, _) in named.items()}

    def on_record(self) -> str:
        """Return all details, subjects and actors of the audit log."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(audit_events.c.detail, audit_events.c.subject, audit_events.c.actor)
            )
            return json.dumps([list(row) for row in rows])

    def tokens(self) -> list[TokenId]:
        """Return the IDs of all tokens of applications."""
        with self.database.reading() as connection:
            kinds = api_tokens.c.kind.in_(["cli", "refresh"])
            return [TokenId(row.id) for row in connection.execute(select(api_tokens.c.id).where(kinds))]


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """The portal on each kind of database in turn."""
    clock = FakeClock()
    committer = Committer(database, clock)
    yield World(database, committer, clock)
    committer.close()


def later(token: ApiToken, clock: FakeClock) -> timedelta:
    """Return the remaining lifetime of a token."""
    return token.expires_at - clock()
