import threading

import pytest
from argon2 import extract_parameters

from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.passwords import _hash_slots, check_password, hash_password, verify_password
from daypass.portal.secret import Secret
from tests.portal.identity.cost import least_cost
from tests.portal.storage.blocked import is_inside
from tests.waiting import wait_until

PASSWORD = Secret("correct horse battery")


def test_a_password_is_hashed_with_argon2id_of_the_documented_cost() -> None:
    stored = hash_password(PASSWORD)

    parameters = extract_parameters(stored)
    assert parameters.type.name == "ID"
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (2, 19 * 1024, 1)
    assert PASSWORD.reveal() not in stored
    assert hash_password(PASSWORD) != stored


def test_only_the_right_password_is_accepted() -> None:
    stored = hash_password(PASSWORD)

    assert verify_password(stored, PASSWORD)
    assert not verify_password(stored, Secret("correct horse batterz"))
    assert not verify_password(stored, Secret(""))


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=1"])
def test_an_account_without_a_password_accepts_none(stored: str | None) -> None:
    assert not verify_password(stored, PASSWORD)
    assert not verify_password(stored, Secret("\0 no password is this one \0"))


def test_an_unknown_user_costs_the_time_of_a_hash() -> None:
    stored = hash_password(PASSWORD)

    # Without the dummy hash this takes microseconds instead of about 20 milliseconds.
    unknown = least_cost(lambda: verify_password(None, PASSWORD))
    assert unknown > least_cost(lambda: verify_password(stored, PASSWORD)) / 5


def test_at_most_two_passwords_are_hashed_at_once() -> None:
    stored = hash_password(PASSWORD)
    answers: list[bool] = []
    guess = threading.Thread(target=lambda: answers.append(verify_password(stored, PASSWORD)))

    with _hash_slots, _hash_slots:
        guess.start()
        wait_until(lambda: bool(answers) or is_inside(guess, threading.Semaphore.acquire))
        assert answers == []
    guess.join()

    assert answers == [True]


@pytest.mark.parametrize("length", [0, 11, 257])
def test_a_password_too_short_or_too_long_is_refused(length: int) -> None:
    with pytest.raises(InvalidRequest, match="12 to 256 characters"):
        check_password(Secret("x" * length))


def test_a_lone_surrogate_in_a_password_is_accepted() -> None:
    odd = Secret("correct horse \ud83d")
    check_password(odd)

    assert verify_password(hash_password(odd), odd)
    assert not verify_password(hash_password(PASSWORD), odd)
