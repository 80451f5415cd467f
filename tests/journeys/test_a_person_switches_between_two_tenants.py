"""Somebody works in two tenants, one after the other: each answer is that tenant's, cached or not."""

import os

from tests.journeys.terminal import Terminal, told

DANA = "dana@example.com"


def test_each_tenant_has_its_own_keys_and_a_second_call_is_answered_from_the_cache(
    terminal: Terminal,
) -> None:
    first = [told(terminal.daypass(DANA, "--tenant", tenant)) for tenant in ("dev01", "prod01")]
    second = [told(terminal.daypass(DANA, "--tenant", tenant)) for tenant in ("dev01", "prod01")]

    assert first[0]["AccessKeyId"] != first[1]["AccessKeyId"]
    assert second == first


def test_a_cached_answer_needs_no_portal(terminal: Terminal) -> None:
    kept = told(terminal.daypass(DANA, "--tenant", "dev01"))

    # Whoever trusts nobody cannot ask the portal anything.
    again = terminal.daypass(DANA, "--tenant", "dev01", "--ca-file", os.devnull)
    other = terminal.daypass(DANA, "--tenant", "prod01", "--ca-file", os.devnull)

    assert told(again) == kept
    assert other.returncode != 0
    assert other.stdout == ""


def test_the_cache_is_for_its_owner_only(terminal: Terminal) -> None:
    told(terminal.daypass(DANA, "--tenant", "dev01"))

    files = [path for path in terminal.home.rglob("*") if path.is_file()]

    assert files
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


def test_admin_keys_are_never_taken_for_a_tenant_s(terminal: Terminal) -> None:
    admin = told(terminal.daypass("admin@example.com", "--admin"))
    tenant = told(terminal.daypass("admin@example.com", "--tenant", "dev01"))

    assert admin["AccessKeyId"] != tenant["AccessKeyId"]
