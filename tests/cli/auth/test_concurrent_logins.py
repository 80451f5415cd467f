"""One sign-in for a crowd: many at once, one tab, one issuance, whoever is killed meanwhile."""

import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from daypass.cli.cache.entries import Entry
from tests.cli.conftest import Command
from tests.cli.sign_in import SignInPortal, Tabs
from tests.cli.stub import StubPortal

DEV = ("aws", "--tenant", "dev01")
CROWD = 50

Processes = "list[subprocess.Popen[str]]"


@pytest.fixture
def sign_in(portal: StubPortal) -> SignInPortal:
    return SignInPortal(portal)


@pytest.fixture
def tabs(tmp_path: Path) -> Tabs:
    return Tabs(tmp_path)


def crowd(daypass: Command, tabs: Tabs, number: int) -> "list[subprocess.Popen[str]]":
    """So many at once, with a browser and nobody at a terminal."""
    environment = daypass.environment(DAYPASS_TOKEN="", BROWSER=tabs.command)
    return [daypass.start(*DEV, environment=environment) for _ in range(number)]


def ended(processes: "list[subprocess.Popen[str]]") -> list[tuple[int, str, str]]:
    said = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]


def all_are_waiting(processes: "list[subprocess.Popen[str]]", state: Path) -> None:
    """Return when every one of them has come to the lock."""
    give_up = time.monotonic() + 60
    while not all(_has_open(process, state) for process in processes):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def listening(processes: "list[subprocess.Popen[str]]") -> "subprocess.Popen[str]":
    """The one that waits for the browser."""
    (holder,) = [process for process in processes if _has_open(process, Path("socket:"))]
    return holder


def _has_open(process: "subprocess.Popen[str]", what: Path) -> bool:
    try:
        links = [str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()]
    except OSError:
        return False
    return any(link.startswith(str(what)) and not link.endswith("/opened") for link in links)


def answered(sign_in: SignInPortal) -> None:
    """Agree, as soon as somebody listens."""
    give_up = time.monotonic() + 60
    while sign_in.answer(sign_in.pushed[-1]) != 303:
        assert time.monotonic() < give_up
        time.sleep(0.05)


def whole_files(daypass: Command) -> int:
    """How many files are kept, each of them whole."""
    state = daypass.home / ".local" / "state" / "daypass"
    kept = [*state.glob("*.sign-in"), *daypass.cache.glob("*.keys")]
    for path in kept:
        Entry.from_bytes(path.read_bytes())
    assert list(state.glob("*.pending")) == []
    return len(kept)


def test_fifty_at_once_with_a_third_killed_open_one_tab_and_cause_one_issuance(
    daypass: Command, sign_in: SignInPortal, tabs: Tabs
) -> None:
    processes = crowd(daypass, tabs, CROWD)
    sign_in.await_push()
    tabs.await_one()
    all_are_waiting(processes, daypass.home / ".local" / "state" / "daypass")

    # Among them the one that the browser would have come back to.
    killed = {listening(processes), *random.sample(processes, CROWD // 3)}
    for process in killed:
        process.kill()
    answered(sign_in)
    outcomes = ended([process for process in processes if process not in killed])
    ended(list(killed))

    assert {code for code, _, _ in outcomes} == {0}
    assert len({out for _, out, _ in outcomes}) == 1
    assert json.loads(outcomes[0][1])["Version"] == 1
    assert (len(tabs.opened), len(sign_in.pushed), len(sign_in.redeemed)) == (1, 1, 1)
    assert len(sign_in.issued_to) == 1
    assert whole_files(daypass) == 2


def test_a_no_is_everybody_s_no(daypass: Command, sign_in: SignInPortal, tabs: Tabs) -> None:
    processes = crowd(daypass, tabs, 8)
    pushed = sign_in.await_push()
    all_are_waiting(processes, daypass.home / ".local" / "state" / "daypass")

    sign_in.answer(pushed, code="", error="access_denied")
    outcomes = ended(processes)

    assert {code for code, _, _ in outcomes} == {3}
    assert len(tabs.opened) == 1


def test_many_renew_once(daypass: Command, sign_in: SignInPortal, tabs: Tabs) -> None:
    sign_in.access_life = 30
    (first,) = crowd(daypass, tabs, 1)
    answer_to = sign_in.await_push()
    sign_in.answer(answer_to)
    assert ended([first])[0][0] == 0
    sign_in.access_life = 3600

    environment = daypass.environment(DAYPASS_TOKEN="", BROWSER=tabs.command)
    tenants = [f"dev{number:02}" for number in range(2, 8)]
    outcomes = ended([daypass.start("aws", "-T", tenant, environment=environment) for tenant in tenants])

    assert {code for code, _, _ in outcomes} == {0}
    assert len(sign_in.refreshed) == 1
    assert len(sign_in.issued_to) == 1 + len(tenants)


def test_who_is_killed_while_renewing_leaves_a_sign_in_that_works_or_is_asked_for_again(
    daypass: Command, sign_in: SignInPortal, tabs: Tabs
) -> None:
    """The portal has given the next tokens, and nobody has kept them: the one before is spent."""
    sign_in.access_life = 30
    (first,) = crowd(daypass, tabs, 1)
    sign_in.answer(sign_in.await_push())
    assert ended([first])[0][0] == 0
    sign_in.stub.may_answer.clear()
    environment = daypass.environment(DAYPASS_TOKEN="", BROWSER=tabs.command)
    renewing = daypass.start("aws", "--tenant", "dev02", environment=environment)
    give_up = time.monotonic() + 60
    while not sign_in.refreshed:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    renewing.kill()
    renewing.communicate()
    sign_in.stub.may_answer.set()
    sign_in.ended = True
    sign_in.access_life = 3600

    again = daypass.start("aws", "--tenant", "dev02", environment=environment)
    sign_in.await_push()
    sign_in.answer(sign_in.pushed[-1])

    assert ended([again])[0][0] == 0
    assert whole_files(daypass) >= 2
