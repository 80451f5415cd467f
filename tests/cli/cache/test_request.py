"""Parsing of flags and environment, and the cache key of a request."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click import Context
from hypothesis import given
from hypothesis import strategies as st

from daypass.cli.cache.request import (
    SWITCHES,
    VALUES,
    CredentialRequest,
    parse_request,
    read_duration,
    read_flags,
    read_origin,
)
from daypass.cli.commands.aws import aws
from daypass.cli.runtime.errors import SignInNeeded, UsageError

FLAGS = {"host": "portal.example.com", "token": "t0ken", "tenant": "dev01"}

ENVIRONMENT = {
    "DAYPASS_HOST": "new.example.com",
    "DUPLO_HOST": "old.example.com",
    "DAYPASS_TOKEN": "new_token",
    "DUPLO_TOKEN": "old_token",
    "DAYPASS_TENANT": "new",
    "DUPLO_TENANT_ID": "old-id",
    "DUPLO_TENANT": "old",
}


def without(*names: str) -> dict[str, str]:
    """Return the environment with some variables unset."""
    return {name: value for name, value in ENVIRONMENT.items() if name not in names}


@pytest.mark.parametrize(
    ("flags", "environment", "tenant"),
    [
        ({}, ENVIRONMENT, "new"),
        ({}, without("DAYPASS_TENANT"), "old-id"),
        ({}, without("DAYPASS_TENANT", "DUPLO_TENANT_ID"), "old"),
        ({}, ENVIRONMENT | {"DAYPASS_TENANT": ""}, "old-id"),
        ({"tenant": "flag"}, ENVIRONMENT, "flag"),
        ({"tenant": "flag", "tenant_id": "flag-id"}, ENVIRONMENT, "flag-id"),
        ({"admin": "yes"}, ENVIRONMENT, None),
    ],
)
def test_the_tenant_has_an_order_of_precedence(
    flags: Mapping[str, str], environment: Mapping[str, str], tenant: str | None
) -> None:
    assert parse_request(flags, environment).tenant == tenant


def test_flags_override_daypass_variables_and_these_override_legacy_ones() -> None:
    by_flag = parse_request(FLAGS, ENVIRONMENT)
    by_ours = parse_request({}, ENVIRONMENT)
    by_legacy = parse_request({}, without("DAYPASS_HOST", "DAYPASS_TOKEN"))

    assert (by_flag.origin, by_flag.token) == ("https://portal.example.com", "t0ken")
    assert (by_ours.origin, by_ours.token) == ("https://new.example.com", "new_token")
    assert (by_legacy.origin, by_legacy.token) == ("https://old.example.com", "old_token")


def test_a_token_file_overrides_variables_and_a_token_flag_overrides_both(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from_file\n")

    assert parse_request({"token_file": str(path)}, ENVIRONMENT).token == "from_file"
    assert parse_request({"token_file": str(path), "token": "from_flag"}, ENVIRONMENT).token == "from_flag"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("portal.example.com", "https://portal.example.com"),
        ("PORTAL.example.com", "https://portal.example.com"),
        ("https://portal.example.com/", "https://portal.example.com"),
        ("HTTPS://portal.example.com:443/app/user/profile?x=1#y", "https://portal.example.com"),
        ("https://portal.example.com:08443", "https://portal.example.com:8443"),
        ("portal.example.com:8443", "https://portal.example.com:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_a_host_is_normalized_to_an_origin(host: str, origin: str) -> None:
    assert read_origin(host) == origin


@pytest.mark.parametrize(
    "host",
    [
        "",
        "http://portal.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1@example.com",
        "https://user:secret@portal.example.com",
        "ftp://portal.example.com",
        "https://",
        "https://:8443",
        "portal.example.com:0",
        "portal.example.com:65536",
        "portal.example.com:8a",
        "portal.example.com:٣",
        "portal..example.com",
        "a" * 300,
        "pörtal.example.com",
        "portal example.com",
        "portal.example.com\r\nX: y",
        "[::1",
        "[::1]8443",
        "[example.com]",
    ],
)
def test_an_invalid_portal_address_is_refused(host: str) -> None:
    with pytest.raises(UsageError):
        read_origin(host)


@pytest.mark.parametrize(("text", "seconds"), [("7200", 7200), ("900s", 900), ("90m", 5400), ("2h", 7200)])
def test_a_duration_is_given_in_seconds_minutes_or_hours(text: str, seconds: int) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "-1", "1e9", "2 hours", "1.5h", "1h30", "30m1h", "1m1m", "٣", "+5"]
)
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a duration"):
        read_duration(text)


@pytest.mark.parametrize("token", ["", "two words", "tökén", "line\nbreak", "x" * 5000])
def test_an_invalid_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(SignInNeeded) as refusal:
        parse_request(FLAGS | {"token": token}, {})

    assert not token or token not in str(refusal.value)


def test_the_repr_of_a_request_does_not_contain_its_token() -> None:
    assert "t0ken" not in repr(parse_request(FLAGS, {}))


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
PARTS: dict[str, st.SearchStrategy[str | int | None]] = {
    "origin": st.sampled_from(["https://a.example", "https://b.example"]) | TEXT,
    "token": TEXT,
    "tenant": st.sampled_from(["admin", "tenant:admin"]) | st.none() | TEXT,
    "duration": st.none() | st.integers(0, 3),
    "permission_set": st.sampled_from(["", "full", "set:full"]) | TEXT,
}
REQUEST_PARTS = st.fixed_dictionaries(PARTS)


@given(REQUEST_PARTS, REQUEST_PARTS, st.sets(st.sampled_from(sorted(PARTS))))
def test_two_requests_share_a_key_only_if_all_parts_are_equal(
    first: dict[str, Any], second: dict[str, Any], equal_parts: set[str]
) -> None:
    second |= {part: first[part] for part in equal_parts}

    assert (CredentialRequest(**first).key() == CredentialRequest(**second).key()) is (first == second)


@given(REQUEST_PARTS)
def test_a_key_is_64_hexadecimal_digits(parts: dict[str, Any]) -> None:
    key = CredentialRequest(**parts).key()

    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")


WORDS = st.sampled_from(
    [*VALUES, *SWITCHES, "dev01", "", "--", "-", "-x", "--nope", "--help", "--host=a", "-H=b"]
)


@given(st.lists(WORDS | st.builds("=".join, st.tuples(WORDS, WORDS)), max_size=6))
def test_the_fast_path_parses_flags_as_click_does(words: list[str]) -> None:
    quick = read_flags(words)
    if quick is None:
        return

    context = Context(aws)
    aws.parse_args(context, list(words))

    assert quick == {
        name: "yes" if value is True else value
        for name, value in context.params.items()
        if value not in (None, False)
    }
