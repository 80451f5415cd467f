"""Fixtures that run the console script, in its own process or in this one, against a stub portal."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from daypass.cli.app import run
from daypass.main import EXTRA_COMMANDS, now
from tests.cli.stub import StubPortal
from tests.tls import Authority, new_authority

SCRIPT = str(Path(sys.executable).with_name("daypass"))
ELSEWHERE = "portal.example.invalid"
"""A name that cannot be resolved (RFC 6761)."""

TOKEN = "daypass_pat_canary0123456789canary0123456789"


def search_path() -> str:
    """Return a PATH on which `daypass` is found."""
    return f"{Path(SCRIPT).parent}{os.pathsep}{os.environ['PATH']}"


@dataclass(frozen=True)
class Ran:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """Runs `daypass` with its own home directory."""

    home: Path
    portal: StubPortal

    @property
    def cache(self) -> Path:
        """The cache folder in this home directory."""
        return self.home / ".cache" / "daypass"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the command's environment: a portal and a token unless *more* overrides them."""
        base = {
            "DAYPASS_HOST": self.portal.url,
            "DAYPASS_TOKEN": TOKEN,
            "HOME": str(self.home),
            "CI": "true",
        }
        return {"PATH": search_path(), **base, **more}

    def __call__(self, *words: str, **more: str) -> Ran:
        """Run the command to its end."""
        return self.run(words, self.environment(**more))

    def run(self, words: Sequence[str], environment: Mapping[str, str]) -> Ran:
        """Run the command in exactly this environment to its end."""
        return self._run([SCRIPT, *words], environment)

    def on_a_full_disk(self, *words: str) -> Ran:
        """Run the command where no file can grow."""
        return self._run(["sh", "-c", 'ulimit -f 0; exec "$0" "$@"', SCRIPT, *words], self.environment())

    def _run(self, command: Sequence[str], environment: Mapping[str, str]) -> Ran:
        done = subprocess.run(
            command,
            env=environment,
            # In its own session the command has no controlling terminal.
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, environment: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start the command without waiting for its end."""
        return subprocess.Popen(
            [SCRIPT, *words],
            env=environment or self.environment(),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def entry(self) -> Path:
        """Return the only file with credentials in the cache."""
        (entry,) = self.cache.glob("*.keys")
        return entry


@pytest.fixture
def portal() -> Iterator[StubPortal]:
    """Return a portal on loopback without TLS."""
    stub = StubPortal()
    yield stub
    stub.close()


@pytest.fixture
def daypass(tmp_path: Path, portal: StubPortal) -> Command:
    """Return the command with that portal and a token in its environment."""
    return Command(tmp_path, portal)


@dataclass(frozen=True)
class Inside:
    """Runs the same commands inside this process, which saves the start of an interpreter."""

    home: Path
    portal: StubPortal
    _monkeypatch: pytest.MonkeyPatch
    _capture: pytest.CaptureFixture[str]

    @property
    def config(self) -> Path:
        """The AWS config file in this home directory."""
        return self.home / ".aws" / "config"

    def __call__(self, *words: str, **more: str) -> Ran:
        """Run the command to its end."""
        with self._monkeypatch.context() as patch:
            for name in os.environ:
                if name.startswith(("AWS_", "DAYPASS_", "DUPLO_", "XDG_", "GITHUB_")):
                    patch.delenv(name)
            base = {"DAYPASS_HOST": self.portal.url, "DAYPASS_TOKEN": TOKEN, "HOME": str(self.home)}
            # --debug sets the variable for the rest of the process.
            base["DAYPASS_DEBUG"] = ""
            base["PATH"] = search_path()
            for name, value in (base | more).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", [SCRIPT, *words])
            self._capture.readouterr()
            code = run(list(words), EXTRA_COMMANDS, now)
        captured = self._capture.readouterr()
        return Ran(code, captured.out, captured.err)


@pytest.fixture
def inside(
    tmp_path: Path,
    portal: StubPortal,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Inside:
    """Return the in-process command with that portal and a token in its environment."""
    return Inside(tmp_path, portal, monkeypatch, capfd)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return a certificate for localhost and `ELSEWHERE` that only its CA file makes trusted."""
    return new_authority(tmp_path_factory.mktemp("tls"), ELSEWHERE)
