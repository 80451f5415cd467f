"""`daypass demo --once` from start to end, with an empty home."""

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daypass.demo.processes import ProcessGroup
from daypass.demo.run import run_checklist
from daypass.demo.seed.history import REASON
from daypass.demo.signals import SignalGuard
from daypass.demo.start import DemoPorts, start
from daypass.demo.state_dir import StateDirectory
from daypass.portal.access.store.issuances import IssuanceStore
from daypass.portal.clock import utc_now
from daypass.portal.identity.store.users import UserStore
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Access, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.demo.processes import of_folder
from tests.fixtures.demo import ANY_PORTS, DAYPASS, bare_environment


@dataclass(frozen=True, slots=True)
class Run:
    """A demo that ran once."""

    done: subprocess.CompletedProcess[str]
    state: Path
    ready: Mapping[str, Any]

    @property
    def outcomes(self) -> dict[str, list[str]]:
        """Return the lines printed behind ✓ and ✗."""
        return {mark: re.findall(rf"^  {mark} (.*)$", self.done.stdout, re.MULTILINE) for mark in "✓✗"}


def run_once(folder: Path) -> Run:
    ready = folder / "ready.json"
    done = subprocess.run(
        [DAYPASS, "demo", "--once", *ANY_PORTS, "--ready-file", str(ready)],
        env=bare_environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ready.exists(), done.stdout + done.stderr
    return Run(done, folder / ".daypass-demo", json.loads(ready.read_bytes()))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The first run in an empty folder."""
    return run_once(tmp_path_factory.mktemp("once"))


def test_every_check_passes_with_exit_code_0(first: Run) -> None:
    assert first.done.returncode == 0, first.done.stdout + first.done.stderr
    assert first.outcomes["✗"] == []
    assert len(first.outcomes["✓"]) > 30
    assert first.done.stderr == ""


@pytest.mark.parametrize(
    "outcome",
    [
        r"The portal issues keys +for 60 minutes, until \d\d:\d\d UTC",
        r"AWS reports whose keys they are +duploservices-dev01/dana@example\.com",
        r"Its bucket can be used +2 objects, one written",
        r"Its bucket cannot be written +AccessDenied",
        r"The portal refuses keys +404 tenant_not_found",
        r"Its table is denied to dev01's keys +AccessDeniedException",
        r"They give access to data01 +bucket, table, queue, topic, stream, API",
        r"A console link signs in +as duploservices-dev01/dana@example\.com",
        r"15 minutes later AWS refuses them +ExpiredToken",
        r"A button at the provider signs dana in +as dana@example\.com",
        r"Signing out there signs out of the portal +back-channel logout",
    ],
)
def test_each_check_prints_its_outcome(first: Run, outcome: str) -> None:
    assert any(re.fullmatch(outcome, line.rstrip()) for line in first.outcomes["✓"]), first.done.stdout


def test_the_ready_file_has_addresses_users_and_tenants(first: Run) -> None:
    assert list(first.ready) == [
        *("portal_url", "provider_url", "aws_endpoint_url", "ca_file"),
        *("region", "users", "tenants"),
    ]
    assert {user["username"]: user["role"] for user in first.ready["users"]} == {
        "admin@example.com": "Administrator",
        "dana@example.com": "User",
        "noor@example.com": "User",
        "ci@example.com": "User",
    }
    for user in first.ready["users"]:
        assert list(user) == ["username", "password", "role", "api_token"]
        assert re.fullmatch(r"[A-Za-z0-9_]+", user["api_token"])
    for tenant in first.ready["tenants"]:
        assert list(tenant) == [
            *("id", "name", "role_arn", "buckets"),
            *("table", "queue_url", "topic_arn", "stream", "api_id"),
        ]
        assert len(tenant["buckets"]) == 2
        assert tenant["role_arn"].endswith(f":role/duploservices-{tenant['name']}")


def test_all_files_of_the_demo_are_private(first: Run) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in first.state.rglob("*")}

    assert stat.S_IMODE(first.state.stat().st_mode) == 0o700
    assert {path.name: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
    assert stat.S_IMODE((first.state.parent / "ready.json").stat().st_mode) == 0o600


def test_no_secret_is_printed_or_logged(first: Run) -> None:
    logs = "".join(path.read_text() for path in first.state.glob("*.log"))

    for user in first.ready["users"]:
        assert user["api_token"] not in first.done.stdout + logs
        assert not user["password"] or user["password"] not in first.done.stdout + logs


def test_the_audit_log_of_history_and_real_sessions_verifies(first: Run) -> None:
    url = f"sqlite:///{first.state / 'daypass.db'}"
    verified = subprocess.run(
        [DAYPASS, "portal", "audit", "verify"],
        env=bare_environment(first.state.parent, DAYPASS_DATABASE_URL=url),
        cwd=first.state.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    database = Database(url)
    with database.reading() as connection:
        dana = UserStore(connection).find("dana@example.com")
        assert dana is not None
        newest = IssuanceStore(connection).list_for_user(dana.id, PageRequest(limit=200)).records
    database.close()

    assert verified.returncode == 0, verified.stdout + verified.stderr
    # The checklist's own sessions are newer than the history, and not marked.
    marked = [record.reason == REASON for record in newest]
    assert not marked[0]
    assert marked[-1]
    assert marked == sorted(marked)


def test_no_process_runs_after_the_demo(first: Run) -> None:
    assert of_folder(first.state) == []


def test_an_additional_membership_fails_a_check_with_exit_code_1(first: Run, tmp_path: Path) -> None:
    data01 = next(tenant for tenant in first.ready["tenants"] if tenant["name"] == "data01")
    state = shutil.copytree(first.state, tmp_path / first.state.name)
    database = Database(f"sqlite:///{state / 'daypass.db'}")
    with database.writing() as connection:
        dana = UserStore(connection).find("dana@example.com")
        assert dana is not None
        TenantStore(connection).add_member(TenantId(data01["id"]), dana.id, Access.FULL, utc_now())
    database.close()

    again = run_once(tmp_path)

    assert again.done.returncode == 1
    assert [line.split("  ")[0] for line in again.outcomes["✗"]] == ["The portal refuses keys"]
    assert again.ready["users"] == first.ready["users"]


def test_a_role_with_too_many_rights_fails_the_checks_of_other_tenants(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    folder = StateDirectory(tmp_path)

    signals = SignalGuard()
    with ProcessGroup(folder, signals) as processes:
        environment, _ = start(folder, processes, DemoPorts())
        iam, role = environment.aws.iam, "duploservices-dev01"
        for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
        iam.delete_role_permissions_boundary(RoleName=role)
        iam.put_role_policy(RoleName=role, PolicyName="tenant", PolicyDocument=document)
        has_passed = run_checklist(environment, signals)

    failed = re.findall(r"^  ✗ Its (\w+) is denied to dev01's keys", capsys.readouterr().out, re.MULTILINE)
    assert not has_passed
    assert failed == ["bucket", "table", "queue", "topic", "stream", "API"]
