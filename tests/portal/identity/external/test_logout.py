"""The end of sessions by their identity provider, also in races with sign-ins."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from daypass.portal.audit.committer import Committer
from daypass.portal.errors import LogoutReplayed, SignInAgain, SignInFailed
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.logout import ProviderLogout
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import add_identity
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User
from daypass.portal.identity.providers.oidc.model import LogoutToken
from daypass.portal.identity.store.tokens import TokenStore, add_token
from daypass.portal.identity.tokens import digest
from daypass.portal.storage.engine import Database
from tests.fakes import NOON, FakeClock
from tests.portal.identity.conftest import person, sign_in
from tests.portal.identity.external.conftest import CONTEXT, OKTA, authentication, events

RACES = 100
THREADS = 8
LATER = NOON + timedelta(minutes=2)
OF_SESSION = LogoutToken("sid-00u-dana", "00u-dana", "jti-1", LATER)
OF_USER = LogoutToken(None, "00u-dana", "jti-2", LATER)


@pytest.fixture
def logout(database: Database, committer: Committer, clock: FakeClock) -> ProviderLogout:
    return ProviderLogout(database, committer, clock)


@pytest.fixture
def linked(database: Database, dana: User) -> User:
    with database.writing() as connection:
        add_identity(ExternalIdentity(OKTA.name, OKTA.issuer, "00u-dana", dana.id, NOON)).apply(connection)
    return dana


@pytest.fixture
def session(
    accounts: ExternalAccounts,
    browser_sessions: BrowserSessions,
    linked: User,  # noqa: ARG001  the user of the account
) -> SignedIn:
    return browser_sessions.start(accounts.prove(OKTA, authentication(), CONTEXT), CONTEXT)


def end(logout: ProviderLogout, token: LogoutToken) -> None:
    logout.end(OKTA.name, OKTA.issuer, token, address="192.0.2.200", request_id="r")


def other_token(kind: TokenKind, owner: User, parent: ApiToken | None = None) -> ApiToken:
    ends_at = NOON + timedelta(hours=8)
    parent_id = None if parent is None else parent.id
    return ApiToken(TokenId(uuid4().hex), kind, "x", owner.id, NOON, ends_at, ends_at, parent_id=parent_id)


def is_ended(database: Database, token: ApiToken) -> bool:
    with database.reading() as connection:
        return TokenStore(connection).is_ended(token.id)


def test_a_session_at_the_provider_ends_its_browser_session_and_the_tokens_below_it(
    logout: ProviderLogout,
    browser_sessions: BrowserSessions,
    session: SignedIn,
    database: Database,
) -> None:
    by_password = sign_in(browser_sessions)
    tokens = {
        kind: other_token(kind, session.user, parent)
        for kind, parent in (
            (TokenKind.TEMPORARY, session.token),
            (TokenKind.REFRESH, None),
            (TokenKind.PERMANENT, None),
        )
    }
    with database.writing() as connection:
        for token in tokens.values():
            add_token(token, digest(token.id)).apply(connection)

    end(logout, OF_SESSION)

    with pytest.raises(SignInAgain):
        browser_sessions.find(session.cookie.reveal())
    browser_sessions.find(by_password.cookie.reveal())
    assert {kind: is_ended(database, token) for kind, token in tokens.items()} == {
        TokenKind.TEMPORARY: True,
        TokenKind.REFRESH: False,
        TokenKind.PERMANENT: False,
    }
    action, outcome, subject, detail = events(database)[-1]
    assert (action, outcome, subject) == ("sign_out.provider", "done", session.user.username)
    assert (detail["provider"], detail["sid"]) == ("okta", "sid-00u-dana")


def test_the_end_of_all_sessions_of_a_user_ends_every_sign_in(
    logout: ProviderLogout, browser_sessions: BrowserSessions, session: SignedIn, database: Database
) -> None:
    by_password = sign_in(browser_sessions)
    grant, permanent = (other_token(kind, session.user) for kind in (TokenKind.REFRESH, TokenKind.PERMANENT))
    access = other_token(TokenKind.CLI, session.user, grant)
    with database.writing() as connection:
        for token in (grant, access, permanent):
            add_token(token, digest(token.id)).apply(connection)

    end(logout, OF_USER)

    for signed_in in (session, by_password):
        with pytest.raises(SignInAgain):
            browser_sessions.find(signed_in.cookie.reveal())
    assert [is_ended(database, token) for token in (grant, access, permanent)] == [True, True, False]


@pytest.mark.parametrize(
    ("provider", "issuer", "token"),
    [
        ("entra", OKTA.issuer, OF_SESSION),
        ("okta", "https://other.example.com", OF_SESSION),
        ("okta", OKTA.issuer, replace(OF_SESSION, sid="sid-of-another")),
        ("entra", OKTA.issuer, OF_USER),
        ("okta", "https://other.example.com", OF_USER),
        ("okta", OKTA.issuer, replace(OF_USER, subject="00u-eve")),
    ],
)
def test_what_another_provider_or_account_ends_stays(
    provider: str,
    issuer: str,
    token: LogoutToken,
    logout: ProviderLogout,
    browser_sessions: BrowserSessions,
    session: SignedIn,
) -> None:
    logout.end(provider, issuer, token)

    browser_sessions.find(session.cookie.reveal())


@pytest.mark.parametrize("token", [OF_SESSION, OF_USER])
def test_a_logout_token_counts_once_for_twelve_minutes(
    token: LogoutToken, logout: ProviderLogout, clock: FakeClock, session: SignedIn, database: Database
) -> None:
    end(logout, token)
    clock.move(timedelta(minutes=12) - timedelta(seconds=1))
    recorded = events(database)

    with pytest.raises(LogoutReplayed):
        end(logout, token)

    assert events(database) == recorded
    assert is_ended(database, session.token)


def test_of_eight_equal_logout_tokens_at_once_one_counts(logout: ProviderLogout, database: Database) -> None:
    gate, outcomes = threading.Barrier(THREADS), []

    def send() -> None:
        gate.wait(30)
        try:
            end(logout, OF_SESSION)
            outcomes.append("ok")
        except LogoutReplayed:
            outcomes.append("replayed")

    threads = [threading.Thread(target=send) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["ok", *["replayed"] * (THREADS - 1)]
    assert [action for action, *_ in events(database)] == ["sign_out.provider"]


def test_a_sign_in_that_the_provider_ended_before_it_was_finished_starts_no_session(
    logout: ProviderLogout,
    accounts: ExternalAccounts,
    browser_sessions: BrowserSessions,
    linked: User,  # noqa: ARG001  the user of the account
) -> None:
    proven = accounts.prove(OKTA, authentication(), CONTEXT)
    end(logout, OF_SESSION)

    with pytest.raises(SignInFailed, match="has ended at your identity provider"):
        browser_sessions.start(proven, CONTEXT)

    browser_sessions.start(
        accounts.prove(OKTA, replace(authentication(), sid="a-new-session"), CONTEXT), CONTEXT
    )


def test_a_later_logout_is_kept_instead_of_an_earlier_one(
    logout: ProviderLogout,
    accounts: ExternalAccounts,
    browser_sessions: BrowserSessions,
    linked: User,  # noqa: ARG001  the user of the account
    clock: FakeClock,
) -> None:
    end(logout, OF_USER)
    clock.move(timedelta(seconds=5))
    between = replace(authentication(), requested_at=clock())
    clock.move(timedelta(seconds=5))
    end(logout, replace(OF_USER, jti="jti-3"))

    with pytest.raises(SignInFailed, match="has ended at your identity provider"):
        browser_sessions.start(accounts.prove(OKTA, between, CONTEXT), CONTEXT)


@pytest.mark.parametrize("token", [OF_SESSION, OF_USER])
def test_a_sign_in_that_began_before_the_logout_starts_no_session(
    token: LogoutToken,
    logout: ProviderLogout,
    accounts: ExternalAccounts,
    browser_sessions: BrowserSessions,
    linked: User,  # noqa: ARG001  the user of the account
    clock: FakeClock,
) -> None:
    # A provider may send no `sid`, and may keep the session that it logs out of the portal.
    before = replace(authentication(), sid=token.sid, requested_at=clock())
    clock.move(timedelta(seconds=5))
    end(logout, token)
    clock.move(timedelta(seconds=5))
    after = replace(before, requested_at=clock())

    with pytest.raises(SignInFailed, match="has ended at your identity provider"):
        browser_sessions.start(accounts.prove(OKTA, before, CONTEXT), CONTEXT)

    browser_sessions.start(accounts.prove(OKTA, after, CONTEXT), CONTEXT)


@pytest.fixture
def replica(database_url: str) -> Iterator[Database]:
    """The same database, opened by another replica."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def at_replica(replica: Database) -> Iterator[ProviderLogout]:
    """The logout that another replica serves."""
    committer = Committer(replica, lambda: NOON)
    yield ProviderLogout(replica, committer, lambda: NOON)
    committer.close()


