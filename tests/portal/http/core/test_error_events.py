"""Failures in the background: one error event each, with the cause, and none again while nothing changes."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from daypass.portal.access.abandoned_attempts import AbandonedAttempts
from daypass.portal.accounts.registry import Accounts
from daypass.portal.admin.reporting.verification import Verification
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.errors import AwsMisconfigured, AwsUnavailable, StorageUnavailable
from daypass.portal.settings.registry import APP_CONFIG
from daypass.portal.storage.engine import Database
from daypass.portal.storage.unit_of_work import UnitOfWork
from daypass.portal.telemetry.error_events import FailureLog, find_cause, log_error
from daypass.portal.tenants.roles import RoleState
from tests.fakes import FakeClock
from tests.portal.admin.conftest import RULES
from tests.portal.http.world import World
from tests.settings import store_setting

Errors = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def errors(log: StringIO) -> Errors:
    """Returns the events of the logger of errors since the test began."""
    began = len(log.getvalue())

    def read() -> list[dict[str, Any]]:
        lines = [json.loads(text) for text in log.getvalue()[began:].splitlines()]
        return [line for line in lines if line["logger"] == "portal.errors"]

    return read


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Database]:
    """A database that cannot be opened."""
    database = Database(f"sqlite:///{tmp_path}/none/daypass.db")
    yield database
    database.close()


def test_abandoned_attempts_that_cannot_be_settled_are_logged_once(away: Database, errors: Errors) -> None:
    attempts = AbandonedAttempts(away, Committer(away, FakeClock()))

    assert [attempts.settle_some(), attempts.settle_some()] == [0, 0]

    (line,) = errors()
    assert (line["level"], line["event"], line["operation"]) == ("error", "error", "abandoned attempts")
    assert line["code"] == "storage_unavailable"
    assert "there is no folder" in line["cause"]
    assert "doctor" in line["remedy"]


@pytest.mark.parametrize(
    ("failure", "code", "cause"),
    [
        (RuntimeError("a defect"), "internal", "RuntimeError"),
        (
            StorageUnavailable("It is away.", "SQLite at /x: locked"),
            "storage_unavailable",
            "SQLite at /x: locked",
        ),
    ],
)
def test_a_verification_that_fails_is_logged_with_the_cause(
    quick_world: World, errors: Errors, failure: Exception, code: str, cause: str
) -> None:
    def rest(_seconds: float) -> bool:
        raise failure

    # `rest` is called after each batch of 500 events.
    event = Event(action="test.happen", actor=OPERATOR, outcome=Outcome.DONE, subject="x")
    quick_world.committer.commit_unit(UnitOfWork((), [event] * 500))
    verification = Verification(quick_world.database, FakeClock(), rest)
    verification.start()
    verification.close()

    (line,) = errors()
    assert (line["operation"], line["code"], line["cause"]) == ("verification", code, cause)
    assert ("RuntimeError: a defect" in line.get("exception", "")) is (code == "internal")


class BrokenIam:
    """An IAM whose every call is a defect."""

    def read(self, _role_arn: str) -> RoleState:
        """Fail."""
        raise RuntimeError("a defect")

    def set_maximum(self, _role_arn: str, _maximum: timedelta) -> None:
        """Fail."""
        raise RuntimeError("a defect")


def test_a_defect_while_roles_are_changed_is_logged(quick_world: World, errors: Errors) -> None:
    with quick_world.database.writing() as connection:
        store_setting(
            *(connection, "", APP_CONFIG, "MaximumSessionDuration", "7200"),
            by="u1",
            now=quick_world.clock(),
        )
    reconciler = RoleReconciler(
        *(quick_world.database, quick_world.committer, quick_world.clock, BrokenIam()),  # type: ignore[arg-type]  # it fails
        Accounts(RULES.account),
    )
    reconciler.reconcile()
    # Waits for the change that runs.
    reconciler._background.shutdown()

    (line,) = errors()
    assert (line["operation"], line["code"]) == ("role durations", "internal")
    assert "RuntimeError: a defect" in line["exception"]


def test_a_repeated_failure_is_logged_when_it_begins_changes_and_ends(errors: Errors) -> None:
    failures = FailureLog("work")
    failures.succeeded()
    for cause in ("a", "a", "b", "b"):
        error = AwsUnavailable("AWS is away.")
        error.cause = cause
        failures.failed(error)
    failures.succeeded()
    failures.succeeded()

    assert [(line["event"], line["level"], line.get("cause")) for line in errors()] == [
        ("error", "error", "a"),
        ("error", "error", "b"),
        ("recovered", "info", None),
    ]


def test_the_cause_is_found_behind_errors_that_repeat_it() -> None:
    first = AwsMisconfigured("The keys are wrong.")
    first.cause = "https://sts/ answered InvalidClientTokenId"
    again = AwsMisconfigured("The keys are wrong.")
    again.__cause__ = first

    assert find_cause(again) == first.cause
    assert find_cause(AwsMisconfigured("No keys.")) is None


def test_an_error_with_line_breaks_and_a_token_is_one_line_without_it(log: StringIO) -> None:
    began = len(log.getvalue())
    log_error("work", ValueError("a\r\n{}\x1b[2J daypass_pat_0123456789abcdef"))

    (text,) = log.getvalue()[began:].splitlines()
    assert "daypass_pat_***" in text
    assert "0123456789abcdef" not in text
