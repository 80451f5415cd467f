import threading
import time

import pytest
from argon2 import extract_parameters

from daypass.portal.identity.passwords import hash_password, verify_password
from daypass.portal.secret import Secret

PASSWORD = Secret("correct horse battery")


def test_a_password_is_kept_as_argon2id_of_the_agreed_cost() -> None:
    stored = hash_password(PASSWORD)

    parameters = extract_parameters(stored)
    assert parameters.type.name == "ID"
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (2, 19 * 1024, 1)
    assert PASSWORD.reveal() not in stored
    assert hash_password(PASSWORD) != stored


def test_only_the_right_password_is_taken() -> None:
    stored = hash_password(PASSWORD)

    assert verify_password(stored, PASSWORD)
    assert not verify_password(stored, Secret("correct horse batterz"))
    assert not verify_password(stored, Secret(""))


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=1"])
def test_no_password_opens_an_account_without_one(stored: str | None) -> None:
    assert not verify_password(stored, PASSWORD)
    assert not verify_password(stored, Secret("\0 no password is this one \0"))


def test_an_unknown_user_costs_a_hash_too() -> None:
    stored = hash_password(PASSWORD)
    verify_password(stored, PASSWORD)

    started = time.thread_time()
    verify_password(stored, PASSWORD)
    known = time.thread_time() - started
    started = time.thread_time()
    verify_password(None, PASSWORD)
    unknown = time.thread_time() - started

    # Without the dummy hash this is some microseconds against some 20 milliseconds.
    assert unknown > known / 5


def test_a_crowd_of_guesses_waits_for_its_turn() -> None:
    stored = hash_password(PASSWORD)
    answers: list[bool] = []
    threads = [
        threading.Thread(target=lambda: answers.append(verify_password(stored, PASSWORD))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [True] * 8