def run_in_threads(jobs: Iterable[tuple[Callable[[str], None], str]]) -> None:
    """Run jobs on eight threads, begun in their order; each has an argument."""
    waiting, lock = list(jobs)[::-1], threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                job, argument = waiting.pop()
            job(argument)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_in_a_hundred_races_no_session_survives_the_logout_of_its_account(
    database: Database,
    at_replica: ProviderLogout,
    accounts: ExternalAccounts,
    browser_sessions: BrowserSessions,
    identity: Identity,
) -> None:
    subjects = [f"00u-{number}" for number in range(RACES)]
    people = [person(identity, f"{subject}@example.com", Role.USER) for subject in subjects]
    with database.writing() as connection:
        for subject, user in zip(subjects, people, strict=True):
            add_identity(ExternalIdentity(OKTA.name, OKTA.issuer, subject, user.id, NOON)).apply(connection)
    proofs = {each: accounts.prove(OKTA, authentication(subject=each), CONTEXT) for each in subjects}
    started: list[ApiToken] = []

    def start(subject: str) -> None:
        with suppress(SignInFailed):
            started.append(browser_sessions.start(proofs[subject], CONTEXT).token)

    def end_all(subject: str) -> None:
        sid = f"sid-{subject}" if int(subject.removeprefix("00u-")) % 4 < 2 else None
        end(at_replica, LogoutToken(sid, subject, f"jti-{subject}", LATER))

    run_in_threads(
        (job, subject)
        for number, subject in enumerate(subjects)
        for job in ((start, end_all), (end_all, start))[number % 2]
    )

    assert 0 < len(started) < RACES
    assert [token for token in started if not is_ended(database, token)] == []
