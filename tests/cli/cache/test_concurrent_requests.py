"""Many at once, the way a build or an editor calls: one asks, all share."""

import json
import random
import signal
import subprocess
from datetime import timedelta

from daypass.cli.cache.entries import Entry
from tests.cli.conftest import Command
from tests.cli.stub import StubPortal, problem

DEV = ("aws", "--tenant", "dev01")


def _ended(commands: "list[subprocess.Popen[str]]") -> list[tuple[int, str, str]]:
    said = [command.communicate(timeout=60) for command in commands]
    return [(command.returncode, *texts) for command, texts in zip(commands, said, strict=True)]


def test_thirty_at_once_cause_one_issuance_and_print_the_same(daypass: Command, portal: StubPortal) -> None:
    portal.may_answer.clear()
    commands = [daypass.start(*DEV) for _ in range(30)]
    portal.await_questions(1)

    portal.may_answer.set()
    ended = _ended(commands)

    assert len(portal.asked) == 1
    assert len(set(ended)) == 1
    assert ended[0][0] == 0


def test_who_waits_takes_over_when_the_one_that_asks_is_killed(daypass: Command, portal: StubPortal) -> None:
    portal.may_answer.clear()
    asking = daypass.start(*DEV)
    portal.await_questions(1)
    waiting = [daypass.start(*DEV) for _ in range(5)]

    asking.kill()
    asking.communicate()
    portal.may_answer.set()
    ended = _ended(waiting)

    assert [code for code, _, _ in ended] == [0] * 5
    assert len({out for _, out, _ in ended}) == 1
    assert len(portal.asked) == 2


def test_a_refusal_is_everybodys_own(daypass: Command, portal: StubPortal) -> None:
    portal.reply = problem(403, "access_denied", "You are not a member.")

    ended = _ended([daypass.start(*DEV) for _ in range(5)])

    assert [code for code, _, _ in ended] == [4] * 5


def test_one_tenant_does_not_wait_for_another(daypass: Command, portal: StubPortal) -> None:
    portal.may_answer.clear()
    slow, other = daypass.start(*DEV), daypass.start("aws", "--tenant", "dev02")

    portal.await_questions(2)
    portal.may_answer.set()

    assert [code for code, _, _ in _ended([slow, other])] == [0, 0]


def test_fifty_with_a_third_killed_at_random_leave_no_torn_file(daypass: Command, portal: StubPortal) -> None:
    # Keys that are used up at once: every process asks, and writes what it was given.
    portal.life = timedelta()
    commands = [daypass.start(*DEV) for _ in range(50)]
    portal.await_questions(5)
    for command in random.Random(22).sample(commands, 17):  # noqa: S311  no secret depends on it
        command.kill()

    ended = _ended(commands)

    survivors = [out for code, out, _ in ended if code != -signal.SIGKILL]
    assert len(survivors) >= 33
    assert all(json.loads(out)["Version"] == 1 for out in survivors)
    assert {code for code, _, _ in ended} <= {0, -signal.SIGKILL}
    assert Entry.from_bytes(daypass.entry().read_bytes()).answer.startswith(b'{"Version": 1')
    assert {oct(path.stat().st_mode & 0o777) for path in daypass.cache.iterdir()} == {"0o600"}
    assert daypass(*DEV).err == ""
