"""The demo's processes: their environment, and that all of them are stopped."""

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


def test_a_process_that_ends_while_starting_is_named_with_its_log(tmp_path: Path) -> None:
    with ProcessGroup(StateDirectory(tmp_path), SignalGuard()) as processes:
        child = processes.start("portal", ["no-such-command"], {})

        with pytest.raises(DemoError, match=r"The portal stopped while starting; .*portal\.log says why"):
            child.wait_until(lambda: False)

    assert "no-such-command" in (tmp_path / "portal.log").read_text()


class FolderInWhichItIsStopped(StateDirectory):
    """A state folder in which a signal arrives while a log is opened."""

    def open_log(self, name: str) -> int:
        signal.raise_signal(signal.SIGINT)
        return super().open_log(name)


@pytest.fixture
def signals() -> Iterator[SignalGuard]:
    """A guard that handles the signals until the end of the test."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    signals = SignalGuard()
    signals.listen()
    yield signals
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_during_the_start_of_a_process_stops_it(tmp_path: Path, signals: SignalGuard) -> None:
    processes = ProcessGroup(FolderInWhichItIsStopped(tmp_path), signals)

    with processes, pytest.raises(KeyboardInterrupt):
        processes.start("sandbox", ["sandbox", "--help"], {})

    (child,) = processes._children
    assert child.has_exited


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_whose_exception_python_drops_is_raised_by_the_next_wait(
    tmp_path: Path, signals: SignalGuard, number: signal.Signals
) -> None:
    # Python drops exceptions in callbacks of weak references, such as those of the import system.
    unraisable: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda dropped: unraisable.append(dropped.exc_type)
    gone = weakref.ref(SignalGuard(), lambda _: signal.raise_signal(number))
    sys.unraisablehook = before
    assert (gone(), unraisable) == (None, [KeyboardInterrupt])

    with ProcessGroup(StateDirectory(tmp_path), signals) as processes, pytest.raises(KeyboardInterrupt):
        processes.start("sandbox", ["sandbox", "--help"], {}).wait_until(lambda: False)

    assert processes.exited_child() is not None


class ImpatientlyStopped(Child):
    """A process during whose stop a second signal arrives."""

    def stop(self) -> None:
        signal.raise_signal(signal.SIGINT)
        super().stop()


def test_a_second_signal_leaves_no_process_behind(tmp_path: Path, signals: SignalGuard) -> None:
    with pytest.raises(KeyboardInterrupt), ProcessGroup(StateDirectory(tmp_path), signals) as processes:
        for name in ("first", "second"):
            child = processes.start(name, ["sandbox", "--help"], {})
            processes._children[-1] = ImpatientlyStopped(child.name, child.process, child.log, signals)
        signal.raise_signal(signal.SIGINT)

    assert [child.has_exited for child in processes._children] == [True, True]


def test_variables_of_another_aws_are_not_inherited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("DUPLO_HOST", "https://portal.example.com")
    monkeypatch.setenv("DAYPASS_DATABASE_URL", "postgresql://elsewhere")
    monkeypatch.setenv("LANG", "C.UTF-8")

    environment = inherited_environment()

    assert environment["LANG"] == "C.UTF-8"
    assert not {"AWS_PROFILE", "DUPLO_HOST", "DAYPASS_DATABASE_URL"} & environment.keys()


def test_a_port_in_use_is_refused_with_the_option_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(DemoError, match=f"Port {port} cannot be used .*--portal-port, or 0"):
            choose_port(port, "--portal-port")


def test_a_port_of_two_servers_is_refused() -> None:
    with pytest.raises(DemoError, match=r"Port 8443 is used twice.*--provider-port, or 0"):
        choose_port(8443, "--provider-port", taken=8443)


def test_port_zero_chooses_a_port_that_stays_free() -> None:
    first_of_connections, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()

    assert 1024 < choose_port(0, "--portal-port") < int(first_of_connections)
