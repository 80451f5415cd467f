"""Fixtures for every folder of tests."""

import gc
import signal

from hypothesis import settings

from tests.fixtures.compiled_statements import share_compiled_statements
from tests.fixtures.database import (
    crashing_postgres,
    database,
    database_url,
    postgres,
    postgres_cluster,
    postgres_url,
    sqlite_template,
    sqlite_url,
)
from tests.fixtures.identity_provider import identity_provider, identity_provider_process
from tests.fixtures.pgbouncer import pgbouncer, pgbouncer_url
from tests.fixtures.sandbox import sandbox, sandbox_process
from tests.quick import (
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_report_teststatus,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)

__all__ = [
    "crashing_postgres",
    "database",
    "database_url",
    "identity_provider",
    "identity_provider_process",
    "pgbouncer",
    "pgbouncer_url",
    "postgres",
    "postgres_cluster",
    "postgres_url",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_report_teststatus",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
    "sandbox",
    "sandbox_process",
    "sqlite_template",
    "sqlite_url",
]

# What is started in the background ignores Ctrl-C, and a lost terminal, and so would all that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# How long one example takes says what else the machine does; the goals for time are those of the benchmarks.
settings.register_profile("daypass", deadline=None)
settings.load_profile("daypass")

share_compiled_statements()


def pytest_collection_finish() -> None:
    """Exempt what was imported and collected from garbage collection: it stays to the end."""
    gc.freeze()
