"""Tests of learning the portal's identity in the background; readers never wait."""

import threading

import pytest

from daypass.portal.aws.identity import PortalIdentity, Principal
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.errors import AwsError, AwsMisconfigured, AwsThrottled, AwsUnavailable

ACCOUNT = Principal("123456789012", is_session=False)


def test_a_reader_gets_the_latest_error_and_then_the_identity() -> None:
    failures: list[AwsError] = [AwsThrottled("Pause."), AwsMisconfigured("Renew the keys.")]

    def ask() -> Principal:
        if failures:
            raise failures.pop(0)
        return ACCOUNT

    identity = PortalIdentity(ask, Timing())
    with pytest.raises(AwsUnavailable):
        identity.get()
    for kind in (AwsThrottled, AwsMisconfigured):
        with pytest.raises(kind):
            identity.discover()
        with pytest.raises(kind):
            identity.get()
    identity.discover()

    assert (identity.get(), identity.failure) == (ACCOUNT, None)


def test_a_silent_aws_delays_neither_the_start_nor_a_reader() -> None:
    may_answer, known = threading.Event(), threading.Event()

    def ask() -> Principal:
        may_answer.wait(60)
        return ACCOUNT

    identity = PortalIdentity(ask, Timing())
    identity.when_known(known.set)
    identity.discover_in_background(0.0)
    with pytest.raises(AwsUnavailable):
        identity.get()
    may_answer.set()

    assert known.wait(60)
    assert identity.get() == ACCOUNT


def test_each_callback_runs_once_even_if_added_late() -> None:
    called: list[str] = []
    identity = PortalIdentity(lambda: ACCOUNT, Timing())
    identity.when_known(lambda: called.append("early"))
    identity.discover()
    identity.discover()
    identity.when_known(lambda: called.append("late"))

    assert called == ["early", "late"]


def test_retries_back_off_to_half_a_minute_with_jitter() -> None:
    def ask() -> Principal:
        raise AssertionError

    least, most = (
        PortalIdentity(ask, Timing(random=lambda: 0.0)),
        PortalIdentity(ask, Timing(random=lambda: 1.0)),
    )

    assert [most.pause_after(attempt) for attempt in range(6)] == [1, 2, 4, 8, 16, 30]
    assert [least.pause_after(attempt) for attempt in (0, 5, 1000)] == [0.5, 15, 15]
