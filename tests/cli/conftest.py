"""The console script itself, as a person or the AWS CLI runs it, and a portal for it to talk to."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from daypass.cli.app import run
from daypass.main import WINGS, now
from tests.cli.stub import StubPortal
from tests.tls import Authority, new_authority

SCRIPT = str(Path(sys.executable).with_name("daypass"))
ELSEWHERE = "portal.example.invalid"
"""A name that no resolver knows (RFC 6761)."""

TOKEN = "daypass_pat_canary0123456789canary0123456789"


def search_path() -> str:
    """Where commands are looked for: ours is found by its name, whoever runs these tests."""
    return f"{Path(SCRIPT).parent}{os.pathsep}{os.environ['PATH']}"


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """Runs `daypass` in a home of its own."""

    home: Path
    portal: StubPortal

    @property
    def cache(self) -> Path:
        """Where this home keeps its keys."""
        return self.home / ".cache" / "daypass"

    def environment(self, **more: str) -> dict[str, str]:
        """What the command finds set: a portal and a token, unless *more* empties them."""
        given = {
            "DAYPASS_HOST": self.portal.url,
            "DAYPASS_TOKEN": TOKEN,
            "HOME": str(self.home),
            "CI": "true",
        }
        return {"PATH": search_path(), **given, **more}

    def __call__(self, *words: str, **more: str) -> Ran:
        """Run it to its end."""
        return self._run([SCRIPT, *words], self.environment(**more))

    def on_a_full_disk(self, *words: str) -> Ran:
        """Run it where no file can grow."""
        return self._run(["sh", "-c", 'ulimit -f 0; exec "$0" "$@"', SCRIPT, *words], self.environment())

    def _run(self, command: list[str], environment: dict[str, str]) -> Ran:
        done = subprocess.run(
            command,
            env=environment,
            # With a session of its own it finds no terminal, whoever runs these tests.
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, environment: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start it, to be waited for later."""
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
        """The one file with keys in the cache."""
        (entry,) = self.cache.glob("*.keys")
        return entry


@pytest.fixture
def portal() -> Iterator[StubPortal]:
    """A portal on loopback, without TLS."""
    stub = StubPortal()
    yield stub
    stub.close()


@pytest.fixture
def daypass(tmp_path: Path, portal: StubPortal) -> Command:
    """The command, with that portal and a token in its environment."""
    return Command(tmp_path, portal)


@dataclass(frozen=True)
class Inside:
    """Runs the same commands inside this process: what they print and answer, without a start each time."""

    home: Path
    portal: StubPortal
    _monkeypatch: pytest.MonkeyPatch
    _capture: pytest.CaptureFixture[str]

    @property
    def config(self) -> Path:
        """Where AWS tools look for profiles."""
        return self.home / ".aws" / "config"

    def __call__(self, *words: str, **more: str) -> Ran:
        """Run it to its end."""
        with self._monkeypatch.context() as patch:
            for name in os.environ:
                if name.startswith(("AWS_", "DAYPASS_", "DUPLO_", "XDG_", "GITHUB_")):
                    patch.delenv(name)
            given = {"DAYPASS_HOST": self.portal.url, "DAYPASS_TOKEN": TOKEN, "HOME": str(self.home)}
            # --debug sets it for the rest of the process.
            given["DAYPASS_DEBUG"] = ""
            given["PATH"] = search_path()
            for name, value in (given | more).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", [SCRIPT, *words])
            self._capture.readouterr()
            code = run(list(words), WINGS, now)
        said = self._capture.readouterr()
        return Ran(code, said.out, said.err)


@pytest.fixture
def inside(
    tmp_path: Path,
    portal: StubPortal,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Inside:
    """The command in this process, with that portal and a token in its environment."""
    return Inside(tmp_path, portal, monkeypatch, capfd)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate for localhost and `ELSEWHERE` that only its own file makes trusted."""
    return new_authority(tmp_path_factory.mktemp("tls"), ELSEWHERE)
