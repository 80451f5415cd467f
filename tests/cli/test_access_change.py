"""A membership that was raised or lowered: cached keys with the old access go once a command hears of it."""

import pytest

from tests.cli.conftest import Inside
from tests.cli.stub import StubPortal

TELLING = [
    ("tenants",),
    ("tenants", "--output", "json"),
    ("configure", "--tenant", "prod01"),
    ("web", "--tenant", "prod01", "--print", "s3"),
    ("aws", "--tenant", "dev01", "--duration", "2h"),
    ("aws", "--tenant", "dev01", "--no-cache"),
]


@pytest.mark.parametrize("words", TELLING, ids=" ".join)
@pytest.mark.parametrize(("before", "after"), [("read-only", "full"), ("full", "read-only")])
def test_keys_with_the_old_access_are_removed_and_that_is_said(
    inside: Inside, portal: StubPortal, words: tuple[str, ...], before: str, after: str
) -> None:
    portal.access = before
    old = inside("aws", "--tenant", "dev01")
    portal.access = after
    assert inside("aws", "--tenant", "dev01").out == old.out

    told = inside(*words)

    assert told.code == 0
    assert "Your access to dev01 has changed" in told.err
    assert inside("aws", "--tenant", "dev01").out != old.out


@pytest.mark.parametrize("words", TELLING, ids=" ".join)
def test_keys_stay_as_long_as_the_access_does(inside: Inside, words: tuple[str, ...]) -> None:
    kept = inside("aws", "--tenant", "dev01")
    admin = inside("aws", "--admin")

    assert "changed" not in inside(*words).err

    assert inside("aws", "--tenant", "dev01").out == kept.out
    assert inside("aws", "--admin").out == admin.out


def test_keys_of_other_tenants_and_of_admin_access_stay(inside: Inside, portal: StubPortal) -> None:
    admin, other = inside("aws", "--admin"), inside("aws", "--tenant", "prod01")
    portal.access = "read-only"
    inside("aws", "--tenant", "dev01")

    assert inside("aws", "--admin").out == admin.out
    assert inside("aws", "--tenant", "prod01").out == other.out
