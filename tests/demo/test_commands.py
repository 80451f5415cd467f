"""Errors of `daypass demo`: a sentence and exit code 1."""

import socket
import subprocess
from pathlib import Path

from tests.fixtures.demo import ANY_PORTS, DAYPASS, bare_environment


def run(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DAYPASS, "demo", *options],
        env=bare_environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_portal_port_in_use_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = run(tmp_path, "--portal-port", port, "--aws-port", "0")

    assert_refused(
        done, f"Port {port} cannot be used (address already in use). Choose another with --portal-port"
    )


def test_an_aws_port_in_use_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = run(tmp_path, "--portal-port", "0", "--provider-port", "0", "--aws-port", port)

    assert_refused(
        done, f"Port {port} cannot be used (address already in use). Choose another with --aws-port"
    )


def test_a_provider_port_in_use_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = run(tmp_path, "--portal-port", "0", "--aws-port", "0", "--provider-port", port)

    assert_refused(
        done, f"Port {port} cannot be used (address already in use). Choose another with --provider-port"
    )


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    assert_refused(run(tmp_path, "--dir", "/proc/demo"), "/proc/demo cannot be used")


def test_an_unwritable_ready_file_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    done = run(tmp_path, *ANY_PORTS, "--ready-file", "/proc/none/ready.json")

    assert_refused(done, "The ready file /proc/none/ready.json cannot be written")
    assert not (tmp_path / ".daypass-demo" / "sandbox.log").exists()


def test_an_invalid_port_is_a_usage_error(tmp_path: Path) -> None:
    assert run(tmp_path, "--portal-port", "99999").returncode == 2
