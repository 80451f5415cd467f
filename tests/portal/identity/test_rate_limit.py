"""Guessing is capped by account, network and browser, on all replicas together, and tells nobody anything."""

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

from daypass.portal.audit.log import AuditLog
from daypass.portal.errors import Overloaded, PortalError, SignInFailed, TooManyAttempts
from daypass.portal.identity.authentication import OPERATOR, Identity
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
from daypass.portal.storage.schema import audit_events, guesses
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
    """Another portal on the same database."""
    database = Database(database_url)
    audit = AuditLog(database, clock)
    yield BrowserSessions(database, audit, clock)
    audit.close()
    database.close()


def exhaust(database: Database, budget: RateLimit) -> None:
    for _ in range(budget.limit):
        assert consume(database, [budget], NOON) is None


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
def test_of_200_guesses_at_one_account_ten_are_looked_at(
    sign_ins: BrowserSessions, replica: BrowserSessions, database: Database
) -> None:
    jobs = iter(list(zip(cycle((sign_ins, replica)), cycle(SPELLINGS), range(200), strict=False)))
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
    # One line says that the budget is gone; a flood does not fill the disk.
    assert sorted(outcomes(database)) == ["denied"] + ["failed"] * PER_ACCOUNT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(gaps=st.lists(st.integers(0, 1000), min_size=30, max_size=60))
def test_no_span_of_fifteen_minutes_sees_an_eleventh_guess(database: Database, gaps: list[int]) -> None:
    budget, now = account(uuid4().hex), NOON
    taken = []
    for gap in gaps:
        now += timedelta(seconds=gap)
        if consume(database, [budget], now) is None:
            taken.append(now)

    for last, eleventh in zip(taken, taken[PER_ACCOUNT:], strict=False):
        assert eleventh - last >= WINDOW


def test_each_guess_puts_off_the_moment_at_which_all_count_anew(database: Database) -> None:
    budget, nearly = account("dana@example.com"), NOON + WINDOW - SECOND
    assert consume(database, [budget], NOON) is None
    for _ in range(PER_ACCOUNT - 1):
        assert consume(database, [budget], nearly) is None

    assert consume(database, [budget], NOON + WINDOW) is not None
    assert consume(database, [budget], NOON + WINDOW + WINDOW) is None


@pytest.mark.usefixtures("dana")
def test_an_account_opens_again_by_itself(
    sign_ins: BrowserSessions, database: Database, clock: FakeClock
) -> None:
    exhaust(database, account("dana@example.com"))
    with pytest.raises(TooManyAttempts, match="15 minutes"):
        sign_in(sign_ins)

    clock.move(WINDOW)
    sign_in(sign_ins)


@pytest.mark.usefixtures("dana")
def test_what_was_right_was_no_guess(sign_ins: BrowserSessions, database: Database) -> None:
    for _ in range(PER_ACCOUNT + 1):
        sign_in(sign_ins)

    with database.reading() as connection:
        counted = guesses.c.subject.in_([account("dana@example.com").subject, network(HOME).subject])
        assert connection.scalars(select(guesses.c.spent).where(counted)).all() == [0, 0]


@pytest.mark.usefixtures("dana", "ada")
def test_one_network_cannot_try_every_account(sign_ins: BrowserSessions, database: Database) -> None:
    exhaust(database, network(HOME))

    with pytest.raises(TooManyAttempts):
        sign_in(sign_ins)
    with pytest.raises(TooManyAttempts):
        sign_in(sign_ins, "ada@example.com")
    sign_in(sign_ins, address=ELSEWHERE)


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
def test_a_network_is_an_address_or_a_home_full_of_them(one: str, other: str, is_same: bool) -> None:
    assert (network(one) == network(other)) is is_same


def test_a_network_s_budget_comes_back_however_busy_it_is(database: Database) -> None:
    budget = network(HOME)
    exhaust(database, budget)
    assert consume(database, [budget], NOON + WINDOW - SECOND) is not None

    assert consume(database, [budget], NOON + WINDOW) is None


