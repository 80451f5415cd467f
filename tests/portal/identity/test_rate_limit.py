"""Tests of the rate limits for passwords, which hold across replicas and reveal nothing about accounts."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import cycle
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import Overloaded, PortalError, SignInFailed, TooManyAttempts
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.browser_sessions import DEVICE_LIFETIME, BrowserSessions
from daypass.portal.identity.model import Role, User
from daypass.portal.identity.passwords import hash_queue_slot
from daypass.portal.identity.rate_limit.limits import (
    PER_ACCOUNT,
    WINDOW,
    RateLimit,
    account,
    consume,
    network,
)
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import guesses
from tests.fakes import NOON, FakeClock
from tests.portal.identity.conftest import HOME, RIGHT, SECOND, WRONG, guess, sign_in
from tests.portal.identity.cost import least_cost

SPELLINGS = (
    "dana@example.com",
    "DANA@Example.com",
    "  dana@example.com\t",
    "\uff44ana@example.com",
    "dana@example.com\u3000",
    "\u1d48an\uff21@EXAMPLE.COM",
)
ELSEWHERE = "198.51.100.1"


@pytest.fixture
def replica(database_url: str, clock: FakeClock) -> Iterator[BrowserSessions]:
    """A second replica of the portal on the same database."""
    database = Database(database_url)
    committer = Committer(database, clock)
    yield BrowserSessions(database, committer, clock)
    committer.close()
    database.close()


def exhaust(database: Database, limit: RateLimit) -> None:
    for _ in range(limit.attempts):
        assert consume(database, [limit], NOON) is None


def outcomes(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(
            connection.scalars(
                select(audit_events.c.outcome)
                .where(audit_events.c.action == "sign_in")
                .order_by(audit_events.c.at, audit_events.c.position)
            )
        )


@pytest.mark.usefixtures("dana")
def test_of_200_attempts_at_one_account_only_ten_are_checked(
    browser_sessions: BrowserSessions, replica: BrowserSessions, database: Database
) -> None:
    jobs = iter(list(zip(cycle((browser_sessions, replica)), cycle(SPELLINGS), range(200), strict=False)))
    refusals: list[type[PortalError]] = []

    def work() -> None:
        for portal, spelling, number in jobs:
            refusals.append(guess(portal, spelling, address=f"203.0.113.{number}"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refusals) == 200
    assert refusals.count(SignInFailed) == PER_ACCOUNT
    # Only the first refusal is audited, so that a flood does not fill the disk.
    assert sorted(outcomes(database)) == ["denied"] + ["failed"] * PER_ACCOUNT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(gaps=st.lists(st.integers(0, 1000), min_size=30, max_size=60))
def test_no_window_of_15_minutes_admits_an_eleventh_attempt(database: Database, gaps: list[int]) -> None:
    limit, now = account(uuid4().hex), NOON
    taken = []
    for gap in gaps:
        now += timedelta(seconds=gap)
        if consume(database, [limit], now) is None:
            taken.append(now)

    for last, eleventh in zip(taken, taken[PER_ACCOUNT:], strict=False):
        assert eleventh - last >= WINDOW


def test_each_attempt_at_an_account_restarts_its_window(database: Database) -> None:
    limit, nearly = account("dana@example.com"), NOON + WINDOW - SECOND
    assert consume(database, [limit], NOON) is None
    for _ in range(PER_ACCOUNT - 1):
        assert consume(database, [limit], nearly) is None

    assert consume(database, [limit], NOON + WINDOW) is not None
    assert consume(database, [limit], NOON + WINDOW + WINDOW) is None


@pytest.mark.usefixtures("dana")
def test_an_account_accepts_sign_ins_again_after_the_window(
    browser_sessions: BrowserSessions, database: Database, clock: FakeClock
) -> None:
    exhaust(database, account("dana@example.com"))
    with pytest.raises(TooManyAttempts, match="15 minutes"):
        sign_in(browser_sessions)

    clock.move(WINDOW)
    sign_in(browser_sessions)


@pytest.mark.usefixtures("dana")
def test_a_correct_password_is_refunded(browser_sessions: BrowserSessions, database: Database) -> None:
    for _ in range(PER_ACCOUNT + 1):
        sign_in(browser_sessions)

    with database.reading() as connection:
        counted = guesses.c.subject.in_([account("dana@example.com").subject, network(HOME).subject])
        assert connection.scalars(select(guesses.c.spent).where(counted)).all() == [0, 0]


@pytest.mark.usefixtures("dana", "ada")
def test_the_network_limit_spans_all_accounts(browser_sessions: BrowserSessions, database: Database) -> None:
    exhaust(database, network(HOME))

    with pytest.raises(TooManyAttempts):
        sign_in(browser_sessions)
    with pytest.raises(TooManyAttempts):
        sign_in(browser_sessions, "ada@example.com")
    sign_in(browser_sessions, address=ELSEWHERE)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "", True),
    ],
)
def test_the_network_limit_is_per_ipv4_address_or_ipv6_prefix(one: str, other: str, is_same: bool) -> None:
    assert (network(one) == network(other)) is is_same


def test_attempts_do_not_extend_the_window_of_the_network_limit(database: Database) -> None:
    limit = network(HOME)
    exhaust(database, limit)
    assert consume(database, [limit], NOON + WINDOW - SECOND) is not None

    assert consume(database, [limit], NOON + WINDOW) is None


@pytest.mark.usefixtures("dana")
def test_an_attacker_cannot_lock_a_user_out_of_a_known_browser(
    browser_sessions: BrowserSessions, database: Database
) -> None:
    device = sign_in(browser_sessions).device.reveal()
    exhaust(database, account("dana@example.com"))
    exhaust(database, network(HOME))
    with pytest.raises(TooManyAttempts):
        sign_in(browser_sessions)

    made = sign_in(browser_sessions, device=device)

    assert made.device.reveal() != device
    with pytest.raises(TooManyAttempts):
        sign_in(browser_sessions, device=device)


@pytest.mark.usefixtures("dana")
def test_a_known_browser_has_the_same_limit_as_an_account(browser_sessions: BrowserSessions) -> None:
    device = sign_in(browser_sessions).device.reveal()
    for _ in range(PER_ACCOUNT):
        assert guess(browser_sessions, device=device) is SignInFailed

    assert guess(browser_sessions, device=device) is TooManyAttempts
    sign_in(browser_sessions, address=ELSEWHERE)


@pytest.mark.usefixtures("dana", "ada")
def test_a_known_browser_counts_for_its_own_user_until_it_expires(
    browser_sessions: BrowserSessions, database: Database, clock: FakeClock
) -> None:
    device = sign_in(browser_sessions).device.reveal()
    exhaust(database, account("ada@example.com"))
    with pytest.raises(TooManyAttempts):
        sign_in(browser_sessions, "ada@example.com", device=device)

    clock.move(DEVICE_LIFETIME)
    for _ in range(PER_ACCOUNT):
        consume(database, [account("dana@example.com")], clock())
    with pytest.raises(TooManyAttempts):
        sign_in(browser_sessions, device=device)


def test_an_unknown_user_and_a_wrong_password_get_the_same_error(
    browser_sessions: BrowserSessions, dana: User
) -> None:
    answers = []
    for name in (dana.username, "nobody@example.com", "no\nbody", "\ud83d", "x" * 5000):
        with pytest.raises(SignInFailed) as refused:
            sign_in(browser_sessions, name, WRONG)
        answers.append(refused.value.reason)

    assert len(set(answers)) == 1


@pytest.mark.usefixtures("dana")
def test_a_full_hash_queue_refuses_sign_ins_without_an_audit_event(
    browser_sessions: BrowserSessions, database: Database
) -> None:
    with ExitStack() as crowd:
        for _ in range(16):
            crowd.enter_context(hash_queue_slot())
        with pytest.raises(Overloaded):
            sign_in(browser_sessions)

    sign_in(browser_sessions)
    assert outcomes(database) == ["done"]


def test_an_unknown_user_costs_the_time_of_a_hash(
    browser_sessions: BrowserSessions, identity: Identity
) -> None:
    known = identity.create_user("dana@example.com", Role.USER, RIGHT, OPERATOR).username

    # Without the dummy hash this takes about 2 milliseconds instead of 20.
    unknown = least_cost(lambda: guess(browser_sessions, "nobody@example.com"))
    assert unknown > least_cost(lambda: guess(browser_sessions, known)) / 2


def test_an_account_without_a_password_cannot_sign_in(browser_sessions: BrowserSessions, dana: User) -> None:
    for password in (Secret(""), Secret("\0 no password is this one \0")):
        with pytest.raises(SignInFailed):
            sign_in(browser_sessions, dana.username, password)


@pytest.mark.usefixtures("dana")
def test_expired_counters_are_deleted_at_the_next_sign_in(
    browser_sessions: BrowserSessions, database: Database, clock: FakeClock
) -> None:
    for number in range(20):
        consume(database, [account(f"{number}")], NOON)
    clock.move(WINDOW + SECOND)

    sign_in(browser_sessions, password=RIGHT)

    with database.reading() as connection:
        # The counters of the account, the network, and the rate limit of sign-ins remain.
        assert connection.scalar(select(func.count()).select_from(guesses)) == 3
