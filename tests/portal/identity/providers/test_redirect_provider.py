"""Sessions of users whose identity a provider with pages of its own has proved."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    PortalError,
    ReauthenticationRequired,
    SignInAgain,
    SignInFailed,
)
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import ExternalIdentityStore, add_identity
from daypass.portal.identity.external.store.provider_sessions import ProviderSessionStore
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.providers.base import (
    PasswordProvider,
    ProvenIdentity,
    RedirectProvider,
    SignInContext,
)
from daypass.portal.identity.providers.local_password import LocalPasswords
from daypass.portal.identity.providers.registry import IdentityProviders
from daypass.portal.identity.reauthentication import RECENT, require_recent_authentication
from daypass.portal.identity.store.users import UserStore, add_user
from daypass.portal.settings.registry import TOKEN_SESSION_DURATION
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import EXAMPLE_IDP, NOON, FakeClock, FakeOidcProvider
from tests.portal.identity.conftest import HOME, RIGHT, SECOND, guess, sign_in
from tests.portal.password_sign_in import passwords_of
from tests.rows import disable_user

CONTEXT = SignInContext(HOME, "r")


@dataclass(slots=True)
class Idp:
    """A provider with an account for each user, whose subject is the username."""

    accounts: ExternalAccounts
    provider: FakeOidcProvider

    def prove(self, username: str, subject: str = "") -> ProvenIdentity:
        """Return the proof of an account, which is linked to the user first."""
        key = (self.provider.name, self.provider.config.issuer, subject or username)
        with self.accounts.database.writing() as connection:
            record = UserStore(connection).find_login(username)
            assert record is not None
            if ExternalIdentityStore(connection).find(*key) is None:
                add_identity(ExternalIdentity(*key, record.user.id, NOON)).apply(connection)
        answered = self.provider.authentication(subject or username)
        return self.accounts.prove(self.provider.config, answered, CONTEXT)


@pytest.fixture
def idp(database: Database, committer: Committer, clock: FakeClock) -> Idp:
    return Idp(ExternalAccounts.of(database, committer, clock), FakeOidcProvider())


@pytest.fixture
def sso(database: Database) -> User:
    """A person without a password."""
    user = User(UserId("50" * 16), "sso@example.com", Role.ADMINISTRATOR, UserKind.PERSON)
    with database.writing() as connection:
        add_user(user, None, at=NOON).apply(connection)
    return user


def start(sessions: BrowserSessions, idp: Idp, username: str) -> SignedIn:
    return sessions.start(idp.prove(username), CONTEXT)


def again(sessions: BrowserSessions, idp: Idp, made: SignedIn, username: str) -> SignedIn:
    return sessions.reauthenticate(made.token, idp.prove(username), CONTEXT)


def last_event(database: Database) -> tuple[str, str, str, dict[str, object]]:
    with database.reading() as connection:
        newest = select(audit_events).order_by(audit_events.c.position.desc()).limit(1)
        row = connection.execute(newest).one()
    return row.action, row.outcome, row.actor, json.loads(row.detail)


def test_a_session_has_the_provider_the_method_and_the_time_of_the_proof(
    browser_sessions: BrowserSessions,
    idp: Idp,
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
    browser_sessions: BrowserSessions, idp: Idp, sso: User, clock: FakeClock
) -> None:
    clock.move(RECENT)
    require_recent_authentication(start(browser_sessions, idp, sso.username).token, clock())

    clock.move(SECOND)
    with pytest.raises(ReauthenticationRequired):
        require_recent_authentication(start(browser_sessions, idp, sso.username).token, clock())


def test_a_provider_s_clock_that_is_ahead_does_not_prolong_the_authentication(
    browser_sessions: BrowserSessions, idp: Idp, sso: User, clock: FakeClock
) -> None:
    idp.provider.authenticated_at = NOON + timedelta(hours=1)

    made = start(browser_sessions, idp, sso.username)

    clock.move(RECENT + SECOND)
    with pytest.raises(ReauthenticationRequired):
        require_recent_authentication(made.token, clock())


def test_a_person_without_a_password_cannot_sign_in_with_one(
    browser_sessions: BrowserSessions, sso: User
) -> None:
    assert guess(browser_sessions, sso.username) is SignInFailed


def test_reauthentication_at_the_provider_replaces_the_session(
    browser_sessions: BrowserSessions, idp: Idp, sso: User, clock: FakeClock
) -> None:
    made = start(browser_sessions, idp, sso.username)
    clock.move(RECENT + SECOND)
    idp.provider.authenticated_at = clock()

    confirmed = again(browser_sessions, idp, made, sso.username)

    require_recent_authentication(confirmed.token, clock())
    with pytest.raises(SignInAgain):
        browser_sessions.find(made.cookie.reveal())


def test_reauthentication_needs_the_same_user_and_provider_and_a_recent_proof(
    browser_sessions: BrowserSessions, idp: Idp, sso: User, dana: User, clock: FakeClock
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


def test_reauthentication_needs_the_account_that_signed_in(
    browser_sessions: BrowserSessions, idp: Idp, sso: User
) -> None:
    made = start(browser_sessions, idp, sso.username)
    other = idp.prove(sso.username, "another-account-of-the-same-user")

    with pytest.raises(SignInFailed, match="not the account with which you signed in"):
        browser_sessions.reauthenticate(made.token, other, CONTEXT)


def test_the_session_at_the_provider_is_kept_through_a_reauthentication(
    browser_sessions: BrowserSessions, idp: Idp, sso: User, database: Database
) -> None:
    made = start(browser_sessions, idp, sso.username)

    proof = idp.prove(sso.username)
    by_provider = browser_sessions.reauthenticate(made.token, proof, CONTEXT)
    otherwise = browser_sessions.reauthenticate(by_provider.token, replace(proof, session=None), CONTEXT)

    with database.reading() as connection:
        store = ProviderSessionStore(connection)
        kept = [store.find(session.token.id) for session in (made, by_provider, otherwise)]
    assert proof.session is not None
    stored = replace(proof.session, requested_at=None)
    assert kept == [stored, None, stored]


@pytest.mark.parametrize(
    ("session_expiry", "lasts"),
    [
        (NOON + timedelta(hours=1), timedelta(hours=1)),
        (NOON + timedelta(days=300), None),
        (None, None),
    ],
)
def test_a_session_lasts_no_longer_than_the_one_at_the_provider(
    session_expiry: datetime | None,
    lasts: timedelta | None,
    browser_sessions: BrowserSessions,
    idp: Idp,
    sso: User,
) -> None:
    if session_expiry is not None:
        idp.provider.claims[sso.username] = {"session_expiry": int(session_expiry.timestamp())}
    usual = TOKEN_SESSION_DURATION.default
    assert usual is not None

    token = start(browser_sessions, idp, sso.username).token

    assert token.expires_at == token.grant_ends_at == NOON + (lasts or usual)


def test_a_session_that_ended_at_the_provider_already_signs_nobody_in(
    browser_sessions: BrowserSessions, idp: Idp, sso: User
) -> None:
    idp.provider.claims[sso.username] = {"session_expiry": int(NOON.timestamp())}

    with pytest.raises(SignInFailed, match="session has ended at your identity provider"):
        start(browser_sessions, idp, sso.username)


@pytest.mark.parametrize("state", ["service account", "disabled"])
def test_a_user_who_may_not_sign_in_is_refused_whatever_the_provider_proves(
    state: str,
    browser_sessions: BrowserSessions,
    idp: Idp,
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
    browser_sessions: BrowserSessions, idp: Idp, sso: User, database: Database
) -> None:
    proven = idp.prove(sso.username)
    with database.writing() as connection:
        disable_user(connection, sso.id, NOON)

    with pytest.raises(PortalError, match="was changed"):
        browser_sessions.start(proven, CONTEXT)


def test_the_provider_of_a_session_is_found(
    browser_sessions: BrowserSessions, idp: Idp, sso: User, dana: User
) -> None:
    passwords = passwords_of(browser_sessions)
    assert isinstance(passwords, PasswordProvider)
    assert isinstance(idp.provider, RedirectProvider)
    providers = IdentityProviders((passwords, idp.provider))

    assert providers.for_session(start(browser_sessions, idp, sso.username).token) is idp.provider
    assert providers.for_session(sign_in(browser_sessions, dana.username, RIGHT).token) is passwords
    with pytest.raises(SignInAgain, match="no longer accepts"):
        IdentityProviders((passwords,)).for_session(start(browser_sessions, idp, sso.username).token)


class OtherPasswords(LocalPasswords):
    """A second provider that checks passwords, under a name of its own."""

    @property
    def name(self) -> str:
        return "other"


def test_two_providers_with_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        IdentityProviders((FakeOidcProvider(), FakeOidcProvider()))


@pytest.mark.parametrize("name", ["", "password", "Okta", "a/b", "..", "a" * 65, "ok ta"])
def test_a_name_that_is_reserved_or_cannot_be_in_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot have the name"):
        IdentityProviders((FakeOidcProvider(replace(EXAMPLE_IDP, name=name)),))


def test_a_second_password_provider_is_refused(browser_sessions: BrowserSessions) -> None:
    passwords = passwords_of(browser_sessions)
    other = OtherPasswords(passwords.database, passwords.committer, passwords.clock)

    with pytest.raises(ValueError, match="check passwords"):
        IdentityProviders((passwords, other))
