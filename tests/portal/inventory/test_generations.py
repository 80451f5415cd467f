"""Tests of the generation that a tenant's role is known to have."""

from datetime import timedelta

import pytest

from daypass.portal.accounts.model import DEFAULT, Generation
from daypass.portal.accounts.registry import PerAccount
from daypass.portal.errors import AwsNotAllowed
from daypass.portal.inventory.generations import MAX_AGE, RoleGenerations
from tests.fakes import FakeBoundaries, FakeBroker, FakeClock, accounts_of

ROLE = "arn:aws:iam::123456789012:role/duploservices-dev01"
POLICY = "arn:aws:iam::123456789012:policy"


def generations(reader: FakeBoundaries | None, clock: FakeClock) -> RoleGenerations:
    readers = None if reader is None else PerAccount({DEFAULT: reader})
    return RoleGenerations(accounts_of(FakeBroker(clock)), readers, clock)


@pytest.mark.parametrize(
    ("boundary", "generation"),
    [
        (f"{POLICY}/daypass-boundary", Generation.INLINE),
        (f"{POLICY}/daypass-boundary-2", Generation.SHARED),
        (f"{POLICY}/of-another-owner", None),
        (None, None),
    ],
)
def test_the_boundary_tells_the_generation(boundary: str | None, generation: Generation | None) -> None:
    assert generations(FakeBoundaries(boundary), FakeClock()).find(ROLE) == generation


def test_an_answer_is_valid_for_ten_minutes() -> None:
    reader, clock = FakeBoundaries(f"{POLICY}/daypass-boundary"), FakeClock()
    known = generations(reader, clock)
    known.find(ROLE)
    reader.arn = f"{POLICY}/daypass-boundary-2"

    clock.move(MAX_AGE)
    assert known.find(ROLE) is Generation.INLINE
    clock.move(timedelta(seconds=1))
    assert known.find(ROLE) is Generation.SHARED
    assert reader.calls == [ROLE, ROLE]


def test_a_failure_is_not_repeated_on_each_page() -> None:
    reader = FakeBoundaries(error=AwsNotAllowed("The portal may not read the role."))
    known = generations(reader, FakeClock())

    assert [known.find(ROLE), known.find(ROLE)] == [None, None]
    assert len(reader.calls) == 1


def test_a_portal_that_reads_no_roles_knows_no_generation() -> None:
    assert generations(None, FakeClock()).find(ROLE) is None
