"""Fixtures for users and browsers on a real database with a real audit log; the clock starts at noon."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import PortalError, SignInFailed, TooManyAttempts
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.model import Role, User, UserKind
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.identity import users
from tests.fakes import FakeClock, quick_hash
from tests.fixtures.pgbouncer import database_url
from tests.portal import password_sign_in

__all__ = ["database_url"]

RIGHT = Secret("correct horse")
WRONG = Secret("correct mouse")
RIGHT_HASH = quick_hash(RIGHT)
HOME = "192.0.2.7"
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def committer(database: Database, clock: FakeClock) -> Iterator[Committer]:
    opened = Committer(database, clock)
    yield opened
    opened.close()


@pytest.fixture
def identity(database: Database, committer: Committer, clock: FakeClock) -> Identity:
    return Identity(database, committer, clock)


@pytest.fixture
def browser_sessions(database: Database, committer: Committer, clock: FakeClock) -> BrowserSessions:
    return BrowserSessions(database, committer, clock)


@pytest.fixture
def dana(identity: Identity) -> User:
    return person(identity, "dana@example.com", Role.USER)


def person(identity: Identity, username: str, role: Role) -> User:
    """Create a user with the password `RIGHT`, whose hash is cheap to verify."""
    user = identity.create_user(username, role, None, OPERATOR)
    with identity.database.writing() as connection:
        row = update(users).where(users.c.id == user.id).values(password_hash=RIGHT_HASH)
        connection.execute(row)
    return replace(user, kind=UserKind.PERSON)


def sign_in(
    browser_sessions: BrowserSessions,
    username: str = "dana@example.com",
    password: Secret = RIGHT,
    *,
    address: str = HOME,
    device: str | None = None,
    replaces: str | None = None,
) -> SignedIn:
    return password_sign_in.sign_in(
        browser_sessions, username, password, address=address, device=device, replaces=replaces
    )


def guess(
    browser_sessions: BrowserSessions, username: str = "dana@example.com", **more: str
) -> type[PortalError]:
    try:
        sign_in(browser_sessions, username, WRONG, **more)
    except (SignInFailed, TooManyAttempts) as refusal:
        return type(refusal)
    raise AssertionError("a wrong password was accepted")


@pytest.fixture
def ada(identity: Identity) -> User:
    return person(identity, "ada@example.com", Role.ADMINISTRATOR)
