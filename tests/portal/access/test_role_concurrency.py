"""The limit of concurrent AWS calls per role: taken before the intent, released on every path."""

from collections.abc import Callable
from threading import Event, Semaphore, Thread

import pytest

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import Ask, Purpose, TenantScope
from daypass.portal.access.role_concurrency import RoleBusy, RoleConcurrency
from daypass.portal.errors import AccessDenied, AwsUnavailable, TenantNotFound
from tests.portal.access.conftest import DANA, DEV, MASTER, PROD, Rig, caller


def issuer(rig: Rig, shares: RoleConcurrency) -> Issuer:
    """The issuer of *rig*, with that limit."""
    return Issuer(rig.database, rig.audit, rig.broker, rig.clock, lambda: MASTER, "us-west-2", shares=shares)


def ask(tenant: str) -> Ask:
    return Ask(TenantScope(tenant), purpose=Purpose.KEYS)


def test_a_role_takes_no_more_than_its_share_and_others_are_not_affected() -> None:
    shares = RoleConcurrency(most=2)
    first, second = shares.hold("slow"), shares.hold("slow")

    with pytest.raises(RoleBusy, match="for the role slow: 2 requests"):
        shares.hold("slow")
    with shares.hold("other"):
        assert shares.calls("other") == 1
    first.release()
    first.release()
    with shares.hold("slow"):
        assert shares.calls("slow") == 2
    second.release()

    assert (shares.calls("slow"), shares.calls("other")) == (0, 0)


def test_a_busy_role_leaves_no_trace_and_aws_is_not_asked(rig: Rig) -> None:
    shares = RoleConcurrency(most=1)
    with shares.hold(DEV.role_arn), pytest.raises(RoleBusy):
        issuer(rig, shares).issue(caller(DANA), ask("dev01"))

    assert (rig.rows(), rig.outcomes(), rig.broker.assumed) == ([], [], [])
    assert issuer(rig, shares).issue(caller(DANA), ask("dev01")).tenant == DEV


def test_who_may_not_is_denied_whether_the_role_is_busy_or_not(rig: Rig) -> None:
    shares = RoleConcurrency(most=1)
    rig.leave(DANA, DEV)
    with shares.hold(DEV.role_arn), shares.hold(""), pytest.raises(TenantNotFound):
        issuer(rig, shares).issue(caller(DANA), ask("dev01"))

    assert rig.states() == ["denied"]


@pytest.mark.parametrize(
    "fault",
    [
        lambda rig: setattr(rig.broker, "assume_error", AwsUnavailable("AWS did not answer.")),
        lambda rig: setattr(rig.broker, "assume_error", KeyError("a bug")),
        lambda rig: setattr(rig.broker, "assume_error", KeyboardInterrupt()),
        lambda rig: setattr(rig.broker, "meanwhile", lambda: rig.leave(DANA, DEV)),
        lambda _rig: None,
    ],
    ids=["refused by AWS", "a bug", "interrupted", "withdrawn meanwhile", "well"],
)
def test_a_share_is_released_however_the_request_ends(rig: Rig, fault: Callable[[Rig], None]) -> None:
    shares = RoleConcurrency(most=1)
    fault(rig)
    try:
        issuer(rig, shares).issue(caller(DANA), ask("dev01"))
    except (Exception, KeyboardInterrupt) as error:
        assert not isinstance(error, AccessDenied) or rig.states() == ["failed"]

    assert shares.calls(DEV.role_arn) == 0


def test_a_tenant_whose_aws_is_silent_holds_its_share_and_no_more(rig: Rig) -> None:
    shares, gate, asked = RoleConcurrency(most=2), Event(), Semaphore(0)
    rig.broker.silent[DEV.role_arn], rig.broker.meanwhile = gate, asked.release
    slow = issuer(rig, shares)
    threads = [Thread(target=slow.issue, args=(caller(DANA), ask("dev01"))) for _ in range(2)]
    for thread in threads:
        thread.start()
        assert asked.acquire(timeout=60)

    with pytest.raises(RoleBusy):
        slow.issue(caller(DANA), ask("dev01"))
    other = slow.issue(caller(DANA), ask("prod01"))
    gate.set()
    for thread in threads:
        thread.join()

    assert other.tenant == PROD
    assert rig.states().count("issued") == 3


def test_the_queue_is_bounded_in_order_and_woken_once_for_each_share() -> None:
    shares, woken = RoleConcurrency(most=1, most_waiting=2), []
    held = shares.hold("role")

    assert shares.queue("role", lambda: woken.append("first"))
    assert shares.queue("role", lambda: woken.append("second"))
    assert not shares.queue("role", lambda: woken.append("third"))
    held.release()
    assert woken == ["first"]
    with shares.hold("role"):
        shares.wake_next("role")
        assert woken == ["first"]
    assert woken == ["first", "second"]
    assert shares.queue("role", lambda: woken.append("at once"))
    assert woken[-1] == "at once"
