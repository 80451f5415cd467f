"""A portal to measure: the real one, with a stub of AWS that responds immediately, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from benchmarks.stub_sts import ACCOUNT
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.clock import utc_now
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.tenants.store import TenantStore

TENANT = "dev01"
REGION = "us-east-1"

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Served:
    """The processes that serve on one port."""

    port: int
    pids: Sequence[int]

    def cpu_seconds(self) -> float:
        """Return the CPU time that they have used so far, with all threads."""
        return sum(_cpu_seconds(pid) for pid in self.pids)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def seed(database: Database) -> Secret:
    """Add a tenant with one member; return the API token of the member."""
    migrate(database)
    committer = Committer(database, utc_now)
    try:
        identity = Identity(database, committer, utc_now)
        user = identity.create_user("dana@example.com", Role.USER, None, OPERATOR)
        token, _ = identity.create_token(user, TokenKind.PERMANENT, "benchmark", OPERATOR)
    finally:
        committer.close()
    tenant_id = TenantId(str(uuid4()))
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/duploservices-{TENANT}"
    with database.writing() as connection:
        store = TenantStore(connection)
        store.add(Tenant.with_role(tenant_id, TENANT, REGION, role_arn, "external-id"), utc_now())
        store.add_member(tenant_id, user.id, Access.FULL, utc_now())
    return token


@contextmanager
def stub_aws() -> Iterator[str]:
    """Run a stub of STS and IAM in a process of its own; yield its URL."""
    command = [sys.executable, "-m", "benchmarks.stub_sts"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101  it was asked for
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def environment(database_url: str, aws_url: str) -> dict[str, str]:
    """Return the environment of the portal: without TLS, and otherwise with the default settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DAYPASS_"))}
    return kept | {
        "DAYPASS_DATABASE_URL": database_url,
        "DAYPASS_LISTEN": "127.0.0.1:0",
        "DAYPASS_AWS_REGION": REGION,
        "DAYPASS_AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": "AKIABENCHMARKBENCHMK",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
    }


@contextmanager
def sketch(folder: Path, aws_url: str) -> Iterator[Served]:
    """Run the sketch, the minimum of an issuance, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sketch", str(folder), aws_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101  it was asked for
            yield Served(int(process.stdout.readline()), [process.pid])
        finally:
            process.terminate()


@contextmanager
def serve(folder: Path, aws_url: str, workers: int = 1) -> Iterator[Served]:
    """Run the portal by `daypass portal serve` with that number of workers, and its log in a file."""
    daypass = str(Path(sys.executable).with_name("daypass"))
    reading, writing = os.pipe()
    with (folder / "portal.log").open("wb") as log:
        process = subprocess.Popen(
            [daypass, "portal", "serve", "--workers", str(workers), "--ready-fd", str(writing)],
            env=environment(f"sqlite:///{folder / 'portal.db'}", aws_url),
            pass_fds=[writing],
            stderr=log,
        )
    os.close(writing)
    try:
        with os.fdopen(reading) as ready:
            url = ready.readline().strip()
        if not url:
            sys.exit(f"The portal did not start:\n{(folder / 'portal.log').read_text()}")
        yield Served(int(url.rpartition(":")[2]), _workers_of(process.pid))
    finally:
        process.terminate()
        process.wait()


def _workers_of(supervisor: int) -> Sequence[int]:
    """Return the worker processes of a portal; the supervisor itself serves nothing."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text()
    return [int(worker) for worker in children.split()]
