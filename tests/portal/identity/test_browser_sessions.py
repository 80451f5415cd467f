"""Tests of sign-in, idle timeout, reauthentication and sign-out."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    ReauthenticationRequired,
    SignInAgain,
    SignInFailed,
    TooManyAttempts,
    Unauthenticated,
)
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import IDLE_TIMEOUT, RETENTION, BrowserSessions, SignedIn
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User
from daypass.portal.identity.rate_limit.limits import PER_ACCOUNT
from daypass.portal.identity.reauthentication import RECENT, require_recent_authentication
from daypass.portal.identity.scopes import TENANTS_AND_ADMIN, TENANTS_ONLY
from daypass.portal.identity.store.tokens import revoke_token
from daypass.portal.secret import Secret
from daypass.portal.settings.registry import TOKEN_SESSION_DURATION
from daypass.portal.settings.store import SYSTEM
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens, devices, guesses, users
from tests.fakes import NOON, FakeClock
from tests.portal import password_sign_in
from tests.portal.identity.conftest import HOME, RIGHT, SECOND, WRONG, guess, sign_in
from tests.rows import disable_user
from tests.settings import store_setting


def sign_in_events(database: Database) -> list[tuple[str, str, str, Mapping[str, object]]]:
    with database.reading() as connection:
        rows = connection.execute(
            select(
                audit_events.c.action, audit_events.c.outcome, audit_events.c.subject, audit_events.c.detail
            )
            .where(audit_events.c.action.startswith("sign_"))
            .order_by(audit_events.c.position)
        )
        return [(row.action, row.outcome, row.subject, json.loads(row.detail)) for row in rows]


def test_a_session_lasts_as_long_as_the_setting_says(
    browser_sessions: BrowserSessions, dana: User, database: Database
) -> None:
    with database.writing() as connection:
        setting = TOKEN_SESSION_DURATION
        store_setting(connection, SYSTEM, setting.type, setting.key, "90", by="t", now=NOON)

    made = sign_in(browser_sessions, " DANA@example.com")

    assert made.user == dana
    assert made.token.kind is TokenKind.BROWSER
    assert made.token.expires_at == made.token.grant_ends_at == NOON + timedelta(minutes=90)
    assert browser_sessions.find(made.cookie.reveal()) == (made.token, dana)
    with database.reading() as connection:
        assert connection.scalar(select(users.c.last_sign_in_at)) == NOON


def test_sign_ins_are_audited_without_cookies_or_typed_text(
    browser_sessions: BrowserSessions, dana: User, database: Database
) -> None:
    made = sign_in(browser_sessions)
    guess(browser_sessions)
    guess(browser_sessions, "my password, in the wrong field")

    with database.reading() as connection:
        tables = (api_tokens, devices, audit_events, guesses)
        stored = f"{[connection.execute(select(table)).all() for table in tables]}"
    for secret in (made.cookie, made.device, WRONG, Secret("in the wrong field")):
        assert secret.reveal() not in stored
    assert [line[:3] for line in sign_in_events(database)] == [
        ("sign_in", "done", ""),
        ("sign_in", "failed", dana.username),
        ("sign_in", "failed", ""),
    ]


@pytest.mark.usefixtures("dana")
def test_a_sign_in_starts_a_new_session_and_revokes_the_one_it_replaces(
    browser_sessions: BrowserSessions,
) -> None:
    planted = sign_in(browser_sessions)
    mine = sign_in(browser_sessions, replaces=planted.cookie.reveal())

    assert mine.cookie != planted.cookie
    browser_sessions.find(mine.cookie.reveal())
    with pytest.raises(SignInAgain):
        browser_sessions.find(planted.cookie.reveal())


@pytest.mark.usefixtures("dana")
def test_a_session_ends_after_the_idle_timeout(browser_sessions: BrowserSessions, clock: FakeClock) -> None:
    cookie = sign_in(browser_sessions).cookie.reveal()

    for _ in range(3):
        clock.move(IDLE_TIMEOUT - SECOND)
        browser_sessions.find(cookie)
    clock.move(IDLE_TIMEOUT)
    with pytest.raises(SignInAgain):
        browser_sessions.find(cookie)


@pytest.mark.usefixtures("dana")
def test_an_active_session_ends_at_its_maximum_duration(
    browser_sessions: BrowserSessions, clock: FakeClock
) -> None:
    made = sign_in(browser_sessions)

    for _ in range(23):
        clock.move(timedelta(minutes=30))
        browser_sessions.find(made.cookie.reveal())
    clock.now = made.token.expires_at
    with pytest.raises(SignInAgain):
        browser_sessions.find(made.cookie.reveal())


def test_a_disabled_user_is_signed_out_and_cannot_sign_in(
    browser_sessions: BrowserSessions, dana: User, database: Database
) -> None:
    cookie = sign_in(browser_sessions).cookie.reveal()
    with database.writing() as connection:
        disable_user(connection, dana.id, NOON)

    with pytest.raises(SignInAgain):
        browser_sessions.find(cookie)
    with pytest.raises(SignInFailed):
        sign_in(browser_sessions)


@pytest.mark.parametrize("cookie", ["", "nonsense", "daypass_web_" + "x" * 38])
def test_an_invalid_cookie_is_refused(browser_sessions: BrowserSessions, cookie: str) -> None:
    with pytest.raises(Unauthenticated):
        browser_sessions.find(cookie)


def test_a_cookie_is_no_token_and_a_token_is_no_cookie(
    browser_sessions: BrowserSessions, identity: Identity, dana: User
) -> None:
    token, _ = identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)
    cookie = sign_in(browser_sessions).cookie.reveal()

    with pytest.raises(Unauthenticated):
        browser_sessions.find(token.reveal())
    with pytest.raises(Unauthenticated):
        identity.authenticate(cookie)


def child_of(identity: Identity, made: SignedIn, database: Database) -> str:
    """Create a temporary token whose parent is a session."""
    secret, token = identity.create_token(
        made.user, TokenKind.TEMPORARY, "profile", OPERATOR, grant_ends_at=made.token.expires_at
    )
    with database.writing() as connection:
        set_parent = update(api_tokens).where(api_tokens.c.id == token.id).values(parent_id=made.token.id)
        connection.execute(set_parent)
    return secret.reveal()


@pytest.mark.usefixtures("dana")
def test_sign_out_revokes_the_session_and_its_child_tokens(
    browser_sessions: BrowserSessions, identity: Identity, database: Database
) -> None:
    made, other = sign_in(browser_sessions), sign_in(browser_sessions)
    child = child_of(identity, made, database)
    identity.authenticate(child)

    browser_sessions.sign_out(made.token, made.user, "r")

    with pytest.raises(SignInAgain):
        browser_sessions.find(made.cookie.reveal())
    with pytest.raises(Unauthenticated, match="revoked"):
        identity.authenticate(child)
    browser_sessions.find(other.cookie.reveal())
    assert sign_in_events(database)[-1][0] == "sign_out"


def confirm(browser_sessions: BrowserSessions, made: SignedIn, password: Secret = RIGHT) -> SignedIn:
    return password_sign_in.confirm(browser_sessions, made.token, made.user, password, address=HOME)


@pytest.mark.usefixtures("dana")
def test_reauthentication_rotates_the_session_id_and_keeps_its_child_tokens(
    browser_sessions: BrowserSessions, identity: Identity, database: Database, clock: FakeClock
) -> None:
    made = sign_in(browser_sessions)
    child = child_of(identity, made, database)
    clock.move(RECENT + SECOND)
    with pytest.raises(ReauthenticationRequired):
        require_recent_authentication(made.token, clock())

    confirmed = confirm(browser_sessions, made)

    require_recent_authentication(confirmed.token, clock())
    assert browser_sessions.find(confirmed.cookie.reveal())[0] == confirmed.token
    with pytest.raises(SignInAgain):
        browser_sessions.find(made.cookie.reveal())
    identity.authenticate(child)
    browser_sessions.sign_out(confirmed.token, confirmed.user, "r")
    with pytest.raises(Unauthenticated):
        identity.authenticate(child)


@pytest.mark.usefixtures("dana")
def test_a_revoked_session_cannot_be_reauthenticated(browser_sessions: BrowserSessions) -> None:
    made = sign_in(browser_sessions)
    browser_sessions.sign_out(made.token, made.user, "r")

    with pytest.raises(SignInAgain):
        confirm(browser_sessions, made)


@pytest.mark.usefixtures("dana")
def test_reauthentication_has_its_own_rate_limit(browser_sessions: BrowserSessions) -> None:
    made = sign_in(browser_sessions)
    for _ in range(PER_ACCOUNT + 1):
        guess(browser_sessions, address="198.51.100.1")

    for _ in range(PER_ACCOUNT):
        with pytest.raises(SignInFailed):
            confirm(browser_sessions, made, WRONG)
    with pytest.raises(TooManyAttempts):
        confirm(browser_sessions, made)


def test_only_a_recent_session_or_an_exempt_token_proves_a_recent_sign_in(
    browser_sessions: BrowserSessions, identity: Identity, dana: User
) -> None:
    def token(kind: TokenKind, owner: User = dana) -> ApiToken:
        grant = None if kind is TokenKind.PERMANENT else NOON + timedelta(hours=12)
        return identity.create_token(owner, kind, "t", OPERATOR, grant_ends_at=grant)[1]

    admin = identity.create_user("admin@example.com", Role.ADMINISTRATOR, None, OPERATOR)
    exempt = token(TokenKind.PERMANENT, admin)
    require_recent_authentication(exempt, NOON)
    require_recent_authentication(sign_in(browser_sessions).token, NOON)
    for kind in (TokenKind.TEMPORARY, TokenKind.APPROVAL, TokenKind.CLI, TokenKind.PERMANENT):
        with pytest.raises(ReauthenticationRequired):
            require_recent_authentication(token(kind), NOON)
    with pytest.raises(ReauthenticationRequired):
        require_recent_authentication(exempt, NOON, takes_exempt=False)


def test_a_cli_token_proves_a_recent_sign_in_by_its_consent_to_admin_access(
    identity: Identity, dana: User
) -> None:
    ends = NOON + timedelta(hours=12)
    token = identity.create_token(dana, TokenKind.CLI, "t", OPERATOR, grant_ends_at=ends)[1]
    # The token itself is newer than its authorization, because it was refreshed.
    admin = replace(token, scopes=TENANTS_AND_ADMIN, authorized_at=NOON - RECENT)

    require_recent_authentication(admin, NOON)
    for insufficient in (
        replace(admin, scopes=TENANTS_ONLY),
        replace(admin, authorized_at=NOON - RECENT - timedelta(milliseconds=1)),
    ):
        with pytest.raises(ReauthenticationRequired):
            require_recent_authentication(insufficient, NOON)


def test_tokens_that_ended_long_ago_are_deleted_at_the_next_sign_in(
    browser_sessions: BrowserSessions, identity: Identity, dana: User, clock: FakeClock, database: Database
) -> None:
    def token(kind: TokenKind, lasts: timedelta, parent: TokenId | None = None) -> TokenId:
        ends_at = clock() + lasts
        made = identity.new_token(dana, kind, "", expires_at=ends_at, grant_ends_at=ends_at, parent_id=parent)
        identity.add_token(made, dana, OPERATOR)
        return made.id

    def stored() -> set[TokenId]:
        with database.reading() as connection:
            return set(connection.scalars(select(api_tokens.c.id)))

    year, day = timedelta(days=365), timedelta(days=1)
    expired = sign_in(browser_sessions).token.id
    revoked, stays = token(TokenKind.PERMANENT, year), token(TokenKind.PERMANENT, year)
    parent = token(TokenKind.REFRESH, day)
    child = token(TokenKind.TEMPORARY, RETENTION, parent=parent)
    with database.writing() as connection:
        revoke_token(revoked, owner=dana.id, at=clock()).apply(connection)

    clock.move(RETENTION - timedelta(seconds=1))
    last = sign_in(browser_sessions).token.id
    before = stored()
    clock.move(2 * day)
    newest = sign_in(browser_sessions).token.id

    assert before == {expired, revoked, stays, parent, child, last}
    assert stored() == {stays, parent, child, last, newest}
    clock.move(RETENTION)
    sign_in(browser_sessions)
    assert child not in stored()
    sign_in(browser_sessions)
    assert parent not in stored()
    assert stays in stored()
