"""The option `--quick`: only the tests that start no other program.

Tests that use a real part (a database server, MiniStack, Chromium) are deselected by their fixtures. Any
other test is left out when it starts a program, so that a new test needs neither a mark nor an entry here.
"""

import os
import sys
from collections.abc import Generator

import pytest

REAL_PARTS = frozenset(
    {
        "chromium",
        "crashing_postgres",
        "demo",
        "fragile_demo",
        "identity_provider_process",
        "pgbouncer",
        "postgres",
        "sandbox_process",
    }
)
"""The fixtures that start a real part. Fixtures and tests that use them need no entry."""

_PROGRAM_EVENTS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.exec", "os.system"})
"""The audit events of CPython for a new program. A fork of the tests' own process is none."""

_LEFT_OUT = """\
Left out: every test that starts another program. These are the tests on PostgreSQL, PgBouncer, MiniStack (the
sandbox and the demo), Chromium, Node, the AWS CLI and shells, and those of `daypass` in a process of its own.
Run scripts/test without --quick before you push."""

_REASON = "left out by --quick"
_left_out: set[str] = set()
"""The tests of this worker that started a program."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--quick", action="store_true", help="only the tests that start no other program")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse other programs from now on; an audit hook cannot be removed."""
    if config.option.quick:
        sys.addaudithook(_refuse_programs)
        # Objects and threads of a refused program are not cleaned up, which may be reported in a later test.
        for category in (
            "ResourceWarning",
            "pytest.PytestUnraisableExceptionWarning",
            "pytest.PytestUnhandledThreadExceptionWarning",
        ):
            config.addinivalue_line("filterwarnings", f"ignore::{category}")


def needs_real_part(item: pytest.Item) -> bool:
    """Return whether a test uses a fixture of `REAL_PARTS`."""
    # A parameter that names such a fixture counts too: `database_url` requests its server at run time.
    callspec = getattr(item, "callspec", None)
    parameters = (
        [] if callspec is None else [value for value in callspec.params.values() if isinstance(value, str)]
    )
    names = {*getattr(item, "fixturenames", ()), *parameters}
    return not REAL_PARTS.isdisjoint(names)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that use a real part."""
    if config.option.quick:
        config.hook.pytest_deselected(items=[item for item in items if needs_real_part(item)])
        items[:] = [item for item in items if not needs_real_part(item)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a test that started a program, or whose fixture did, as left out whatever its outcome."""
    report = yield
    # A fixture of a larger scope raises the same error for each test that uses it.
    is_refused = item.nodeid in _left_out or _REASON in str(report.longrepr)
    if is_refused and (report.when == "call" or report.failed):
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, _REASON)
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count the tests that were left out by themselves, and not as skipped."""
    if report.skipped and isinstance(report.longrepr, tuple) and report.longrepr[2] == _REASON:
        return "left out", "", "LEFT OUT"
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what did not run."""
    if config.option.quick:
        terminalreporter.section("--quick")
        terminalreporter.line(_LEFT_OUT)


def _refuse_programs(event: str, _arguments: tuple[object, ...]) -> None:
    # Outside a test, pytest-xdist starts its workers, and the standard library runs uname.
    current = os.environ.get("PYTEST_CURRENT_TEST")
    if event in _PROGRAM_EVENTS and current is not None:
        _left_out.add(current.rpartition(" ")[0])
        # Code under test handles this error as a program that cannot be started, so that no test hangs.
        raise PermissionError(_REASON)
