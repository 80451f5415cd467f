"""How often botocore starts `daypass`: near the expiry, it calls the provider before each request."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import botocore.session
import pytest

from daypass.cli.cache.files import CacheFile
from tests.cli.conftest import SCRIPT, Command
from tests.cli.stub import StubPortal

REQUESTS = 20


def let_time_pass(path: Path, time: timedelta) -> None:
    """Rewrite the cached credentials as if they had been issued *time* earlier."""
    file = CacheFile.from_bytes(path.read_bytes())
    keys = json.loads(file.body)
    keys["Expiration"] = (datetime.fromisoformat(keys["Expiration"]) - time).strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = int(time.total_seconds())
    older = CacheFile(
        file.valid_from - seconds, file.valid_until - seconds, file.header, json.dumps(keys).encode() + b"\n"
    )
    path.write_bytes(older.to_bytes())


def runs_for_requests(daypass: Command, monkeypatch: pytest.MonkeyPatch, words: str) -> int:
    """Sign `REQUESTS` requests with botocore and return how many times it started `daypass`."""
    runs, script, config = (daypass.home / name for name in ("runs", "counted", "config"))
    runs.write_text("")
    script.write_text(f'#!/bin/sh\necho >>"{runs}"\nexec "{SCRIPT}" "$@"\n')
    script.chmod(0o700)
    config.write_text(f"[profile dev01]\ncredential_process = {script} {words}\n")
    for name, value in daypass.environment(AWS_CONFIG_FILE=str(config)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    credentials = botocore.session.Session(profile="dev01").get_credentials()
    assert credentials is not None
    for _ in range(REQUESTS):
        # botocore does this each time it signs a request.
        credentials.get_frozen_credentials()
    return len(runs.read_text().splitlines())


@pytest.mark.parametrize(
    ("life", "left"),
    [(60, 59), (60, 15), (60, 14), (60, 9), (40, 39), (40, 15), (40, 14), (40, 11), (32, 14), (20, 19)],
)
def test_botocore_starts_the_process_once_with_credentials_of_usual_length(
    daypass: Command, portal: StubPortal, monkeypatch: pytest.MonkeyPatch, life: int, left: int
) -> None:
    portal.life = timedelta(minutes=life)
    assert daypass("aws", "--tenant", "dev01").code == 0
    let_time_pass(daypass.entry(), timedelta(minutes=life - left, seconds=20))

    assert runs_for_requests(daypass, monkeypatch, "aws --tenant dev01") == 1


def test_credentials_for_15_minutes_start_the_process_each_time_but_call_the_portal_once(
    daypass: Command, portal: StubPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.life = timedelta(minutes=15)

    # botocore refreshes advisorily once less than 15 minutes are left, which is always.
    assert runs_for_requests(daypass, monkeypatch, "aws --tenant dev01 --duration 15m") >= REQUESTS
    assert len(portal.requests) == 1
