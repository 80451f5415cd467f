"""The limit on concurrent AWS calls per role: acquired before the intent, released on every path."""

from collections.abc import Callable
from threading import Event, Semaphore, Thread

import pytest

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import Purpose, SessionRequest
from daypass.portal.access.role_concurrency import RoleBusy, RoleConcurrency
from daypass.portal.errors import AccessDenied, AwsUnavailable, TenantNotFound
from daypass.portal.identity.scopes import Scope
from tests.fakes import accounts_of, brokers_of
from tests.portal.access.conftest import DANA, DEV, PROD, Rig, caller


def issuer(rig: Rig, slots: RoleConcurrency) -> Issuer:
    """Return the issuer of *rig* with this concurrency limit."""
    return Issuer(
        rig.database,
        rig.committer,
        accounts_of(rig.broker),
        brokers_of(rig.broker),
        rig.clock,
        role_concurrency=slots,
    )


def ask(tenant: str) -> SessionRequest:
    return SessionRequest(Scope.of_tenant(tenant), purpose=Purpose.KEYS)


def test_a_role_has_a_fixed_number_of_slots_and_others_are_not_affected() -> None:
    slots = RoleConcurrency(slots_per_role=2)
    first, second = slots.acquire("slow"), slots.acquire("slow")

    with pytest.raises(RoleBusy, match="for the role slow: 2 requests"):
        slots.acquire("slow")
    with slots.acquire("other"):
        assert slots.used_slots("other") == 1
    first.release()
    first.release()
    with slots.acquire("slow"):
        assert slots.used_slots("slow") == 2
    second.release()

    assert (slots.used_slots("slow"), slots.used_slots("other")) == (0, 0)


def test_a_request_for_a_busy_role_is_not_recorded_and_does_not_reach_aws(rig: Rig) -> None:
    slots = RoleConcurrency(slots_per_role=1)
    with slots.acquire(DEV.target.role_arn), pytest.raises(RoleBusy):
        issuer(rig, slots).issue(caller(DANA), ask("dev01"))

    assert (rig.rows(), rig.outcomes(), rig.broker.assumed) == ([], [], [])
    assert issuer(rig, slots).issue(caller(DANA), ask("dev01")).tenant == DEV


def test_an_unauthorized_caller_is_denied_even_if_the_role_is_busy(rig: Rig) -> None:
    slots = RoleConcurrency(slots_per_role=1)
    rig.remove_member(DANA, DEV)
    with slots.acquire(DEV.target.role_arn), slots.acquire(""), pytest.raises(TenantNotFound):
        issuer(rig, slots).issue(caller(DANA), ask("dev01"))

    assert rig.states() == ["denied"]


@pytest.mark.parametrize(
    "fault",
    [
        lambda rig: setattr(rig.broker, "assume_error", AwsUnavailable("AWS did not answer.")),
        lambda rig: setattr(rig.broker, "assume_error", KeyError("a bug")),
        lambda rig: setattr(rig.broker, "assume_error", KeyboardInterrupt()),
        lambda rig: setattr(rig.broker, "during_assume", lambda: rig.remove_member(DANA, DEV)),
        lambda _rig: None,
    ],
    ids=["refused by AWS", "a bug", "interrupted", "revoked during the call", "success"],
)
def test_a_slot_is_released_however_the_request_ends(rig: Rig, fault: Callable[[Rig], None]) -> None:
    slots = RoleConcurrency(slots_per_role=1)
    fault(rig)
    try:
        issuer(rig, slots).issue(caller(DANA), ask("dev01"))
    except (Exception, KeyboardInterrupt) as error:
        assert not isinstance(error, AccessDenied) or rig.states() == ["failed"]

    assert slots.used_slots(DEV.target.role_arn) == 0


def test_a_tenant_whose_aws_calls_hang_does_not_block_other_tenants(rig: Rig) -> None:
    slots, gate, called = RoleConcurrency(slots_per_role=2), Event(), Semaphore(0)
    rig.broker.silent[DEV.target.role_arn], rig.broker.during_assume = gate, called.release
    slow = issuer(rig, slots)
    threads = [Thread(target=slow.issue, args=(caller(DANA), ask("dev01"))) for _ in range(2)]
    for thread in threads:
        thread.start()
        assert called.acquire(timeout=60)

    with pytest.raises(RoleBusy):
        slow.issue(caller(DANA), ask("dev01"))
    other = slow.issue(caller(DANA), ask("prod01"))
    gate.set()
    for thread in threads:
        thread.join()

    assert other.tenant == PROD
    assert rig.states().count("issued") == 3


def test_the_queue_is_bounded_and_first_in_first_out() -> None:
    slots, woken = RoleConcurrency(slots_per_role=1, max_waiting=2), []
    slot = slots.acquire("role")

    assert slots.queue("role", lambda: woken.append("first"))
    assert slots.queue("role", lambda: woken.append("second"))
    assert not slots.queue("role", lambda: woken.append("third"))
    slot.release()
    assert woken == ["first"]
    with slots.acquire("role"):
        slots.wake_next("role")
        assert woken == ["first"]
    assert woken == ["first", "second"]
    assert slots.queue("role", lambda: woken.append("at once"))
    assert woken[-1] == "at once"