@pytest.mark.usefixtures("dana")
def test_a_stranger_cannot_lock_a_person_out_of_a_browser_they_used_before(
    sign_ins: BrowserSessions, database: Database
) -> None:
    device = sign_in(sign_ins).device.reveal()
    exhaust(database, account("dana@example.com"))
    exhaust(database, network(HOME))
    with pytest.raises(TooManyAttempts):
        sign_in(sign_ins)

    made = sign_in(sign_ins, device=device)

    assert made.device.reveal() != device
    with pytest.raises(TooManyAttempts):
        sign_in(sign_ins, device=device)


@pytest.mark.usefixtures("dana")
def test_a_known_browser_guesses_no_more_than_anybody(sign_ins: BrowserSessions) -> None:
    device = sign_in(sign_ins).device.reveal()
    for _ in range(PER_ACCOUNT):
        assert guess(sign_ins, device=device) is SignInFailed

    assert guess(sign_ins, device=device) is TooManyAttempts
    sign_in(sign_ins, address=ELSEWHERE)


@pytest.mark.usefixtures("dana", "ada")
def test_a_browser_is_known_for_its_own_user_and_not_for_ever(
    sign_ins: BrowserSessions, database: Database, clock: FakeClock
) -> None:
    device = sign_in(sign_ins).device.reveal()
    exhaust(database, account("ada@example.com"))
    with pytest.raises(TooManyAttempts):
        sign_in(sign_ins, "ada@example.com", device=device)

    clock.move(DEVICE_LIFETIME)
    for _ in range(PER_ACCOUNT):
        consume(database, [account("dana@example.com")], clock())
    with pytest.raises(TooManyAttempts):
        sign_in(sign_ins, device=device)


def test_a_stranger_s_name_and_a_wrong_password_are_told_apart_by_nothing(
    sign_ins: BrowserSessions, dana: User
) -> None:
    answers = []
    for name in (dana.username, "nobody@example.com", "no\nbody", "\ud83d", "x" * 5000):
        with pytest.raises(SignInFailed) as refused:
            sign_in(sign_ins, name, WRONG)
        answers.append(refused.value.reason)

    assert len(set(answers)) == 1


@pytest.mark.usefixtures("dana")
def test_a_crowd_that_signs_in_leaves_threads_for_everybody_else(
    sign_ins: BrowserSessions, database: Database
) -> None:
    with ExitStack() as crowd:
        for _ in range(16):
            crowd.enter_context(hash_queue_slot())
        with pytest.raises(Overloaded):
            sign_in(sign_ins)

    sign_in(sign_ins)
    assert outcomes(database) == ["done"]


def test_an_unknown_user_costs_a_hash_too(sign_ins: BrowserSessions, identity: Identity) -> None:
    known = identity.create_user("dana@example.com", Role.USER, RIGHT, OPERATOR).username

    # Without the dummy hash this is two milliseconds against some twenty.
    unknown = least_cost(lambda: guess(sign_ins, "nobody@example.com"))
    assert unknown > least_cost(lambda: guess(sign_ins, known)) / 2


def test_an_account_without_a_password_has_no_way_in(sign_ins: BrowserSessions, dana: User) -> None:
    for password in (Secret(""), Secret("\0 no password is this one \0")):
        with pytest.raises(SignInFailed):
            sign_in(sign_ins, dana.username, password)


@pytest.mark.usefixtures("dana")
def test_old_budgets_are_forgotten(sign_ins: BrowserSessions, database: Database, clock: FakeClock) -> None:
    for number in range(20):
        consume(database, [account(f"{number}")], NOON)
    clock.move(WINDOW + SECOND)

    sign_in(sign_ins, password=RIGHT)

    with database.reading() as connection:
        # Those of the account and the network, and the rate limit of sign-ins.
        assert connection.scalar(select(func.count()).select_from(guesses)) == 3
