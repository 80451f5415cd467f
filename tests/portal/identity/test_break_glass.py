"""Sign-in with a password where passwords are only for the break-glass account, and the alert of each use."""

import json
from collections.abc import Sequence

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from daypass.portal.audit.refusal_limit import RECORDED
from daypass.portal.config.model import PasswordSignIn
from daypass.portal.errors import SignInFailed, TooManyAttempts
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.model import User
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.local_password import LocalPasswords
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import users
from tests.portal.identity.conftest import HOME, RIGHT, WRONG
from tests.portal.telemetry.recorded import Recorded, recorded

__all__ = ["recorded"]

CONTEXT = SignInContext(HOME, "r")


@pytest.fixture
def passwords(browser_sessions: BrowserSessions) -> LocalPasswords:
    sessions = browser_sessions
    return LocalPasswords(sessions.database, sessions.committer, sessions.clock, PasswordSignIn.BREAK_GLASS)


@pytest.fixture
def glass(ada: User, database: Database) -> User:
    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == ada.id).values(is_break_glass=True))
    return ada


def alerts(database: Database) -> Sequence[tuple[str, str, dict[str, object]]]:
    """Return subject, outcome and detail of the events about uses, in their order."""
    query = select(audit_events).where(audit_events.c.action == "break_glass.use")
    with database.reading() as connection:
        rows = connection.execute(query.order_by(audit_events.c.position)).all()
    return [(row.subject, row.outcome, json.loads(row.detail)) for row in rows]


def test_only_the_break_glass_account_signs_in_where_passwords_are_off(
    passwords: LocalPasswords, dana: User, glass: User
) -> None:
    with pytest.raises(SignInFailed, match="Incorrect username or password"):
        passwords.verify(dana.username, RIGHT, CONTEXT)
    with pytest.raises(SignInFailed, match="Incorrect username or password"):
        passwords.verify_again(dana, RIGHT, CONTEXT)

    assert passwords.verify(glass.username, RIGHT, CONTEXT).record.user == glass
    assert passwords.verify_again(glass, RIGHT, CONTEXT).record.user == glass


def test_a_known_browser_does_not_let_a_user_in(
    passwords: LocalPasswords, browser_sessions: BrowserSessions, dana: User
) -> None:
    before = LocalPasswords(passwords.database, passwords.committer, passwords.clock)
    signed_in = browser_sessions.start(before.verify(dana.username, RIGHT, CONTEXT), CONTEXT)

    with pytest.raises(SignInFailed):
        passwords.verify(dana.username, RIGHT, SignInContext(HOME, "r", signed_in.device.reveal()))


def test_each_use_is_an_alert_a_warning_and_counted(
    passwords: LocalPasswords, glass: User, database: Database, recorded: Recorded
) -> None:
    with capture_logs() as logs:
        with pytest.raises(SignInFailed):
            passwords.verify(glass.username, WRONG, CONTEXT)
        passwords.verify(glass.username, RIGHT, CONTEXT)
        passwords.verify_again(glass, RIGHT, CONTEXT)

    assert alerts(database) == [
        (glass.username, "alert", {"of": action, "result": result, "address": HOME})
        for action, result in (
            ("sign_in", "sign_in_failed"),
            ("sign_in", "ok"),
            ("sign_in.confirm", "ok"),
        )
    ]
    assert [(line["log_level"], line["outcome"]) for line in logs] == [
        ("warning", "sign_in_failed"),
        ("warning", "ok"),
        ("warning", "ok"),
    ]
    assert RIGHT.reveal() not in str(logs)
    counted = "daypass_break_glass_uses_total"
    assert recorded.change(counted, outcome="ok") == 2
    assert recorded.change(counted, outcome="sign_in_failed") == 1


def test_a_use_is_an_alert_also_where_passwords_are_on(
    browser_sessions: BrowserSessions, glass: User, database: Database
) -> None:
    passwords = LocalPasswords(browser_sessions.database, browser_sessions.committer, browser_sessions.clock)

    passwords.verify(glass.username, RIGHT, CONTEXT)

    assert len(alerts(database)) == 1


def test_guesses_cannot_fill_the_audit_log(
    passwords: LocalPasswords, glass: User, database: Database
) -> None:
    for _ in range(RECORDED + 5):
        with pytest.raises((SignInFailed, TooManyAttempts)):
            passwords.verify(glass.username, Secret("x"), CONTEXT)

    assert len(alerts(database)) == RECORDED


def test_the_sign_in_of_others_is_no_alert(
    browser_sessions: BrowserSessions, dana: User, database: Database
) -> None:
    passwords = LocalPasswords(browser_sessions.database, browser_sessions.committer, browser_sessions.clock)

    passwords.verify(dana.username, RIGHT, CONTEXT)

    assert alerts(database) == []
