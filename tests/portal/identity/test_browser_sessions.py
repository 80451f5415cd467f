"""Signing in, staying signed in, saying once more who one is, and signing out."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from daypass.portal.errors import (
    ReauthenticationRequired,
    SignInAgain,
    SignInFailed,
    TooManyAttempts,
    Unauthenticated,
)
from daypass.portal.identity.authentication import OPERATOR, Identity
from daypass.portal.identity.browser_sessions import (
    FRESH,
    IDLE,
    KEPT_AFTER_END,
    BrowserSessions,
    SignedIn,
    require_recent_authentication,
)
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User
from daypass.portal.identity.rate_limit.limits import PER_ACCOUNT
from daypass.portal.identity.store import REVOKE_TOKEN
from daypass.portal.secret import Secret
from daypass.portal.settings.registry import TOKEN_SESSION_DURATION
from daypass.portal.settings.store import SYSTEM, SettingStore
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema import api_tokens, audit_events, devices, guesses, users
from tests.fakes import NOON, FakeClock
from tests.portal.identity.conftest import HOME, RIGHT, SECOND, WRONG, guess, sign_in
from tests.rows import disable_user


def record(database: Database) -> list[tuple[str, str, str, Mapping[str, object]]]:
    with database.reading() as connection:
        rows = connection.execute(
            select(
                audit_events.c.action, audit_events.c.outcome, audit_events.c.subject, audit_events.c.detail
            )
            .where(audit_events.c.action.startswith("sign_"))
            .order_by(audit_events.c.position)
        )
        return [(row.action, row.outcome, row.subject, json.loads(row.detail)) for row in rows]


def test_a_sign_in_lasts_as_long_as_is_set(sign_ins: BrowserSessions, dana: User, database: Database) -> None:
    with database.writing() as connection:
        setting = TOKEN_SESSION_DURATION
        SettingStore(connection).put(SYSTEM, setting.type, setting.key, "90", by="t", now=NOON)

    made = sign_in(sign_ins, " DANA@example.com")

    assert made.user == dana
    assert made.token.kind is TokenKind.BROWSER
    assert made.token.expires_at == made.token.grant_ends_at == NOON + timedelta(minutes=90)
    assert sign_ins.find(made.cookie.reveal()) == (made.token, dana)
    with database.reading() as connection:
        assert connection.scalar(select(users.c.last_sign_in_at)) == NOON


def test_a_sign_in_is_on_record_and_its_cookies_are_not(
    sign_ins: BrowserSessions, dana: User, database: Database
) -> None:
    made = sign_in(sign_ins)
    guess(sign_ins)
    guess(sign_ins, "my password, in the wrong field")

    with database.reading() as connection:
        tables = (api_tokens, devices, audit_events, guesses)
        stored = f"{[connection.execute(select(table)).all() for table in tables]}"
    for secret in (made.cookie, made.device, WRONG, Secret("in the wrong field")):
        assert secret.reveal() not in stored
    assert [line[:3] for line in record(database)] == [
        ("sign_in", "done", ""),
        ("sign_in", "failed", dana.username),
        ("sign_in", "failed", ""),
    ]


@pytest.mark.usefixtures("dana")
def test_each_sign_in_is_a_new_one_and_ends_what_the_browser_had(sign_ins: BrowserSessions) -> None:
    planted = sign_in(sign_ins)
    mine = sign_in(sign_ins, replaces=planted.cookie.reveal())

    assert mine.cookie != planted.cookie
    sign_ins.find(mine.cookie.reveal())
    with pytest.raises(SignInAgain):
        sign_ins.find(planted.cookie.reveal())


@pytest.mark.usefixtures("dana")
def test_a_sign_in_ends_when_nothing_was_asked_for_an_hour(
    sign_ins: BrowserSessions, clock: FakeClock
) -> None:
    cookie = sign_in(sign_ins).cookie.reveal()

    for _ in range(3):
        clock.move(IDLE - SECOND)
        sign_ins.find(cookie)
    clock.move(IDLE)
    with pytest.raises(SignInAgain):
        sign_ins.find(cookie)


@pytest.mark.usefixtures("dana")
def test_a_sign_in_ends_however_busy_it_is(sign_ins: BrowserSessions, clock: FakeClock) -> None:
    made = sign_in(sign_ins)

    for _ in range(23):
        clock.move(timedelta(minutes=30))
        sign_ins.find(made.cookie.reveal())
    clock.now = made.token.expires_at
    with pytest.raises(SignInAgain):
        sign_ins.find(made.cookie.reveal())


def test_a_disabled_user_is_signed_out_and_stays_out(
    sign_ins: BrowserSessions, dana: User, database: Database
) -> None:
    cookie = sign_in(sign_ins).cookie.reveal()
    with database.writing() as connection:
        disable_user(connection, dana.id, NOON)

    with pytest.raises(SignInAgain):
        sign_ins.find(cookie)
    with pytest.raises(SignInFailed):
        sign_in(sign_ins)


@pytest.mark.parametrize("cookie", ["", "nonsense", "daypass_web_" + "x" * 38])
def test_what_is_no_cookie_of_ours_is_nobody(sign_ins: BrowserSessions, cookie: str) -> None:
    with pytest.raises(Unauthenticated):
        sign_ins.find(cookie)


def test_a_cookie_and_a_token_do_not_stand_for_each_other(
    sign_ins: BrowserSessions, identity: Identity, dana: User
) -> None:
    token, _ = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    cookie = sign_in(sign_ins).cookie.reveal()

    with pytest.raises(Unauthenticated):
        sign_ins.find(token.reveal())
    with pytest.raises(Unauthenticated):
        identity.authenticate(cookie)


def child_of(identity: Identity, made: SignedIn, database: Database) -> str:
    """A temporary token that stands on a sign-in."""
    secret, token = identity.create_token(
        made.user, TokenKind.TEMPORARY, "profile", OPERATOR, grant_ends_at=made.token.expires_at
    )
    with database.writing() as connection:
        stands = update(api_tokens).where(api_tokens.c.id == token.id).values(parent_id=made.token.id)
        connection.execute(stands)
    return secret.reveal()


@pytest.mark.usefixtures("dana")
def test_signing_out_ends_the_sign_in_and_all_that_stands_on_it(
    sign_ins: BrowserSessions, identity: Identity, database: Database
) -> None:
    made, other = sign_in(sign_ins), sign_in(sign_ins)
    child = child_of(identity, made, database)
    identity.authenticate(child)

    sign_ins.sign_out(made.token, made.user, "r")

    with pytest.raises(SignInAgain):
        sign_ins.find(made.cookie.reveal())
    with pytest.raises(Unauthenticated, match="revoked"):
        identity.authenticate(child)
    sign_ins.find(other.cookie.reveal())
    assert record(database)[-1][0] == "sign_out"


def confirm(sign_ins: BrowserSessions, made: SignedIn, password: Secret = RIGHT) -> SignedIn:
    return sign_ins.confirm(made.token, made.user, password, address=HOME, request_id="r")


@pytest.mark.usefixtures("dana")
def test_giving_the_password_once_more_makes_a_new_id_and_keeps_what_stood_on_the_old(
    sign_ins: BrowserSessions, identity: Identity, database: Database, clock: FakeClock
) -> None:
    made = sign_in(sign_ins)
    child = child_of(identity, made, database)
    clock.move(FRESH + SECOND)
    with pytest.raises(ReauthenticationRequired):
        require_recent_authentication(made.token, clock())

    confirmed = confirm(sign_ins, made)

    require_recent_authentication(confirmed.token, clock())
    assert sign_ins.find(confirmed.cookie.reveal())[0] == confirmed.token
    with pytest.raises(SignInAgain):
        sign_ins.find(made.cookie.reveal())
    identity.authenticate(child)
    sign_ins.sign_out(confirmed.token, confirmed.user, "r")
    with pytest.raises(Unauthenticated):
        identity.authenticate(child)


@pytest.mark.usefixtures("dana")
def test_a_sign_in_that_was_ended_cannot_be_confirmed(sign_ins: BrowserSessions) -> None:
    made = sign_in(sign_ins)
    sign_ins.sign_out(made.token, made.user, "r")

    with pytest.raises(SignInAgain):
        confirm(sign_ins, made)


@pytest.mark.usefixtures("dana")
def test_confirming_is_guessing_too_and_strangers_do_not_use_its_budget_up(sign_ins: BrowserSessions) -> None:
    made = sign_in(sign_ins)
    for _ in range(PER_ACCOUNT + 1):
        guess(sign_ins, address="198.51.100.1")

    for _ in range(PER_ACCOUNT):
        with pytest.raises(SignInFailed):
            confirm(sign_ins, made, WRONG)
    with pytest.raises(TooManyAttempts):
        confirm(sign_ins, made)


def test_only_a_sign_in_just_made_or_an_exempt_token_proves_a_recent_sign_in(
    sign_ins: BrowserSessions, identity: Identity, dana: User
) -> None:
    def token(kind: TokenKind, owner: User = dana) -> ApiToken:
        grant = None if kind is TokenKind.PERMANENT else NOON + timedelta(hours=12)
        return identity.create_token(owner, kind, "t", OPERATOR, grant_ends_at=grant)[1]

    admin = identity.create_user("admin@example.com", Role.ADMINISTRATOR, None, OPERATOR)
    exempt = token(TokenKind.PERMANENT, admin)
    require_recent_authentication(exempt, NOON)
    require_recent_authentication(sign_in(sign_ins).token, NOON)
    for kind in (TokenKind.TEMPORARY, TokenKind.APPROVAL, TokenKind.CLI, TokenKind.PERMANENT):
        with pytest.raises(ReauthenticationRequired):
            require_recent_authentication(token(kind), NOON)
    with pytest.raises(ReauthenticationRequired):
        require_recent_authentication(exempt, NOON, takes_exempt=False)


def test_a_command_line_proves_its_authorization_for_admin_access_alone(
    identity: Identity, dana: User
) -> None:
    ends = NOON + timedelta(hours=12)
    token = identity.create_token(dana, TokenKind.CLI, "t", OPERATOR, grant_ends_at=ends)[1]
    # The token itself is newer: it was renewed.
    admin = replace(token, allows_admin=True, authorized_at=NOON - FRESH)

    require_recent_authentication(admin, NOON)
    for none in (
        replace(admin, allows_admin=False),
        replace(admin, authorized_at=NOON - FRESH - timedelta(milliseconds=1)),
    ):
        with pytest.raises(ReauthenticationRequired):
            require_recent_authentication(none, NOON)


def test_what_ended_long_ago_is_forgotten_with_the_next_sign_in(
    sign_ins: BrowserSessions, identity: Identity, dana: User, clock: FakeClock, database: Database
) -> None:
    def token(kind: TokenKind, lasts: timedelta, parent: TokenId | None = None) -> TokenId:
        ends_at = clock() + lasts
        made = identity.new_token(dana, kind, "", expires_at=ends_at, grant_ends_at=ends_at, parent_id=parent)
        identity.add_token(made, dana, OPERATOR)
        return made.id

    def remembered() -> set[TokenId]:
        with database.reading() as connection:
            return set(connection.scalars(select(api_tokens.c.id)))

    year, day = timedelta(days=365), timedelta(days=1)
    over = sign_in(sign_ins).token.id
    revoked, stays = token(TokenKind.PERMANENT, year), token(TokenKind.PERMANENT, year)
    stood_on = token(TokenKind.REFRESH, day)
    stands = token(TokenKind.TEMPORARY, KEPT_AFTER_END, parent=stood_on)
    with database.writing() as connection:
        row = {"ended_id": revoked, "owner_id": dana.id, "ended_at": clock()}
        connection.execute(REVOKE_TOKEN, row)

    clock.move(KEPT_AFTER_END - timedelta(seconds=1))
    last = sign_in(sign_ins).token.id
    before = remembered()
    clock.move(2 * day)
    newest = sign_in(sign_ins).token.id

    assert before == {over, revoked, stays, stood_on, stands, last}
    assert remembered() == {stays, stood_on, stands, last, newest}
    clock.move(KEPT_AFTER_END)
    sign_in(sign_ins)
    assert stands not in remembered()
    sign_in(sign_ins)
    assert stood_on not in remembered()
    assert stays in remembered()
