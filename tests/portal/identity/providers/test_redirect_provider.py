"""Sessions of users whose identity a provider with pages of its own has proved."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    PortalError,
    ReauthenticationRequired,
    SignInAgain,
    SignInFailed,
)
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.providers.base import PasswordProvider, RedirectProvider, SignInContext
from daypass.portal.identity.providers.local_password import LocalPasswords
from daypass.portal.identity.providers.registry import IdentityProviders
from daypass.portal.identity.reauthentication import RECENT, require_recent_authentication
from daypass.portal.identity.store.users import add_user
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import NOON, FakeClock, FakeRedirectProvider
from tests.portal.identity.conftest import HOME, RIGHT, SECOND, guess, sign_in
from tests.portal.password_sign_in import passwords_of
from tests.rows import disable_user

CALLBACK = "https://portal.example.com/sign-in/example-idp/callback"
CONTEXT = SignInContext(HOME, "r")


@pytest.fixture
def idp(database: Database) -> FakeRedirectProvider:
    return FakeRedirectProvider(database)


@pytest.fixture
def sso(database: Database) -> User:
    """A person without a password."""
    user = User(UserId("50" * 16), "sso@example.com", Role.ADMINISTRATOR, UserKind.PERSON)
    with database.writing() as connection:
        add_user(user, None, at=NOON).apply(connection)
    return user


def start(sessions: BrowserSessions, idp: FakeRedirectProvider, username: str) -> SignedIn:
    return sessions.start(idp.identify(CALLBACK, {"code": username}), CONTEXT)


def again(sessions: BrowserSessions, idp: FakeRedirectProvider, made: SignedIn, username: str) -> SignedIn:
    return sessions.reauthenticate(made.token, idp.identify(CALLBACK, {"code": username}), CONTEXT)


def last_event(database: Database) -> tuple[str, str, str, dict[str, object]]:
    with database.reading() as connection:
        newest = select(audit_events).order_by(audit_events.c.position.desc()).limit(1)
        row = connection.execute(newest).one()
    return row.action, row.outcome, row.actor, json.loads(row.detail)


def test_a_session_has_the_provider_the_method_and_the_time_of_the_proof(
    browser_sessions: BrowserSessions,
    idp: FakeRedirectProvider,
    sso: User,
    clock: FakeClock,
    database: Database,
) -> None:
    clock.move(timedelta(hours=2))

    made = start(browser_sessions, idp, sso.username)

    token, user = browser_sessions.find(made.cookie.reveal())
    assert user == sso
    assert (token.provider, token.authenticated_at) == ("example-idp", NOON)
    assert token.created_at == clock()
    action, outcome, actor, detail = last_event(database)
    assert (action, outcome, actor) == ("sign_in", "done", sso.username)
    assert (detail["provider"], detail["method"]) == ("example-idp", "hwk")


def test_an_authentication_is_recent_by_its_own_time_and_not_by_that_of_the_session(
    browser_sessions: BrowserSessions, idp: FakeRedirectProvider, sso: User, clock: FakeClock
) -> None:
    clock.move(RECENT)
    require_recent_authentication(start(browser_sessions, idp, sso.username).token, clock())

    clock.move(SECOND)
    with pytest.raises(ReauthenticationRequired):
        require_recent_authentication(start(browser_sessions, idp, sso.username).token, clock())


def test_a_provider_s_clock_that_is_ahead_does_not_prolong_the_authentication(
    browser_sessions: BrowserSessions, idp: FakeRedirectProvider, sso: User, clock: FakeClock
) -> None:
    idp.authenticated_at = NOON + timedelta(hours=1)

    made = start(browser_sessions, idp, sso.username)

    clock.move(RECENT + SECOND)
    with pytest.raises(ReauthenticationRequired):
        require_recent_authentication(made.token, clock())


def test_a_person_without_a_password_cannot_sign_in_with_one(
    browser_sessions: BrowserSessions, sso: User
) -> None:
    assert guess(browser_sessions, sso.username) is SignInFailed


def test_reauthentication_at_the_provider_replaces_the_session(
    browser_sessions: BrowserSessions, idp: FakeRedirectProvider, sso: User, clock: FakeClock
) -> None:
    made = start(browser_sessions, idp, sso.username)
    clock.move(RECENT + SECOND)
    idp.authenticated_at = clock()

    confirmed = again(browser_sessions, idp, made, sso.username)

    require_recent_authentication(confirmed.token, clock())
    with pytest.raises(SignInAgain):
        browser_sessions.find(made.cookie.reveal())


def test_reauthentication_needs_the_same_user_and_provider_and_a_recent_proof(
    browser_sessions: BrowserSessions, idp: FakeRedirectProvider, sso: User, dana: User, clock: FakeClock
) -> None:
    made, by_password = start(browser_sessions, idp, sso.username), sign_in(browser_sessions)

    with pytest.raises(SignInFailed, match="not the account"):
        again(browser_sessions, idp, made, dana.username)
    with pytest.raises(SignInFailed, match="not the account"):
        again(browser_sessions, idp, by_password, dana.username)
    clock.move(RECENT + SECOND)
    with pytest.raises(SignInFailed, match="did not ask you"):
        again(browser_sessions, idp, made, sso.username)

    for session in (made, by_password):
        browser_sessions.find(session.cookie.reveal())


@pytest.mark.parametrize("state", ["service account", "disabled"])
def test_a_user_who_may_not_sign_in_is_refused_whatever_the_provider_proves(
    state: str,
    browser_sessions: BrowserSessions,
    idp: FakeRedirectProvider,
    identity: Identity,
    dana: User,
    database: Database,
) -> None:
    if state == "disabled":
        name = dana.username
        with database.writing() as connection:
            disable_user(connection, dana.id, NOON)
    else:
        name = identity.create_user("ci@example.com", Role.USER, None, OPERATOR).username

    with pytest.raises(SignInFailed, match="cannot sign in"):
        start(browser_sessions, idp, name)

    action, outcome, actor, detail = last_event(database)
    assert (action, outcome, actor, detail["provider"]) == ("sign_in", "denied", name, "example-idp")


def test_a_user_who_is_changed_since_the_proof_gets_no_session(
    browser_sessions: BrowserSessions, idp: FakeRedirectProvider, sso: User, database: Database
) -> None:
    proven = idp.identify(CALLBACK, {"code": sso.username})
    with database.writing() as connection:
        disable_user(connection, sso.id, NOON)

    with pytest.raises(PortalError, match="was changed"):
        browser_sessions.start(proven, CONTEXT)


def test_the_provider_of_a_session_is_found(
    browser_sessions: BrowserSessions, idp: FakeRedirectProvider, sso: User, dana: User
) -> None:
    passwords = passwords_of(browser_sessions)
    assert isinstance(passwords, PasswordProvider)
    assert isinstance(idp, RedirectProvider)
    providers = IdentityProviders((passwords, idp))

    assert providers.for_session(start(browser_sessions, idp, sso.username).token) is idp
    assert providers.for_session(sign_in(browser_sessions, dana.username, RIGHT).token) is passwords
    with pytest.raises(SignInAgain, match="no longer accepts"):
        IdentityProviders((passwords,)).for_session(start(browser_sessions, idp, sso.username).token)


class OtherPasswords(LocalPasswords):
    """A second provider that checks passwords, under a name of its own."""

    @property
    def name(self) -> str:
        return "other"


def test_two_providers_with_one_name_are_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="same name"):
        IdentityProviders((FakeRedirectProvider(database), FakeRedirectProvider(database)))


@pytest.mark.parametrize("name", ["", "password", "Okta", "a/b", "..", "a" * 65, "ok ta"])
def test_a_name_that_is_reserved_or_cannot_be_in_a_path_is_refused(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match="cannot have the name"):
        IdentityProviders((FakeRedirectProvider(database, name=name),))


def test_a_second_password_provider_is_refused(browser_sessions: BrowserSessions) -> None:
    passwords = passwords_of(browser_sessions)
    other = OtherPasswords(passwords.database, passwords.committer, passwords.clock)

    with pytest.raises(ValueError, match="check passwords"):
        IdentityProviders((passwords, other))
