"""Fixtures: an operator who runs `daypass portal`, and a fake AWS."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from daypass.demo.certificate_authority import Certificates, ensure_certificates
from daypass.demo.state_dir import StateDirectory
from daypass.portal.clock import utc_now
from tests.captured_log import captured_log
from tests.portal.aws.stub import StubAws
from tests.portal.processes import Operator, answer_by_action, environment


@pytest.fixture
def own_aws() -> Iterator[StubAws]:
    """A fake AWS that knows the portal and plays scripted answers."""
    stub = StubAws()
    stub.play(answer_by_action(stub))
    yield stub
    stub.stop()


@pytest.fixture
def operator(tmp_path: Path, sqlite_url: str, own_aws: StubAws) -> Operator:
    """An operator with a migrated SQLite database."""
    return Operator(tmp_path, environment(tmp_path, sqlite_url, own_aws))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A certificate for localhost, its key and its certificate authority."""
    return ensure_certificates(StateDirectory(tmp_path_factory.mktemp("certificates")), utc_now())


@pytest.fixture(scope="session")
def log() -> Iterator[StringIO]:
    """The log output of the portals, one for all tests: the log of a process has one output."""
    with captured_log() as stream:
        yield stream
