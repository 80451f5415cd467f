"""Concurrent requests, as a build or an editor makes them, share one call to the portal (single-flight)."""

import json
import random
import signal
import subprocess
from datetime import timedelta

from daypass.cli.cache.files import CacheFile
from tests.cli.conftest import Command
from tests.cli.stub import StubPortal, problem

DEV = ("aws", "--tenant", "dev01")


def _outcomes(commands: "list[subprocess.Popen[str]]") -> list[tuple[int, str, str]]:
    outputs = [command.communicate(timeout=60) for command in commands]
    return [(command.returncode, *texts) for command, texts in zip(commands, outputs, strict=True)]


def test_thirty_concurrent_requests_share_one_issuance(daypass: Command, portal: StubPortal) -> None:
    portal.may_answer.clear()
    commands = [daypass.start(*DEV) for _ in range(30)]
    portal.await_requests(1)

    portal.may_answer.set()
    outcomes = _outcomes(commands)

    assert len(portal.requests) == 1
    assert len(set(outcomes)) == 1
    assert outcomes[0][0] == 0


def test_a_waiting_process_takes_over_when_the_requesting_one_is_killed(
    daypass: Command, portal: StubPortal
) -> None:
    portal.may_answer.clear()
    requesting = daypass.start(*DEV)
    portal.await_requests(1)
    waiting = [daypass.start(*DEV) for _ in range(5)]

    requesting.kill()
    requesting.communicate()
    portal.may_answer.set()
    outcomes = _outcomes(waiting)

    assert [code for code, _, _ in outcomes] == [0] * 5
    assert len({out for _, out, _ in outcomes}) == 1
    assert len(portal.requests) == 2


def test_a_refusal_is_not_shared(daypass: Command, portal: StubPortal) -> None:
    portal.reply = problem(403, "access_denied", "You are not a member.")

    outcomes = _outcomes([daypass.start(*DEV) for _ in range(5)])

    assert [code for code, _, _ in outcomes] == [4] * 5


def test_requests_for_different_tenants_do_not_wait_for_each_other(
    daypass: Command, portal: StubPortal
) -> None:
    portal.may_answer.clear()
    slow, other = daypass.start(*DEV), daypass.start("aws", "--tenant", "dev02")

    portal.await_requests(2)
    portal.may_answer.set()

    assert [code for code, _, _ in _outcomes([slow, other])] == [0, 0]


def test_killed_processes_leave_no_partial_file(daypass: Command, portal: StubPortal) -> None:
    # Credentials that expire at once make every process call the portal and write the cache.
    portal.life = timedelta()
    commands = [daypass.start(*DEV) for _ in range(50)]
    portal.await_requests(5)
    for command in random.Random(22).sample(commands, 17):  # noqa: S311  no secret depends on it
        command.kill()

    outcomes = _outcomes(commands)

    survivors = [out for code, out, _ in outcomes if code != -signal.SIGKILL]
    assert len(survivors) >= 33
    assert all(json.loads(out)["Version"] == 1 for out in survivors)
    assert {code for code, _, _ in outcomes} <= {0, -signal.SIGKILL}
    assert CacheFile.from_bytes(daypass.entry().read_bytes()).body.startswith(b'{"Version": 1')
    assert {oct(path.stat().st_mode & 0o777) for path in daypass.cache.iterdir()} == {"0o600"}
    assert daypass(*DEV).err == ""
