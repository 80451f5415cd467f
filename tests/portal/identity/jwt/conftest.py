"""An issuer of the tests' own, and the portal's view of it."""

from collections.abc import Iterator

import pytest

from daypass.portal.identity.jwt import Issuers
from daypass.portal.identity.jwt.fetch import Fetcher
from tests.fakes import FakeClock
from tests.fixtures.forging_issuer import ForgingIssuer, forging_issuer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> Iterator[ForgingIssuer]:
    with forging_issuer(clock) as running:
        yield running


@pytest.fixture
def issuers(clock: FakeClock) -> Issuers:
    # Tests that hold an answer back decide when it comes, and a busy machine must not.
    return Issuers(clock, Fetcher(time_limit=60, environment={}))
