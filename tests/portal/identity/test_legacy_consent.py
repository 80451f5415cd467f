"""Tests of the tokens for legacy clients: consent, limits and revocation."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from daypass.portal.audit.refusal_limit import RECORDED, SUPPRESSED
from daypass.portal.audit.refusal_limit import WINDOW as REFUSAL_WINDOW
from daypass.portal.config.model import LegacyLoopback
from daypass.portal.errors import (
    AccessDenied,
    PortalError,
    ReauthenticationRequired,
    SignInAgain,
    Unauthenticated,
)
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.legacy_consent import GRANT, LIFETIME, USE_WITHIN, LegacyConsents, shown_name
from daypass.portal.identity.model import ApiToken, Role, TokenKind, User
from daypass.portal.identity.personal_tokens import PersonalTokens
from daypass.portal.identity.reauthentication import RECENT
from daypass.portal.identity.scopes import ADMIN_SCOPE, consented_scopes
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import users
from tests.fakes import NOON, FakeClock
from tests.portal.identity.conftest import HOME, SECOND, sign_in

ACCEPTS = {TokenKind.APPROVAL}
ELSEWHERE = "198.51.100.1"


@pytest.fixture
def approvals(identity: Identity) -> LegacyConsents:
    return LegacyConsents(identity, LegacyLoopback.ON)


def approve(
    approvals: LegacyConsents, made: SignedIn, application: str = "duploctl", *, wants_admin: bool = False
) -> tuple[Secret, ApiToken]:
    return approvals.approve(
        made.token,
        made.user,
        application,
        consent=uuid4().hex,
        scopes=consented_scopes(with_admin=wants_admin),
        address=HOME,
        request_id="r",
    )


def use(identity: Identity, secret: Secret, address: str = HOME) -> ApiToken:
    return identity.authenticate(secret.reveal(), ACCEPTS, address=address, request_id="r")[0]


def events(database: Database, action: str) -> list[str]:
    with database.reading() as connection:
        return list(connection.scalars(select(audit_events.c.outcome).where(audit_events.c.action == action)))


@pytest.mark.usefixtures("dana")
def test_an_approval_token_lasts_an_hour_and_its_consent_twelve(
    approvals: LegacyConsents, browser_sessions: BrowserSessions
) -> None:
    _, token = approve(approvals, sign_in(browser_sessions))

    assert token.kind is TokenKind.APPROVAL
    assert token.expires_at == NOON + LIFETIME == NOON + timedelta(minutes=60)
    assert token.grant_ends_at == NOON + GRANT == NOON + timedelta(hours=12)
    assert not token.covers(ADMIN_SCOPE)


@pytest.mark.usefixtures("dana")
def test_an_approval_is_void_unless_used_within_a_minute(
    approvals: LegacyConsents, identity: Identity, browser_sessions: BrowserSessions, clock: FakeClock
) -> None:
    made = sign_in(browser_sessions)
    late, _ = approve(approvals, made, "duploctl")
    timely, _ = approve(approvals, made, "duplo-jit")

    clock.move(USE_WITHIN - SECOND)
    use(identity, timely)
    clock.move(SECOND)

    with pytest.raises(Unauthenticated, match="within a minute"):
        use(identity, late)
    use(identity, timely)
    clock.now = NOON + LIFETIME
    with pytest.raises(Unauthenticated, match="expired"):
        use(identity, timely)


@pytest.mark.usefixtures("dana")
def test_an_approval_token_is_accepted_by_the_legacy_channel_only(
    approvals: LegacyConsents, identity: Identity, browser_sessions: BrowserSessions
) -> None:
    secret, _ = approve(approvals, sign_in(browser_sessions))

    with pytest.raises(Unauthenticated, match="not accepted here"):
        identity.authenticate(secret.reveal())
    with pytest.raises(Unauthenticated):
        browser_sessions.find(secret.reveal())


def test_a_new_approval_revokes_the_previous_one_for_the_same_application_and_scope(
    approvals: LegacyConsents, identity: Identity, browser_sessions: BrowserSessions, ada: User
) -> None:
    made = sign_in(browser_sessions, ada.username)
    before, _ = approve(approvals, made)
    others = [
        approve(approvals, made, "duplo-jit")[0],
        approve(approvals, made, wants_admin=True)[0],
    ]

    newest, _ = approve(approvals, made)

    with pytest.raises(Unauthenticated, match="revoked"):
        use(identity, before)
    for secret in (newest, *others):
        use(identity, secret)


@pytest.mark.usefixtures("dana")
def test_of_concurrent_approvals_exactly_one_token_remains(
    approvals: LegacyConsents, identity: Identity, browser_sessions: BrowserSessions
) -> None:
    made = sign_in(browser_sessions)
    secrets: list[Secret] = []
    threads = [
        threading.Thread(target=lambda: secrets.append(approve(approvals, made)[0])) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    good = 0
    for secret in secrets:
        try:
            use(identity, secret)
        except Unauthenticated:
            continue
        good += 1
    assert (len(secrets), good) == (12, 1)


def test_an_approval_is_listed_and_revocable_and_outlives_the_session(
    approvals: LegacyConsents, identity: Identity, browser_sessions: BrowserSessions, dana: User
) -> None:
    made, own = sign_in(browser_sessions), PersonalTokens(identity)
    secret, token = approve(approvals, made)
    use(identity, secret)
    browser_sessions.sign_out(made.token, dana, "r")

    use(identity, secret)
    assert [(seen.id, seen.application) for seen in own.list_own(dana)] == [(token.id, "duploctl")]
    own.revoke(dana, token.id, request_id="r")
    with pytest.raises(Unauthenticated, match="revoked"):
        use(identity, secret)


@pytest.mark.usefixtures("dana")
def test_an_approval_that_is_void_is_not_listed(
    approvals: LegacyConsents, identity: Identity, browser_sessions: BrowserSessions, clock: FakeClock
) -> None:
    made = sign_in(browser_sessions)
    approve(approvals, made)
    clock.move(USE_WITHIN)

    assert [token.kind for token in PersonalTokens(identity).list_own(made.user)] == [TokenKind.BROWSER]


@pytest.mark.usefixtures("dana")
def test_the_first_use_of_an_approval_is_audited_and_a_change_of_network_is_an_alert(
    approvals: LegacyConsents, identity: Identity, browser_sessions: BrowserSessions, database: Database
) -> None:
    secret, _ = approve(approvals, sign_in(browser_sessions))

    for address in (HOME, HOME, f"::ffff:{HOME}", ELSEWHERE, ELSEWHERE):
        use(identity, secret, address)

    assert events(database, "token.first_use") == ["done"]
    assert events(database, "token.network_changed") == ["alert"]


@pytest.mark.usefixtures("dana")
def test_alerts_of_a_client_that_keeps_changing_its_network_are_rate_limited(
    approvals: LegacyConsents,
    identity: Identity,
    browser_sessions: BrowserSessions,
    database: Database,
    clock: FakeClock,
) -> None:
    secret, _ = approve(approvals, sign_in(browser_sessions))
    for _ in range(RECORDED):
        for address in (HOME, ELSEWHERE):
            use(identity, secret, address)

    assert events(database, "token.network_changed") == ["alert"] * RECORDED
    clock.move(REFUSAL_WINDOW)
    for address in (HOME, ELSEWHERE):
        use(identity, secret, address)
    assert events(database, SUPPRESSED) == ["alert"]


def test_admin_access_needs_an_administrator_with_a_recent_sign_in(
    approvals: LegacyConsents, browser_sessions: BrowserSessions, dana: User, ada: User, clock: FakeClock
) -> None:
    with pytest.raises(AccessDenied, match="for Administrators"):
        approve(approvals, sign_in(browser_sessions, dana.username), wants_admin=True)
    made = sign_in(browser_sessions, ada.username)
    assert approve(approvals, made, wants_admin=True)[1].covers(ADMIN_SCOPE)

    clock.move(RECENT + SECOND)
    with pytest.raises(ReauthenticationRequired):
        approve(approvals, made, wants_admin=True)
    assert not approve(approvals, made)[1].covers(ADMIN_SCOPE)


@pytest.mark.parametrize(
    ("loopback", "wants_admin", "is_open"),
    [
        (LegacyLoopback.ON, False, True),
        (LegacyLoopback.ON, True, True),
        (LegacyLoopback.TENANT_ONLY, False, True),
        (LegacyLoopback.TENANT_ONLY, True, False),
        (LegacyLoopback.OFF, False, False),
        (LegacyLoopback.OFF, True, False),
    ],
)
def test_the_loopback_setting_limits_legacy_clients(
    identity: Identity,
    browser_sessions: BrowserSessions,
    ada: User,
    loopback: LegacyLoopback,
    wants_admin: bool,
    is_open: bool,
) -> None:
    made = sign_in(browser_sessions, ada.username)
    refusal: PortalError | None = None
    try:
        approve(LegacyConsents(identity, loopback), made, wants_admin=wants_admin)
    except AccessDenied as denied:
        refusal = denied

    assert (refusal is None) is is_open
    assert refusal is None or "daypass command" in refusal.reason


def test_no_token_is_issued_after_sign_out_or_demotion(
    approvals: LegacyConsents, browser_sessions: BrowserSessions, ada: User, database: Database
) -> None:
    made, signed_out = sign_in(browser_sessions, ada.username), sign_in(browser_sessions, ada.username)
    browser_sessions.sign_out(signed_out.token, ada, "r")
    with pytest.raises(SignInAgain):
        approve(approvals, signed_out)

    with database.writing() as connection:
        connection.execute(update(users).where(users.c.id == ada.id).values(role=Role.USER.value))
    with pytest.raises(AccessDenied):
        approve(approvals, made, wants_admin=True)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("duploctl", "duploctl"),
        ("x" * 100, "x" * 32),
        ("a\nb\x1b[31m\u202ec", "ab[31mc"),
        ("  ", ""),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_an_application_name_is_sanitised_for_display(typed: str, shown: str) -> None:
    assert shown_name(typed) == shown
