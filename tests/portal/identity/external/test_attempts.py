"""Attempts to authenticate at an identity provider."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from daypass.portal.errors import RateLimited
from daypass.portal.identity.external.attempts import SignInAttempts
from daypass.portal.identity.external.model import ATTEMPT_LIFETIME, Attempt, Purpose
from daypass.portal.identity.model import TokenId, User
from daypass.portal.identity.rate_limit import limits
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.identity import guesses
from daypass.portal.storage.schema.sign_in import sign_in_attempts
from tests.fakes import NOON, FakeClock
from tests.portal.identity.conftest import HOME, SECOND

STATE = Secret("state-of-this-attempt")
VERIFIER = Secret("v" * 43)
ATTEMPT = Attempt("okta", Purpose.SIGN_IN, "nonce", VERIFIER, "/resources", NOON, address=HOME)


@pytest.fixture
def attempts(database: Database, clock: FakeClock) -> SignInAttempts:
    return SignInAttempts.of(database, clock)


def rows(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(sign_in_attempts)) or 0


def test_an_answer_finds_its_attempt_with_all_that_was_demanded(attempts: SignInAttempts, dana: User) -> None:
    asked = replace(
        ATTEMPT,
        purpose=Purpose.REAUTHENTICATE,
        user_id=dana.id,
        token_id=TokenId("session"),
        max_age=timedelta(0),
        acr_values=("urn:okta:loa:2fa:any", "phr"),
    )

    id_ = attempts.begin(asked, STATE)

    assert attempts.take(id_.reveal(), STATE.reveal(), "okta") == asked


def test_an_attempt_is_answered_once(attempts: SignInAttempts) -> None:
    id_ = attempts.begin(ATTEMPT, STATE).reveal()

    assert attempts.take(id_, STATE.reveal(), "okta") == ATTEMPT
    assert attempts.take(id_, STATE.reveal(), "okta") is None


def test_of_eight_answers_at_once_one_counts(attempts: SignInAttempts) -> None:
    id_ = attempts.begin(ATTEMPT, STATE).reveal()
    gate, taken = threading.Barrier(8), []

    def answer() -> None:
        gate.wait(30)
        taken.append(attempts.take(id_, STATE.reveal(), "okta"))

    threads = [threading.Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [found for found in taken if found is not None] == [ATTEMPT]
    assert len(taken) == 8


wrong = pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(lambda _id: ("another-browser", STATE.reveal(), "okta"), id="another browser"),
        pytest.param(lambda _id: ("", STATE.reveal(), "okta"), id="no cookie"),
        pytest.param(lambda id_: (id_, "another-state", "okta"), id="another state"),
        pytest.param(lambda id_: (id_, "", "okta"), id="no state"),
        pytest.param(lambda id_: (id_, "\ud800", "okta"), id="a state that is no text"),
        pytest.param(lambda id_: (id_, "s" * 10_000, "okta"), id="a long state"),
        pytest.param(lambda id_: (id_, STATE.reveal(), "entra"), id="another provider"),
    ],
)


@wrong
def test_an_answer_that_is_not_of_this_attempt_is_refused_and_leaves_it(
    arguments: Callable[[str], tuple[str, str, str]], attempts: SignInAttempts
) -> None:
    id_ = attempts.begin(ATTEMPT, STATE).reveal()

    assert attempts.take(*arguments(id_)) is None

    assert attempts.take(id_, STATE.reveal(), "okta") == ATTEMPT


def test_an_attempt_lasts_ten_minutes(attempts: SignInAttempts, clock: FakeClock) -> None:
    first, second = (attempts.begin(ATTEMPT, STATE).reveal() for _ in "ab")

    clock.move(ATTEMPT_LIFETIME - SECOND)
    assert attempts.take(first, STATE.reveal(), "okta") == ATTEMPT

    clock.move(SECOND)
    assert attempts.take(second, STATE.reveal(), "okta") is None


def test_the_next_attempt_deletes_the_expired_ones(
    attempts: SignInAttempts, clock: FakeClock, database: Database
) -> None:
    for _ in range(3):
        attempts.begin(ATTEMPT, STATE)
    clock.move(ATTEMPT_LIFETIME)

    attempts.begin(replace(ATTEMPT, created_at=clock()), STATE)

    assert rows(database) == 1


def test_the_database_has_neither_the_verifier_nor_the_state_nor_the_id(
    attempts: SignInAttempts, database: Database
) -> None:
    id_ = attempts.begin(ATTEMPT, STATE).reveal()

    with database.reading() as connection:
        stored = repr(connection.execute(select(sign_in_attempts)).one())
    assert [secret for secret in (id_, STATE.reveal(), VERIFIER.reveal()) if secret in stored] == []


def test_another_replica_reads_the_attempt(attempts: SignInAttempts, clock: FakeClock) -> None:
    id_ = attempts.begin(ATTEMPT, STATE).reveal()

    replica = SignInAttempts.of(attempts.database, clock)

    assert replica.take(id_, STATE.reveal(), "okta") == ATTEMPT


def test_one_network_begins_a_limited_number(attempts: SignInAttempts, database: Database) -> None:
    used_up = {
        "subject": limits.provider_attempts(HOME).subject,
        "spent": limits.ATTEMPTS_PER_NETWORK,
        "resets_at": NOON + limits.WINDOW,
    }
    with database.writing() as connection:
        connection.execute(insert(guesses), used_up)

    with pytest.raises(RateLimited, match="from your network"):
        attempts.begin(ATTEMPT, STATE)
    attempts.begin(replace(ATTEMPT, address="198.51.100.9"), STATE)

    assert rows(database) == 1
