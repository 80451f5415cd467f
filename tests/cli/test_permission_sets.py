"""Permission sets on the command line: requests, the cache, lists, profiles and completion."""

import json

import pytest

from tests.cli.conftest import Command, Inside
from tests.cli.stub import StubPortal

DEV = ("aws", "--tenant", "dev01")
LOWER = (*DEV, "--permission-set", "operator")


def test_sessions_of_different_sets_are_cached_apart(daypass: Command, portal: StubPortal) -> None:
    portal.permission_set = "full"
    own, lower = daypass(*DEV), daypass(*LOWER)

    # Both are in the cache; the second round does not reach the portal.
    assert (daypass(*DEV).out, daypass(*LOWER).out) == (own.out, lower.out)
    assert own.out != lower.out
    assert [request.body for request in portal.requests] == [
        {"tenant": "dev01"},
        {"tenant": "dev01", "permission_set": "operator"},
    ]


@pytest.mark.parametrize("words", [("tenants",), (*DEV, "--no-cache")], ids=" ".join)
@pytest.mark.parametrize(
    ("before", "after", "keeps_own", "keeps_lower"),
    [
        ("full", "full", True, True),
        ("full", "operator", False, True),
        ("full", "read-only", False, False),
        ("operator", "full", False, True),
        # The two sets have the same access, read-only, for clients that know no sets.
        ("operator", "read-only", False, False),
    ],
)
def test_keys_stay_cached_while_the_caller_may_have_their_set(
    inside: Inside,
    portal: StubPortal,
    words: tuple[str, ...],
    before: str,
    after: str,
    keeps_own: bool,
    keeps_lower: bool,
) -> None:
    portal.permission_set, portal.access = before, "full" if before == "full" else "read-only"
    own, lower = inside(*DEV).out, inside(*LOWER).out
    portal.permission_set, portal.access = after, "full" if after == "full" else "read-only"

    inside(*words)

    assert (inside(*DEV).out == own, inside(*LOWER).out == lower) == (keeps_own, keeps_lower)


def test_a_session_with_a_requested_set_says_nothing_about_the_callers_own_set(
    inside: Inside, portal: StubPortal
) -> None:
    portal.permission_set = "full"
    own = inside(*DEV).out

    assert "changed" not in inside(*LOWER).err
    assert inside(*DEV).out == own


def test_tenants_and_cached_keys_show_their_sets(inside: Inside, portal: StubPortal) -> None:
    portal.permission_set, portal.access = "operator", "read-only"
    inside(*DEV)
    inside(*DEV, "--permission-set", "operator", "--duration", "2h")

    assert "dev01   us-west-2  operator  id-of-dev01" in inside("tenants").out
    assert json.loads(inside("tenants", "-o", "json").out)[0]["permission_set"] == "operator"
    assert "tenant dev01    operator" in inside("whoami").out
    assert [each["permission_set"] for each in json.loads(inside("whoami", "-o", "json").out)["cached"]] == [
        "operator"
    ]


def test_the_sets_of_a_tenant_are_listed_and_completed(daypass: Command) -> None:
    listed = daypass("permission-sets", "--tenant", "DEV01")
    line = "daypass aws --tenant dev01 --permission-set o"
    completion = {"_DAYPASS_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "5"}

    assert listed.out.splitlines()[2] == "operator   500   Runs no code."
    assert daypass(**completion).out.split() == ["plain,operator"]
    assert daypass("cache", "clear").code == 0
    assert daypass(**completion).out.split() == []


def test_the_console_and_profiles_have_the_set(inside: Inside, portal: StubPortal) -> None:
    inside("web", "--tenant", "dev01", "--print", "--permission-set", "operator")
    inside("configure", "--tenant", "dev01", "--permission-set", "operator")

    assert portal.requests[0].body["permission_set"] == "operator"
    config = (inside.home / ".aws" / "config").read_text()
    assert "--tenant dev01 --permission-set operator" in config


@pytest.mark.parametrize("name", ["", " ", "a\x07"])
def test_a_name_that_no_set_has_is_refused(inside: Inside, portal: StubPortal, name: str) -> None:
    ran = inside(*DEV, "--permission-set", name)

    assert (ran.code, portal.requests) == (2, [])
    assert "The permission set's name is empty" in ran.err
