"""Concurrent commands share one sign-in, one browser tab and one issuance, even if some are killed."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from daypass.cli.cache.files import CacheFile
from tests.cli.conftest import Command
from tests.cli.sign_in import FakeBrowser, SignInPortal
from tests.cli.stub import StubPortal
from tests.waiting import wait_until

DEV = ("aws", "--tenant", "dev01")
COMMAND_COUNT = 50

Processes = "list[subprocess.Popen[str]]"


@pytest.fixture
def sign_in(portal: StubPortal) -> SignInPortal:
    return SignInPortal(portal)


@pytest.fixture
def tabs(tmp_path: Path) -> FakeBrowser:
    return FakeBrowser(tmp_path)


def start_commands(daypass: Command, tabs: FakeBrowser, number: int) -> "list[subprocess.Popen[str]]":
    """Start *number* commands with a browser and without a terminal."""
    environment = daypass.environment(DAYPASS_TOKEN="", BROWSER=tabs.command)
    return [daypass.start(*DEV, environment=environment) for _ in range(number)]


def outcomes_of(processes: "list[subprocess.Popen[str]]") -> list[tuple[int, str, str]]:
    outputs = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *texts) for process, texts in zip(processes, outputs, strict=True)]


def await_lock(processes: "list[subprocess.Popen[str]]", state: Path) -> None:
    """Wait until every process has opened the lock file."""
    wait_until(lambda: all(_has_open(process, state) for process in processes))


def callback_process(processes: "list[subprocess.Popen[str]]") -> "subprocess.Popen[str]":
    """Return the process that listens for the browser's callback."""
    (holder,) = [process for process in processes if _has_open(process, Path("socket:"))]
    return holder


def _has_open(process: "subprocess.Popen[str]", target: Path) -> bool:
    try:
        links = [str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()]
    except OSError:
        return False
    return any(link.startswith(str(target)) and not link.endswith("/opened") for link in links)


def consent(sign_in: SignInPortal) -> None:
    """Send the authorization response as soon as a process listens."""
    wait_until(lambda: sign_in.answer(sign_in.pushed[-1]) == 303)


def count_complete_files(daypass: Command) -> int:
    """Return the number of stored files after checking that each is complete."""
    state = daypass.home / ".local" / "state" / "daypass"
    stored = [*state.glob("*.sign-in"), *daypass.cache.glob("*.keys")]
    for path in stored:
        CacheFile.from_bytes(path.read_bytes())
    assert list(state.glob("*.pending")) == []
    return len(stored)


def test_fifty_commands_with_a_third_killed_open_one_tab_and_cause_one_issuance(
    daypass: Command, sign_in: SignInPortal, tabs: FakeBrowser
) -> None:
    processes = start_commands(daypass, tabs, COMMAND_COUNT)
    sign_in.await_push()
    tabs.await_one()
    await_lock(processes, daypass.home / ".local" / "state" / "daypass")

    # The killed processes include the one that the browser would have called back.
    killed = {callback_process(processes), *random.sample(processes, COMMAND_COUNT // 3)}
    for process in killed:
        process.kill()
    consent(sign_in)
    outcomes = outcomes_of([process for process in processes if process not in killed])
    outcomes_of(list(killed))

    assert {code for code, _, _ in outcomes} == {0}
    assert len({out for _, out, _ in outcomes}) == 1
    assert json.loads(outcomes[0][1])["Version"] == 1
    assert (len(tabs.opened), len(sign_in.pushed), len(sign_in.redeemed)) == (1, 1, 1)
    assert len(sign_in.issued_to) == 1
    assert count_complete_files(daypass) == 2


def test_a_declined_sign_in_ends_all_waiting_commands(
    daypass: Command, sign_in: SignInPortal, tabs: FakeBrowser
) -> None:
    processes = start_commands(daypass, tabs, 8)
    pushed = sign_in.await_push()
    await_lock(processes, daypass.home / ".local" / "state" / "daypass")

    sign_in.answer(pushed, code="", error="access_denied")
    outcomes = outcomes_of(processes)

    assert {code for code, _, _ in outcomes} == {3}
    assert len(tabs.opened) == 1


def test_concurrent_commands_refresh_the_token_once(
    daypass: Command, sign_in: SignInPortal, tabs: FakeBrowser
) -> None:
    sign_in.access_life = 30
    (first,) = start_commands(daypass, tabs, 1)
    answer_to = sign_in.await_push()
    sign_in.answer(answer_to)
    assert outcomes_of([first])[0][0] == 0
    sign_in.access_life = 3600

    environment = daypass.environment(DAYPASS_TOKEN="", BROWSER=tabs.command)
    tenants = [f"dev{number:02}" for number in range(2, 8)]
    outcomes = outcomes_of(
        [daypass.start("aws", "-T", tenant, environment=environment) for tenant in tenants]
    )

    assert {code for code, _, _ in outcomes} == {0}
    assert len(sign_in.refreshed) == 1
    assert len(sign_in.issued_to) == 1 + len(tenants)


def test_after_a_process_is_killed_during_a_refresh_the_user_can_sign_in_again(
    daypass: Command, sign_in: SignInPortal, tabs: FakeBrowser
) -> None:
    """The portal has issued new tokens that were not stored, and the old refresh token is used up."""
    sign_in.access_life = 30
    (first,) = start_commands(daypass, tabs, 1)
    sign_in.answer(sign_in.await_push())
    assert outcomes_of([first])[0][0] == 0
    sign_in.stub.may_answer.clear()
    environment = daypass.environment(DAYPASS_TOKEN="", BROWSER=tabs.command)
    renewing = daypass.start("aws", "--tenant", "dev02", environment=environment)
    wait_until(lambda: bool(sign_in.refreshed))
    renewing.kill()
    renewing.communicate()
    sign_in.stub.may_answer.set()
    sign_in.ended = True
    sign_in.access_life = 3600

    again = daypass.start("aws", "--tenant", "dev02", environment=environment)
    sign_in.await_push()
    sign_in.answer(sign_in.pushed[-1])

    assert outcomes_of([again])[0][0] == 0
    assert count_complete_files(daypass) >= 2
