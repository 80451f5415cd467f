"""Fixtures: a portal's passkey services, and users with a session and a passkey."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from daypass.portal.audit.committer import Committer
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.model import User
from daypass.portal.identity.passkeys.challenges import Challenges
from daypass.portal.identity.passkeys.model import Passkey, RelyingParty
from daypass.portal.identity.passkeys.second_factor import SecondFactors
from daypass.portal.identity.passkeys.service import Passkeys
from daypass.portal.identity.providers.base import ProvenIdentity, SignInContext
from daypass.portal.settings.registry import PASSKEY_REQUIRED
from daypass.portal.settings.store import SYSTEM
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import NOON, FakeClock
from tests.fixtures.authenticator import Authenticator
from tests.portal.identity.conftest import HOME, RIGHT, sign_in
from tests.portal.password_sign_in import passwords_of
from tests.settings import store_setting

ORIGIN = "https://portal.example.com"
CONTEXT = SignInContext(HOME, "r")


@dataclass(slots=True)
class Desk:
    """The services of one portal, and the steps of a user at it."""

    passkeys: Passkeys
    second_factors: SecondFactors
    sessions: BrowserSessions
    database: Database
    clock: FakeClock
    signed_in: dict[str, SignedIn] = field(default_factory=dict)

    def session(self, user: User) -> SignedIn:
        """Return the session of *user*, which begins at the first call."""
        if user.username not in self.signed_in:
            self.signed_in[user.username] = sign_in(self.sessions, user.username)
        return self.signed_in[user.username]

    def register(self, user: User, authenticator: Authenticator, name: str = "Laptop") -> Passkey:
        """Add a passkey on the profile."""
        token = self.session(user).token
        begun = self.passkeys.begin_registration(token, user, "r")
        answer = authenticator.register(begun.options)
        return self.passkeys.register(token, user, begun.handle.reveal(), answer, name, CONTEXT)

    def prove(self, user: User) -> ProvenIdentity:
        """Prove the password of *user*."""
        return passwords_of(self.sessions).verify(user.username, RIGHT, CONTEXT)

    def begin(self, user: User, next_page: str = "/profile") -> str:
        """Prove the password of *user*, who needs a passkey; return the handle of the pending sign-in."""
        handle = self.second_factors.begin(self.prove(user), CONTEXT, next_page)
        assert handle is not None
        return handle.reveal()

    def require(self, value: str) -> None:
        """Write the setting that requires passkeys."""
        with self.database.writing() as connection:
            setting = PASSKEY_REQUIRED
            store_setting(connection, SYSTEM, setting.type, setting.key, value, by="t", now=NOON)

    def events(self, *actions: str) -> Sequence[tuple[str, str, Mapping[str, object]]]:
        """Return action, outcome and detail of the events with these actions."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(audit_events.c.action, audit_events.c.outcome, audit_events.c.detail)
                .where(audit_events.c.action.in_(actions))
                .order_by(audit_events.c.position)
            )
            return [(row.action, row.outcome, json.loads(row.detail)) for row in rows]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a migrated database; the tests of races run on each kind."""
    return sqlite_url


@pytest.fixture
def desk(
    database: Database, committer: Committer, clock: FakeClock, browser_sessions: BrowserSessions
) -> Desk:
    challenges = Challenges(database, committer, clock, RelyingParty(ORIGIN))
    return Desk(Passkeys(challenges), SecondFactors(challenges), browser_sessions, database, clock)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(ORIGIN)
