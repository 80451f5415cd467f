"""A broken or hostile portal: calls end within bounds, with a message instead of a traceback."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from daypass.cli.api.client import read_time
from daypass.cli.api.responses import MAX_PAGES, every_page, read_json, read_moment
from daypass.cli.runtime.errors import Misconfigured
from tests.cli.conftest import Command, Inside
from tests.cli.stub import ReceivedRequest, Reply, StubPortal

DEEP = [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 50_000 + b"]" * 50_000]
COMMANDS = [
    ("aws", "--tenant", "dev01"),
    ("env", "--shell", "sh", "--tenant", "dev01"),
    ("web", "--print", "--tenant", "dev01"),
    ("web", "--print", "--tenant", "dev01", "s3"),
    ("tenants",),
    ("whoami",),
    ("sessions",),
    ("configure", "--tenant", "dev01"),
    ("export",),
    ("doctor",),
]


def answering(
    status: int, body: bytes, content_type: str = "application/json"
) -> Callable[[ReceivedRequest], Reply]:
    return lambda _: Reply(status, body, {"Content-Type": content_type})


@pytest.mark.parametrize("body", DEEP, ids=["arrays", "objects", "closed"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_deeply_nested_answer_is_refused_as_not_from_a_portal(
    inside: Inside, portal: StubPortal, words: tuple[str, ...], body: bytes
) -> None:
    for status, content_type in ((200, "application/json"), (403, "application/problem+json")):
        portal.reply = answering(status, body, content_type)
        ran = inside(*words)
        assert ran.code == 6
        assert "unexpected" not in ran.err


def test_a_deeply_nested_answer_ends_a_sign_in(daypass: Command, portal: StubPortal, tmp_path: Path) -> None:
    portal.reply = answering(200, DEEP[0])

    ran = daypass("login", DAYPASS_TOKEN="", BROWSER="/bin/true", DISPLAY=":0")

    assert ran.code == 6
    assert "not a Daypass portal" in ran.err
    assert list(tmp_path.rglob("*.sign-in")) == []


VALUES = [
    b"1e999",
    b"-1e999",
    b"NaN",
    b"Infinity",
    b"9" * 5000,
    b"null",
    b'"x"',
    b"[]",
    b"{}",
    b"true",
    b"-1",
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize(
    "field", ["validity", "expires_at", "tenant", "user", "region", "credentials", "note"]
)
def test_an_absurd_value_in_an_answer_with_credentials_causes_no_unexpected_error(
    inside: Inside, portal: StubPortal, field: str, value: bytes
) -> None:
    def reply(asked: ReceivedRequest) -> Reply:
        usual = portal.usual(asked)
        fields = json.loads(usual.body) | {field: "HERE"}
        return Reply(usual.status, json.dumps(fields).encode().replace(b'"HERE"', value), usual.headers)

    portal.reply = reply

    ran = inside("aws", "--tenant", "dev01")

    assert ran.code in (0, 6)
    assert "unexpected" not in ran.err


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-01-01T00:00:00", "now", ""]
)
def test_an_absurd_token_expiry_is_refused(inside: Inside, portal: StubPortal, time: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_moment(time)

    def reply(asked: ReceivedRequest) -> Reply:
        usual = portal.usual(asked)
        fields = json.loads(usual.body)
        fields["token"]["expires_at"] = time
        return Reply(usual.status, json.dumps(fields).encode(), usual.headers)

    portal.reply = reply

    assert inside("whoami").code == 6


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-12:00", "2099-01-01T00:00:00"])
def test_credentials_with_an_absurd_expiry_are_refused(inside: Inside, portal: StubPortal, time: str) -> None:
    def reply(asked: ReceivedRequest) -> Reply:
        usual = portal.usual(asked)
        return Reply(
            usual.status, json.dumps(json.loads(usual.body) | {"expires_at": time}).encode(), usual.headers
        )

    portal.reply = reply

    ran = inside("aws", "--tenant", "dev01")

    assert (ran.code, ran.out) == (6, "")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00", "now"])
@pytest.mark.parametrize("field", ["asked_at", "expires_at"])
def test_an_aws_session_with_an_absurd_time_is_refused(
    inside: Inside, portal: StubPortal, field: str, time: str
) -> None:
    texts = dict.fromkeys(("id", "scope", "tenant", "state", "purpose", "door", "address", "reason"), "x")
    times = {"asked_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T01:00:00Z"}
    portal.reply = answering(200, json.dumps({"sessions": [texts | times | {field: time}]}).encode())

    assert inside("sessions").code == 6


@pytest.mark.parametrize(
    "date", ["1", "Mon, 01 Jan 99999 00:00:00 GMT", f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"], ids=len
)
def test_an_absurd_date_header_is_ignored(date: str) -> None:
    assert read_time(date) is None


def pages_of(
    portal: StubPortal, cursors: Iterator[str], *, empty: bool = False
) -> Callable[[ReceivedRequest], Reply]:
    def reply(asked: ReceivedRequest) -> Reply:
        if not asked.path.startswith("/api/v1/tenants"):
            return portal.usual(asked)
        first = json.loads(portal.usual(ReceivedRequest("/api/v1/tenants", {}, {})).body)
        tenants = [] if empty else first["tenants"]
        body = json.dumps({"tenants": tenants, "next_cursor": next(cursors)}).encode()
        return Reply(200, body, {"Content-Type": "application/json"})

    return reply


@pytest.mark.parametrize("empty", [True, False])
def test_a_repeated_cursor_ends_the_list_with_an_error(
    inside: Inside, portal: StubPortal, empty: bool
) -> None:
    portal.reply = pages_of(portal, iter(["again"] * 100), empty=empty)

    ran = inside("tenants")

    assert ran.code == 6
    assert "does not end" in ran.err
    assert len(portal.requests) <= 2


def test_an_empty_page_with_a_cursor_is_an_error(inside: Inside, portal: StubPortal) -> None:
    portal.reply = pages_of(portal, map(str, count()), empty=True)

    ran = inside("tenants")

    assert ran.code == 6
    assert "does not end" in ran.err
    assert len(portal.requests) == 1


def test_an_endless_list_is_abandoned_after_the_maximum_number_of_pages() -> None:
    numbers = count()

    def page_at(_: str | None) -> dict[str, object]:
        return {"users": [{}], "next_cursor": str(next(numbers))}

    with pytest.raises(Misconfigured, match="does not end"):
        list(every_page("https://portal.example.com", "users", page_at))
    assert next(numbers) == MAX_PAGES + 1


def test_all_pages_of_a_list_are_read(inside: Inside, portal: StubPortal) -> None:
    def reply(asked: ReceivedRequest) -> Reply:
        usual = portal.usual(ReceivedRequest(asked.path.partition("?")[0], {}, {}))
        if "cursor=b" in asked.path:
            return usual
        cursor = {"next_cursor": "b" if "cursor=a" in asked.path else "a"}
        return Reply(200, json.dumps(json.loads(usual.body) | cursor).encode(), usual.headers)

    portal.reply = reply

    assert len(inside("tenants").out.splitlines()) == 1 + 3 * 2


def test_a_very_long_message_of_the_portal_is_shortened(inside: Inside, portal: StubPortal) -> None:
    body = json.dumps({"detail": "No. " * 100_000, "code": "access_denied"}).encode()
    portal.reply = answering(403, body, "application/problem+json")

    ran = inside("aws", "--tenant", "dev01")

    assert ran.code == 4
    assert len(ran.err) < 3000


# The last of DEEP is valid, and Python 3.14 reads it.
@pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b"", b"\xff", *DEEP[:-1]])
def test_invalid_json_raises_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(body)
