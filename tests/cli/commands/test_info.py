"""`daypass tenants`, `whoami`, `sessions` and `token`, as tables and as JSON."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from daypass.cli.runtime.output import moment
from tests.cli.conftest import TOKEN, Inside
from tests.cli.sign_in import leave_sign_in
from tests.cli.stub import Reply, StubPortal

RECORD = {
    "id": "s-1",
    "scope": "tenant",
    "tenant": "dev01",
    "role_arn": "arn:aws:iam::1:role/r",
    "state": "issued",
    "asked_at": "2026-11-25T10:00:00+00:00",
    "expires_at": None,
    "validity": 3600,
    "limit": None,
    "door": "api",
    "purpose": "keys",
    "reason": "\x1b[2Jticket",
    "address": "192.0.2.1",
    "access_key_id": None,
}


def test_tenants_are_listed(inside: Inside) -> None:
    table, as_json = inside("tenants"), inside("tenants", "--output", "json")

    assert table.out.splitlines() == [
        "TENANT  REGION     ACCESS  ID",
        "dev01   us-west-2  full    id-of-dev01",
        "prod01  us-west-2  full    id-of-prod01",
    ]
    assert [tenant["name"] for tenant in json.loads(as_json.out)] == ["dev01", "prod01"]
    assert (table.err, as_json.err) == ("", "")


@pytest.mark.parametrize(
    ("words", "next_step"),
    [
        (("portals",), "daypass login --host https://PORTAL"),
        (("tenants",), "Administrators of the portal add"),
        (("sessions",), "daypass aws --tenant NAME"),
    ],
)
def test_an_empty_list_prints_the_next_step_or_an_empty_json_list(
    inside: Inside, portal: StubPortal, words: tuple[str, ...], next_step: str
) -> None:
    portal.tenants = []
    none = json.dumps({"sessions": [], "next_cursor": None}).encode()
    portal.reply = lambda asked: (
        Reply(200, none) if asked.path.startswith("/api/v1/sessions?") else portal.usual(asked)
    )
    state = {"DAYPASS_STATE_DIR": str(inside.home / "state")}

    table, as_json = inside(*words, **state), inside(*words, "-o", "json", **state)

    assert (table.code, table.out) == (0, "")
    assert table.err.startswith("daypass: ")
    assert next_step in table.err
    assert (as_json.code, json.loads(as_json.out), as_json.err) == (0, [], "")


def test_whoami_shows_user_portal_and_cached_keys_without_secrets(inside: Inside) -> None:
    inside("aws", "--tenant", "dev01")
    inside("aws", "--admin")

    table, as_json = inside("whoami"), inside("whoami", "-o", "json")

    for said in ("dana@example.com (Administrator)", "123456789012, us-east-1", "version 9.8.7", "temporary"):
        assert said in table.out
    assert "tenant dev01" in table.out
    assert "admin access" in table.out
    content = json.loads(as_json.out)
    assert {kept["what"] for kept in content["cached"]} == {"tenant dev01", "admin access"}
    assert all(kept["is_served"] and kept["served_until"] < kept["expires_at"] for kept in content["cached"])
    assert "canary" not in table.out + as_json.out


def test_whoami_and_doctor_show_the_end_of_the_sign_in_and_not_of_its_token(
    inside: Inside,
) -> None:
    here = {"DAYPASS_TOKEN": "", "DAYPASS_STATE_DIR": str(inside.home / "state")}
    end = moment(datetime.fromtimestamp(leave_sign_in(here, inside.portal.url), UTC))

    table, as_json = inside("whoami", **here), inside("whoami", "-o", "json", **here)
    doctor = inside("doctor", **here)

    assert f"sign-in  this computer, until {end}\n" in table.out
    assert moment(datetime.fromisoformat(json.loads(as_json.out)["signed_in_until"])) == end
    assert f"✓ sign-in: dana@example.com (Administrator), this computer, valid until {end}\n" in doctor.out


def test_whoami_leaves_out_expired_keys(inside: Inside, portal: StubPortal) -> None:
    inside("aws", "--tenant", "dev01")
    portal.life = timedelta(hours=-1)
    inside("aws", "--admin")

    table = inside("whoami").out

    assert "tenant dev01" in table
    assert "admin access" not in table


def test_whoami_shows_the_keys_of_the_caller_only(inside: Inside, portal: StubPortal) -> None:
    inside("aws", "--tenant", "dev01")
    portal.user_id = "user-2"
    inside("aws", "--tenant", "prod01", DAYPASS_TOKEN=f"{TOKEN}2")

    table, as_json = inside("whoami"), inside("whoami", "-o", "json")

    assert "tenant prod01" in table.out
    assert "tenant dev01" not in table.out
    assert "Keys of 1 other user are cached here too" in table.err
    assert [kept["what"] for kept in json.loads(as_json.out)["cached"]] == ["tenant prod01"]


def test_whoami_shows_each_scope_once_with_the_keys_that_are_served_longest(
    inside: Inside, portal: StubPortal
) -> None:
    inside("aws", "--tenant", "dev01")
    inside("aws", "--tenant", "DEV01", DAYPASS_TOKEN=f"{TOKEN}2")
    portal.life = timedelta(minutes=30)
    inside("aws", "--tenant", "dev01", "--duration", "30m")

    (kept,) = json.loads(inside("whoami", "-o", "json").out)["cached"]

    assert kept["what"].lower() == "tenant dev01"
    until = datetime.fromisoformat(kept["expires_at"])
    assert until - portal.now() > timedelta(minutes=55)


def test_whoami_leaves_out_keys_of_another_portal(inside: Inside) -> None:
    inside("aws", "--tenant", "dev01")
    here = inside.portal.url

    content = json.loads(
        inside("whoami", "-o", "json", DAYPASS_HOST=here.replace("localhost", "127.0.0.1")).out
    )

    assert content["cached"] == []


def test_sessions_are_listed_newest_first_without_control_characters(
    inside: Inside, portal: StubPortal
) -> None:
    portal.reply = lambda asked: (
        Reply(200, json.dumps({"sessions": [RECORD], "next_cursor": None}).encode())
        if asked.path == "/api/v1/sessions?limit=7"
        else portal.usual(asked)
    )

    table, as_json = inside("sessions", "--limit", "7"), inside("sessions", "--limit", "7", "-o", "json")

    assert table.out.splitlines()[0].split() == [
        "REQUESTED",
        "SCOPE",
        "ACCESS",
        "STATE",
        "UNTIL",
        "FOR",
        "VIA",
        "FROM",
    ]
    assert "dev01" in table.out
    assert json.loads(as_json.out)[0]["reason"] == " [2Jticket"
    assert "\x1b" not in table.out + as_json.out


def test_only_the_token_is_printed(inside: Inside) -> None:
    text, legacy = inside("token"), inside("jit", "token")

    assert (text.out, text.err) == (TOKEN + "\n", "")
    assert json.loads(legacy.out) == {"token": TOKEN}


def test_github_actions_masks_the_token(inside: Inside) -> None:
    assert inside("token", GITHUB_ACTIONS="true").err == f"::add-mask::{TOKEN}\n"


@pytest.mark.parametrize("command", ["tenants", "whoami", "sessions"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"tenants": [{}]}', b'{"user": 1}', b'{"sessions": [1]}']
)
def test_an_answer_of_another_server_is_recognised(
    inside: Inside, portal: StubPortal, command: str, body: bytes
) -> None:
    portal.reply = lambda _: Reply(200, body)

    ran = inside(command)

    assert (ran.code, ran.out) == (6, "")
    assert "not a Daypass portal" in ran.err


@pytest.mark.parametrize("command", [("aws", "--tenant", "dev01"), ("whoami",), ("configure", "--all")])
def test_debug_output_shows_the_calls_without_secrets(inside: Inside, command: tuple[str, ...]) -> None:
    ran = inside(*command, "--debug")

    assert f"{inside.portal.url}/api/v1/" in ran.err
    assert " ms" in ran.err
    assert "canary" not in ran.err
    assert TOKEN not in ran.err


def test_debug_output_shows_why_a_connection_failed(inside: Inside) -> None:
    ran = inside("whoami", "--debug", DAYPASS_HOST="http://127.0.0.1:1")

    assert "ConnectionRefusedError" in ran.err
    assert TOKEN not in ran.err
