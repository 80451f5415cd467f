"""Tests of concurrent answers, on each kind of database."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread

from daypass.portal.errors import InvalidRequest, PortalError
from daypass.portal.identity.model import User
from daypass.portal.identity.passkeys.store import remove_passkey
from daypass.portal.identity.store.users import UserStore
from tests.fixtures.authenticator import Authenticator
from tests.fixtures.pgbouncer import database_url
from tests.portal.identity.passkeys.conftest import CONTEXT, ORIGIN, Desk
from tests.portal.storage.blocked import start_blocked

__all__ = ["database_url"]

_TOGETHER = 8


def outcomes_of(attempts: Sequence[Callable[[], object]]) -> Sequence[str]:
    """Return the sorted outcomes of attempts that run at the same time: `ok`, or an error code."""
    barrier, outcomes = Barrier(len(attempts)), list[str]()

    def run(attempt: Callable[[], object]) -> None:
        barrier.wait()
        try:
            attempt()
            outcomes.append("ok")
        except PortalError as error:
            outcomes.append(error.code)

    threads = [Thread(target=run, args=(attempt,)) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_eight_registrations_with_one_challenge_one_counts(desk: Desk, dana: User) -> None:
    token = desk.session(dana).token
    begun = desk.passkeys.begin_registration(token, dana, "r")
    handle = begun.handle.reveal()
    answers = [Authenticator(ORIGIN).register(begun.options) for _ in range(_TOGETHER)]

    def register(text: str) -> Callable[[], object]:
        return lambda: desk.passkeys.register(token, dana, handle, text, "x", CONTEXT)

    assert outcomes_of([register(text) for text in answers]) == ["ok", *["request_over"] * 7]
    assert len(desk.passkeys.list_own(dana)) == 1


def test_of_eight_second_factors_with_one_challenge_one_signs_in(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)
    handle = desk.begin(dana)
    answer = authenticator.show(desk.second_factors.find(handle).options)

    def finish() -> object:
        return desk.second_factors.finish(handle, answer, CONTEXT)

    assert outcomes_of([finish] * _TOGETHER) == ["ok", *["request_over"] * 7]


def test_of_two_answers_with_one_counter_one_counts(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)
    token = desk.session(dana).token
    authenticator.count = 5
    begun = [desk.passkeys.begin_reauthentication(token, dana, "r") for _ in range(2)]
    answers = [authenticator.show(ceremony.options) for ceremony in begun]

    def prove(index: int) -> Callable[[], object]:
        handle = begun[index].handle.reveal()
        return lambda: desk.passkeys.prove_again(token, dana, handle, answers[index], CONTEXT)

    assert outcomes_of([prove(0), prove(1)]) == ["ok", "sign_in_failed"]


def test_two_removals_leave_the_passkey_that_is_needed(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    passkeys = [desk.register(dana, one) for one in (authenticator, Authenticator(ORIGIN))]
    desk.require("everyone")
    token = desk.session(dana).token

    def remove(index: int) -> Callable[[], object]:
        return lambda: desk.passkeys.remove(token, dana, passkeys[index].id, "r")

    assert outcomes_of([remove(0), remove(1)]) == ["invalid_request", "ok"]
    assert len(desk.passkeys.list_own(dana)) == 1


def test_two_enrolments_after_one_password_make_one_passkey(desk: Desk, dana: User) -> None:
    desk.require("everyone")
    handles = [desk.begin(dana) for _ in range(2)]
    answers = [Authenticator(ORIGIN).register(desk.second_factors.find(handle).options) for handle in handles]

    def enrol(index: int) -> Callable[[], object]:
        return lambda: desk.second_factors.finish(handles[index], answers[index], CONTEXT, name="x")

    assert outcomes_of([enrol(0), enrol(1)]) == ["ok", "sign_in_failed"]
    assert len(desk.passkeys.list_own(dana)) == 1


def test_a_removal_waits_for_one_on_another_replica(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    first, second = (desk.register(dana, one) for one in (authenticator, Authenticator(ORIGIN)))
    desk.require("everyone")
    token = desk.session(dana).token
    outcomes = list[str]()

    def remove() -> None:
        try:
            desk.passkeys.remove(token, dana, second.id, "r")
        except InvalidRequest as refusal:
            outcomes.append(refusal.code)

    with desk.database.writing() as connection:
        UserStore(connection).lock_login(dana.username)
        remove_passkey(first.credential_id, owner=dana.id).apply(connection)
        thread = start_blocked(remove, desk.database)
    thread.join()

    assert outcomes == ["invalid_request"]
    assert desk.passkeys.list_own(dana) == [second]
