"""The provider as a process: its warning, its address, and its end."""

import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import urllib3

from daypass.demo.identity_provider.settings import read
from tests.demo.identity_provider.relying_party import SECRET, settings
from tests.waiting import wait_until


def write(folder: Path, port: int) -> Path:
    """Write settings for a port into a file."""
    path = folder / "settings.json"
    path.write_bytes(replace(settings(folder), port=port).to_json())
    return path


def test_it_serves_its_metadata_and_says_that_it_is_not_for_production(tmp_path: Path) -> None:
    path = write(tmp_path, 0)
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "daypass.demo.identity_provider", path], stdout=output, stderr=output
        )
    try:
        wait_until(lambda: "Not for production: everyone can sign in as any user here." in log.read_text())
        (issuer,) = re.findall(r"answers at (http://127\.0\.0\.1:\d+)\.", log.read_text())
        with urllib3.PoolManager(retries=False) as pool:
            answer = pool.request("GET", f"{issuer}/.well-known/openid-configuration")
        assert answer.json()["issuer"] == issuer
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert SECRET not in log.read_text()


def test_a_port_in_use_is_an_error_with_the_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = write(tmp_path, taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "daypass.demo.identity_provider", path],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert "of 127.0.0.1 cannot be used: Address already in use" in done.stderr


def test_settings_are_read_as_they_were_written(tmp_path: Path) -> None:
    content, path = settings(tmp_path), tmp_path / "settings.json"

    path.write_bytes(content.to_json())

    assert read(path) == content
    assert SECRET not in repr(content)
