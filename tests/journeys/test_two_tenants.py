"""A user works in two tenants in turn and gets each tenant's own keys, cached or not."""

import os

from tests.journeys.terminal import Terminal, json_output

DANA = "dana@example.com"


def test_each_tenant_has_its_own_keys_and_a_second_call_is_answered_from_the_cache(
    terminal: Terminal,
) -> None:
    first = [json_output(terminal.daypass(DANA, "--tenant", tenant)) for tenant in ("dev01", "prod01")]
    second = [json_output(terminal.daypass(DANA, "--tenant", tenant)) for tenant in ("dev01", "prod01")]

    assert first[0]["AccessKeyId"] != first[1]["AccessKeyId"]
    assert second == first


def test_cached_keys_are_returned_without_the_portal(terminal: Terminal) -> None:
    kept = json_output(terminal.daypass(DANA, "--tenant", "dev01"))

    # A command that trusts no certificate authority cannot ask the portal anything.
    again = terminal.daypass(DANA, "--tenant", "dev01", "--ca-file", os.devnull)
    other = terminal.daypass(DANA, "--tenant", "prod01", "--ca-file", os.devnull)

    assert json_output(again) == kept
    assert other.returncode != 0
    assert other.stdout == ""


def test_only_the_owner_can_read_the_cache(terminal: Terminal) -> None:
    json_output(terminal.daypass(DANA, "--tenant", "dev01"))

    files = [path for path in terminal.home.rglob("*") if path.is_file()]

    assert files
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


def test_cached_admin_keys_are_never_returned_for_a_tenant(terminal: Terminal) -> None:
    admin = json_output(terminal.daypass("admin@example.com", "--admin"))
    tenant = json_output(terminal.daypass("admin@example.com", "--tenant", "dev01"))

    assert admin["AccessKeyId"] != tenant["AccessKeyId"]
