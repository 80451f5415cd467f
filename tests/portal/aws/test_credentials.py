"""Tests of the portal's own credentials: renewal, single-flight lookups, time limits."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from daypass.portal.aws.credentials import PortalCredentials
from daypass.portal.aws.factory import make_broker
from daypass.portal.aws.transport.backoff import Timing
from daypass.portal.clock import utc_now
from daypass.portal.errors import AwsMisconfigured
from tests.portal.aws.conftest import PUBLIC_URL, aws_config
from tests.portal.aws.stub import FakeTiming, StubAws, error, identity
from tests.processes import as_unknown_user
from tests.waiting import wait_until

OLD, NEW = "AKIAOLDOLDOLDOLDOLD1", "AKIANEWNEWNEWNEWNEW1"


def write_keys(path: Path, access_key_id: str, secret: str = "SECRET-CANARY") -> None:  # noqa: S107  no secret
    """Replace the file atomically, as a rotation does."""
    new = path.with_suffix(".new")
    new.write_text(f"[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret}\n")
    new.replace(path)


@pytest.fixture
def keys_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The credentials file of this process with the old keys."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    write_keys(path, OLD)
    return path


@pytest.fixture
def credentials(keys_file: Path, waits: FakeTiming) -> Iterator[PortalCredentials]:
    """The credentials from the file."""
    assert keys_file.exists()
    made = PortalCredentials(timing=Timing(monotonic=waits.monotonic, sleep=waits.sleep))
    yield made
    made.close()


def asked_with(stub: StubAws, accepted: str, signed: list[str]) -> None:
    """Make the stub accept one access key only, and record the keys it gets."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        key = handler.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        signed.append(key)
        (identity() if key == accepted else error(403, "InvalidClientTokenId"))(handler)

    stub.play(script)


def test_a_request_with_rejected_keys_is_retried_with_the_current_keys(
    stub: StubAws, keys_file: Path
) -> None:
    timing = Timing(monotonic=FakeTiming().monotonic)
    broker = make_broker(aws_config(stub.url), public_url=PUBLIC_URL, connections=1, timing=timing)
    signed: list[str] = []
    asked_with(stub, OLD, signed)
    broker.identity.discover()
    write_keys(keys_file, NEW)
    asked_with(stub, NEW, signed)
    broker.identity.discover()
    broker.identity.discover()

    assert signed == [OLD, OLD, NEW, NEW]


def test_a_changed_file_is_read_within_a_second(
    credentials: PortalCredentials, keys_file: Path, waits: FakeTiming
) -> None:
    before = credentials.frozen().access_key
    write_keys(keys_file, NEW)
    waits.now += 1

    assert (before, credentials.frozen().access_key) == (OLD, NEW)


def test_a_temporarily_broken_file_keeps_the_current_keys(
    credentials: PortalCredentials, keys_file: Path, waits: FakeTiming
) -> None:
    credentials.frozen()
    keys_file.write_text("[default]\naws_access_key_id = ")
    waits.now += 1
    meanwhile = credentials.frozen().access_key
    write_keys(keys_file, NEW)
    waits.now += 1

    assert (meanwhile, credentials.frozen().access_key) == (OLD, NEW)


def test_rejected_keys_are_looked_up_again_once_in_five_seconds(
    credentials: PortalCredentials, keys_file: Path, waits: FakeTiming
) -> None:
    old = credentials.frozen()
    unchanged = credentials.renewed(old)
    write_keys(keys_file, NEW)
    too_soon = credentials.renewed(old)
    waits.now += 5
    renewed = credentials.renewed(old)
    # A thread with the rejected keys gets the keys that another thread looked up.
    again = credentials.renewed(old)

    assert (unchanged, too_soon) == (None, None)
    assert renewed is not None
    assert renewed == again
    assert renewed.access_key == NEW


def with_process(keys_file: Path, command: str) -> None:
    keys_file.unlink()
    keys_file.with_name("config").write_text(f"[default]\ncredential_process = {command}\n")


def script(keys_file: Path, text: str) -> str:
    path = keys_file.with_name("source.sh")
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_concurrent_requests_start_one_credential_process(keys_file: Path) -> None:
    starts = keys_file.with_name("starts")
    ends = f"{utc_now() + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}"
    answer = f'{{"Version": 1, "AccessKeyId": "{NEW}", "SecretAccessKey": "x", "Expiration": "{ends}"}}'
    with_process(keys_file, script(keys_file, f"echo x >> {starts}\necho '{answer}'"))
    credentials, found = PortalCredentials(), list[str | None]()
    threads = [
        threading.Thread(target=lambda: found.append(credentials.frozen().access_key)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (found, starts.read_text()) == ([NEW] * 16, "x\n")


@pytest.mark.parametrize("text", ["exit 1", "echo SECRET-CANARY", "echo '{}'", "exec /no/such/program"])
def test_the_error_of_a_failed_credential_process_does_not_quote_its_output(
    keys_file: Path, text: str
) -> None:
    with_process(keys_file, script(keys_file, text))

    with pytest.raises(AwsMisconfigured) as refused:
        PortalCredentials().frozen()

    assert "CANARY" not in repr(refused.value.__context__) + str(refused.value)


def test_a_hanging_credential_process_times_out_and_is_killed_on_close(keys_file: Path) -> None:
    pid_file = keys_file.with_name("pid")
    os.mkfifo(pid_file)
    with_process(keys_file, script(keys_file, f"echo $$ > {pid_file}\nsleep 600"))
    credentials = PortalCredentials()
    pids: list[int] = []
    # A daemon: if the process is not started, nothing opens the other end of the pipe.
    reading = threading.Thread(target=lambda: pids.append(int(pid_file.read_text())), daemon=True)
    reading.start()
    with pytest.raises(AwsMisconfigured, match="does not answer"):
        credentials.frozen()
    reading.join()
    (pid,) = pids
    credentials.close()

    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_clients_of_botocore_sign_with_the_shared_credentials(
    stub: StubAws, credentials: PortalCredentials, keys_file: Path, waits: FakeTiming
) -> None:
    session, signed = Session(), list[str]()
    credentials.share_with(session)
    client: Any = session.create_client("sts", region_name="us-west-2", endpoint_url=stub.url)
    asked_with(stub, OLD, signed)
    client.get_caller_identity()
    write_keys(keys_file, NEW)
    waits.now += 1
    asked_with(stub, NEW, signed)
    client.get_caller_identity()

    assert signed == [OLD, NEW]


def test_keys_from_the_environment_need_no_home_directory() -> None:
    command = (
        "from daypass.portal.aws.credentials import PortalCredentials; "
        "print(PortalCredentials().frozen().access_key)"
    )
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    done = subprocess.run(
        as_unknown_user([sys.executable, "-c", command], keys), capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("AKIAEXAMPLE\n", "")
