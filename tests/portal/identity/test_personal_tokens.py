"""What a user does with tokens of their own."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from daypass.portal.errors import AccessDenied, ReauthenticationRequired, SignInAgain, Unauthenticated
from daypass.portal.identity.authentication import OPERATOR, Identity
from daypass.portal.identity.browser_sessions import FRESH, BrowserSessions, SignedIn
from daypass.portal.identity.model import TokenId, TokenKind, User
from daypass.portal.identity.personal_tokens import LIVE_AT_MOST, PersonalTokens
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema import audit_events
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
def test_a_revealed_token_ends_with_the_sign_in(
    own: PersonalTokens, identity: Identity, sign_ins: BrowserSessions, clock: FakeClock
) -> None:
    made = sign_in(sign_ins)
    clock.move(timedelta(hours=1))

    secret, token = own.reveal_temporary(made.token, made.user, address=HOME, request_id="r")

    assert token.kind is TokenKind.TEMPORARY
    assert token.grant_ends_at == token.expires_at == made.token.expires_at
    assert identity.authenticate(secret.reveal()) == (token, made.user)
    sign_ins.sign_out(made.token, made.user, "r")
    assert not is_good(identity, secret)


@pytest.mark.usefixtures("dana")
def test_five_are_live_at_most_and_the_oldest_goes(
    own: PersonalTokens, identity: Identity, sign_ins: BrowserSessions, clock: FakeClock
) -> None:
    made = sign_in(sign_ins)
    secrets = []
    for _ in range(LIVE_AT_MOST + 2):
        secrets.append(reveal(own, made))
        clock.move(SECOND)

    assert [is_good(identity, secret) for secret in secrets] == [False] * 2 + [True] * LIVE_AT_MOST


@pytest.mark.usefixtures("dana")
def test_a_crowd_reveals_no_more_than_five(
    own: PersonalTokens, identity: Identity, sign_ins: BrowserSessions
) -> None:
    made = sign_in(sign_ins)
    secrets: list[Secret] = []
    threads = [threading.Thread(target=lambda: secrets.append(reveal(own, made))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(is_good(identity, secret) for secret in secrets) == LIVE_AT_MOST


@pytest.mark.usefixtures("dana")
def test_nothing_is_revealed_to_a_sign_in_that_has_ended_or_to_a_token(
    own: PersonalTokens, sign_ins: BrowserSessions
) -> None:
    made = sign_in(sign_ins)
    _, token = own.reveal_temporary(made.token, made.user, address=HOME, request_id="r")
    with pytest.raises(AccessDenied):
        own.reveal_temporary(token, made.user, address=HOME, request_id="r")

    sign_ins.sign_out(made.token, made.user, "r")
    with pytest.raises(SignInAgain):
        reveal(own, made)


def test_a_user_sees_their_own_and_ends_them(
    own: PersonalTokens, identity: Identity, sign_ins: BrowserSessions, dana: User, ada: User
) -> None:
    secret, token = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    foreign, theirs = identity.create_token(ada, TokenKind.PERMANENT, "ci", OPERATOR)
    made = sign_in(sign_ins)
    assert {seen.id for seen in own.list_own(dana)} == {token.id, made.token.id}

    own.revoke(dana, token.id, request_id="r")
    own.revoke(dana, theirs.id, request_id="r")

    assert not is_good(identity, secret)
    assert is_good(identity, foreign)
    assert {seen.id for seen in own.list_own(dana)} == {made.token.id}


def test_only_a_revocation_that_ends_a_token_is_on_record(
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


def test_an_administrator_who_has_just_signed_in_makes_a_permanent_token(
    own: PersonalTokens, identity: Identity, sign_ins: BrowserSessions, ada: User, clock: FakeClock
) -> None:
    made = sign_in(sign_ins, ada.username)

    secret, token = own.add_permanent(made.token, ada, "ci", request_id="r")

    assert token.expires_at == NOON + timedelta(days=365)
    assert is_good(identity, secret)
    clock.move(FRESH + SECOND)
    with pytest.raises(ReauthenticationRequired):
        own.add_permanent(made.token, ada, "ci", request_id="r")


def test_others_make_no_permanent_token(own: PersonalTokens, sign_ins: BrowserSessions, dana: User) -> None:
    with pytest.raises(AccessDenied, match="Administrators"):
        own.add_permanent(sign_in(sign_ins).token, dana, "ci", request_id="r")
