"""Tests of the tokens that users manage themselves."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AccessDenied, ReauthenticationRequired, SignInAgain, Unauthenticated
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.model import TokenId, TokenKind, User
from daypass.portal.identity.personal_tokens import MAX_TEMPORARY_TOKENS, PersonalTokens
from daypass.portal.identity.reauthentication import RECENT
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import NOON, FakeClock
from tests.portal.identity.conftest import HOME, SECOND, sign_in


@pytest.fixture
def own(identity: Identity) -> PersonalTokens:
    return PersonalTokens(identity)


def reveal(own: PersonalTokens, made: SignedIn) -> Secret:
    return own.reveal_temporary(made.token, made.user, address=HOME, request_id="r")[0]


def is_good(identity: Identity, secret: Secret) -> bool:
    try:
        identity.authenticate(secret.reveal())
    except Unauthenticated:
        return False
    return True


@pytest.mark.usefixtures("dana")
def test_a_temporary_token_ends_with_its_session(
    own: PersonalTokens, identity: Identity, browser_sessions: BrowserSessions, clock: FakeClock
) -> None:
    made = sign_in(browser_sessions)
    clock.move(timedelta(hours=1))

    secret, token = own.reveal_temporary(made.token, made.user, address=HOME, request_id="r")

    assert token.kind is TokenKind.TEMPORARY
    assert token.grant_ends_at == token.expires_at == made.token.expires_at
    assert identity.authenticate(secret.reveal()) == (token, made.user)
    browser_sessions.sign_out(made.token, made.user, "r")
    assert not is_good(identity, secret)


@pytest.mark.usefixtures("dana")
def test_a_sixth_temporary_token_revokes_the_oldest(
    own: PersonalTokens, identity: Identity, browser_sessions: BrowserSessions, clock: FakeClock
) -> None:
    made = sign_in(browser_sessions)
    secrets = []
    for _ in range(MAX_TEMPORARY_TOKENS + 2):
        secrets.append(reveal(own, made))
        clock.move(SECOND)

    assert [is_good(identity, secret) for secret in secrets] == [False] * 2 + [True] * MAX_TEMPORARY_TOKENS


@pytest.mark.usefixtures("dana")
def test_concurrent_requests_leave_no_more_than_five_temporary_tokens(
    own: PersonalTokens, identity: Identity, browser_sessions: BrowserSessions
) -> None:
    made = sign_in(browser_sessions)
    secrets: list[Secret] = []
    threads = [threading.Thread(target=lambda: secrets.append(reveal(own, made))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(is_good(identity, secret) for secret in secrets) == MAX_TEMPORARY_TOKENS


@pytest.mark.usefixtures("dana")
def test_no_temporary_token_is_issued_to_a_revoked_session_or_a_token(
    own: PersonalTokens, browser_sessions: BrowserSessions
) -> None:
    made = sign_in(browser_sessions)
    _, token = own.reveal_temporary(made.token, made.user, address=HOME, request_id="r")
    with pytest.raises(AccessDenied):
        own.reveal_temporary(token, made.user, address=HOME, request_id="r")

    browser_sessions.sign_out(made.token, made.user, "r")
    with pytest.raises(SignInAgain):
        reveal(own, made)


def test_a_user_lists_and_revokes_their_own_tokens_only(
    own: PersonalTokens, identity: Identity, browser_sessions: BrowserSessions, dana: User, ada: User
) -> None:
    secret, token = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    foreign, theirs = identity.create_token(ada, TokenKind.PERMANENT, "ci", OPERATOR)
    made = sign_in(browser_sessions)
    assert {seen.id for seen in own.list_own(dana)} == {token.id, made.token.id}

    own.revoke(dana, token.id, request_id="r")
    own.revoke(dana, theirs.id, request_id="r")

    assert not is_good(identity, secret)
    assert is_good(identity, foreign)
    assert {seen.id for seen in own.list_own(dana)} == {made.token.id}


def test_only_a_revocation_that_has_an_effect_is_audited(
    own: PersonalTokens, identity: Identity, database: Database, dana: User, ada: User
) -> None:
    _, token = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    _, theirs = identity.create_token(ada, TokenKind.PERMANENT, "ci", OPERATOR)

    for token_id in (token.id, token.id, theirs.id, TokenId("no such"), TokenId("\x00")):
        own.revoke(dana, token_id, request_id="r")

    revoked = select(audit_events.c.detail).where(audit_events.c.action == "token.revoke")
    with database.reading() as connection:
        (detail,) = connection.scalars(revoked)
    assert token.id in detail


def test_a_permanent_token_needs_an_administrator_with_a_recent_sign_in(
    own: PersonalTokens, identity: Identity, browser_sessions: BrowserSessions, ada: User, clock: FakeClock
) -> None:
    made = sign_in(browser_sessions, ada.username)

    secret, token = own.add_permanent(made.token, ada, "ci", request_id="r")

    assert token.expires_at == NOON + timedelta(days=365)
    assert is_good(identity, secret)
    clock.move(RECENT + SECOND)
    with pytest.raises(ReauthenticationRequired):
        own.add_permanent(made.token, ada, "ci", request_id="r")


def test_a_user_cannot_create_a_permanent_token(
    own: PersonalTokens, browser_sessions: BrowserSessions, dana: User
) -> None:
    with pytest.raises(AccessDenied, match="Administrators"):
        own.add_permanent(sign_in(browser_sessions).token, dana, "ci", request_id="r")
