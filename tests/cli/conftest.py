"""The console script itself, as a person or the AWS CLI runs it, and a portal for it to talk to."""

import ipaddress
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from daypass.cli.app import run
from daypass.main import WINGS, now
from tests.cli.stub import StubPortal

SCRIPT = str(Path(sys.executable).with_name("daypass"))
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


@dataclass(frozen=True)
class Authority:
    """A certificate authority of one's own, and a server context that it vouches for."""

    ca_file: Path
    server: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate for localhost that only its own file makes trusted."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a portal of one's own")])
    start = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251  certificates live by the real clock
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ca_file, chain = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(pem)
    chain.write_bytes(pem + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return Authority(ca_file, server)
