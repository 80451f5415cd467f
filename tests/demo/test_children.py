"""The demo's processes: what they inherit, and that none is left behind."""

import signal
import socket
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass.demo.errors import DemoError
from daypass.demo.processes import Child, ProcessGroup, choose_port, inherited_environment
from daypass.demo.signals import STOPPING, SignalGuard
from daypass.demo.state_dir import StateDirectory


def test_a_child_that_ends_while_starting_is_named_with_its_log(tmp_path: Path) -> None:
    with ProcessGroup(StateDirectory(tmp_path), SignalGuard()) as children:
        child = children.start("portal", ["no-such-command"], {})

        with pytest.raises(DemoError, match=r"The portal stopped while starting; .*portal\.log says why"):
            child.wait_until(lambda: False)

    assert "no-such-command" in (tmp_path / "portal.log").read_text()


class FolderInWhichItIsStopped(StateDirectory):
    """Its logs are opened just when somebody presses Ctrl-C."""

    def open_log(self, name: str) -> int:
        signal.raise_signal(signal.SIGINT)
        return super().open_log(name)


@pytest.fixture
def stops() -> Iterator[SignalGuard]:
    """Signals are taken by it until the test is over."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    stops = SignalGuard()
    stops.listen()
    yield stops
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_stop_while_a_child_is_started_finds_it(tmp_path: Path, stops: SignalGuard) -> None:
    children = ProcessGroup(FolderInWhichItIsStopped(tmp_path), stops)

    with children, pytest.raises(KeyboardInterrupt):
        children.start("sandbox", ["sandbox", "--help"], {})

    (child,) = children._children
    assert child.has_exited


@pytest.mark.parametrize("number", STOPPING)
def test_a_stop_that_python_drops_is_heeded_by_the_next_wait(
    tmp_path: Path, stops: SignalGuard, number: signal.Signals
) -> None:
    # Nothing can be raised out of the callback of a weak reference: as when a module has been imported.
    unraisable: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda dropped: unraisable.append(dropped.exc_type)
    gone = weakref.ref(SignalGuard(), lambda _: signal.raise_signal(number))
    sys.unraisablehook = before
    assert (gone(), unraisable) == (None, [KeyboardInterrupt])

    with ProcessGroup(StateDirectory(tmp_path), stops) as children, pytest.raises(KeyboardInterrupt):
        children.start("sandbox", ["sandbox", "--help"], {}).wait_until(lambda: False)

    assert children.exited_child() is not None


class ImpatientlyStopped(Child):
    """Somebody presses Ctrl-C once more while it is stopped."""

    def stop(self) -> None:
        signal.raise_signal(signal.SIGINT)
        super().stop()


def test_impatience_leaves_no_child_behind(tmp_path: Path, stops: SignalGuard) -> None:
    with pytest.raises(KeyboardInterrupt), ProcessGroup(StateDirectory(tmp_path), stops) as children:
        for name in ("first", "second"):
            child = children.start(name, ["sandbox", "--help"], {})
            children._children[-1] = ImpatientlyStopped(child.name, child.process, child.log, stops)
        signal.raise_signal(signal.SIGINT)

    assert [child.has_exited for child in children._children] == [True, True]


def test_what_the_environment_says_about_another_aws_is_not_inherited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("DUPLO_HOST", "https://portal.example.com")
    monkeypatch.setenv("DAYPASS_DATABASE_URL", "postgresql://elsewhere")
    monkeypatch.setenv("LANG", "C.UTF-8")

    environment = inherited_environment()

    assert environment["LANG"] == "C.UTF-8"
    assert not {"AWS_PROFILE", "DUPLO_HOST", "DAYPASS_DATABASE_URL"} & environment.keys()


def test_a_port_that_is_taken_is_refused_with_the_option_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(DemoError, match=f"Port {port} cannot be used .*--portal-port, or 0"):
            choose_port(port, "--portal-port")


def test_port_zero_is_any_that_is_free_and_stays_so_until_somebody_listens() -> None:
    first_of_connections, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()

    assert 1024 < choose_port(0, "--portal-port") < int(first_of_connections)
