"""The default portal: the only one with a sign-in, or the one chosen with `daypass use`."""

import json
from pathlib import Path

import pytest

from daypass.cli.auth.session_store import SessionSlot
from daypass.cli.cache.session_id import default_portal, portals
from tests.cli.conftest import TOKEN, Command, Inside
from tests.cli.sign_in import leave_sign_in
from tests.cli.stub import StubPortal

OTHER = "https://other.example.com"
NOTHING = {"DAYPASS_HOST": "", "DAYPASS_TOKEN": ""}


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    return {"DAYPASS_STATE_DIR": str(tmp_path / "state")}


def test_the_only_signed_in_portal_is_the_default(
    inside: Inside, portal: StubPortal, state: dict[str, str]
) -> None:
    leave_sign_in(state, portal.url)

    for words in (
        ("whoami",),
        ("tenants",),
        ("aws", "--tenant", "dev01"),
        ("configure", "--tenant", "dev01"),
    ):
        assert inside(*words, **NOTHING, **state).code == 0, words
    assert f"--host {portal.url}" in inside.config.read_text()


def test_cached_keys_are_found_for_the_default_portal(daypass: Command, state: dict[str, str]) -> None:
    leave_sign_in(state, daypass.portal.url)
    first = daypass("aws", "--tenant", "dev01", **NOTHING, **state)

    assert (first.code, first.err) == (0, "")
    assert daypass("aws", "--tenant", "dev01", **NOTHING, **state).out == first.out
    assert len(daypass.portal.requests) == 1


def test_without_any_sign_in_the_portal_must_be_named(inside: Inside, state: dict[str, str]) -> None:
    ran = inside("whoami", **NOTHING, **state)

    assert ran.code == 2
    assert "Which portal? Give its address" in ran.err


def test_one_of_several_portals_must_be_chosen_and_is_then_the_default(
    inside: Inside, portal: StubPortal, state: dict[str, str]
) -> None:
    leave_sign_in(state, portal.url)
    leave_sign_in(state, OTHER)
    refused = inside("whoami", **NOTHING, **state)
    assert refused.code == 2
    assert portal.url in refused.err
    assert OTHER in refused.err
    assert "daypass use" in refused.err

    assert inside("use", portal.url, **NOTHING, **state).code == 0

    assert inside("whoami", **NOTHING, **state).code == 0
    table = inside("portals", **NOTHING, **state)
    assert [line.split()[:2] for line in table.out.splitlines()[1:]] == [
        [portal.url, "yes"],
        [OTHER, "dana@example.com"],
    ]
    listed = json.loads(inside("portals", "-o", "json", **NOTHING, **state).out)
    assert {each["portal"]: each["is_default"] for each in listed} == {portal.url: True, OTHER: False}


def test_a_named_portal_wins_over_the_default(
    inside: Inside, portal: StubPortal, state: dict[str, str]
) -> None:
    leave_sign_in(state, portal.url)
    leave_sign_in(state, OTHER)
    inside("use", OTHER, **NOTHING, **state)

    assert inside("whoami", "--host", portal.url, **NOTHING, **state).code == 0
    assert inside("whoami", **(NOTHING | {"DAYPASS_HOST": portal.url}), **state).code == 0


@pytest.mark.parametrize("variable", ["DAYPASS_TOKEN", "DUPLO_TOKEN"])
@pytest.mark.parametrize("flags", [("--token", TOKEN), ("--token-file", "{home}/token"), ()])
def test_a_token_is_never_sent_to_a_portal_that_was_not_named(
    inside: Inside, portal: StubPortal, state: dict[str, str], flags: tuple[str, ...], variable: str
) -> None:
    leave_sign_in(state, portal.url)
    (inside.home / "token").write_text(TOKEN)
    words = [word.format(home=inside.home) for word in flags]

    ran = inside("whoami", *words, **(NOTHING | {variable: "" if flags else TOKEN}), **state)

    assert ran.code == 2
    assert "Which portal?" in ran.err
    assert portal.requests == []


def test_no_portal_is_the_default_after_signing_out(
    inside: Inside, portal: StubPortal, state: dict[str, str]
) -> None:
    leave_sign_in(state, portal.url)

    inside("logout", **NOTHING, **state)

    assert portals(state) == []
    assert default_portal(state) == ""


def test_an_expired_sign_in_leaves_the_portal_listed(state: dict[str, str]) -> None:
    leave_sign_in(state, OTHER)
    with SessionSlot(state, OTHER, admin=False, now=lambda: 0).locked() as slot:
        slot.remove()

    assert default_portal(state) == OTHER


def test_a_portal_without_a_sign_in_cannot_be_chosen(inside: Inside, state: dict[str, str]) -> None:
    leave_sign_in(state, OTHER)

    ran = inside("use", "portal.example.com", **NOTHING, **state)

    assert ran.code == 2
    assert "daypass login --host https://portal.example.com" in ran.err


def test_signing_out_resets_the_chosen_portal(
    inside: Inside, portal: StubPortal, state: dict[str, str]
) -> None:
    for origin in (portal.url, OTHER):
        leave_sign_in(state, origin)
    inside("use", portal.url, **NOTHING, **state)

    inside("logout", "--host", portal.url, **NOTHING, **state)

    assert default_portal(state) == OTHER


def test_an_expired_sign_in_is_not_shown_as_signed_in(inside: Inside, state: dict[str, str]) -> None:
    leave_sign_in(state, OTHER, left=60)

    (known,) = json.loads(inside("portals", "-o", "json", **NOTHING, **state).out)

    assert (known["portal"], known["username"], known["signed_in_until"]) == (OTHER, "", None)


def test_the_portals_are_completed(daypass: Command, state: dict[str, str]) -> None:
    leave_sign_in(state, OTHER)
    leave_sign_in(state, "https://portal.example.com")

    ran = daypass(
        _DAYPASS_COMPLETE="bash_complete", COMP_WORDS="daypass use O", COMP_CWORD="2", **NOTHING, **state
    )

    assert ran.out.split() == ["plain,other.example.com"]
