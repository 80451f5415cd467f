"""The commands of this version on a database that a newer version has migrated."""

import pytest

from daypass.portal.storage.engine import Database
from tests.portal.processes import Operator
from tests.portal.storage.migrations import pretend_newer, scripts

PASSWORD = "correct horse 1\n"
COMMANDS = {
    ("migrate",): 1,
    ("migrate", "--check"): 1,
    ("create-admin", "admin@example.com", "--password-stdin"): 1,
    ("audit", "verify"): 2,
    ("doctor",): 2,
}
"""Commands that use the database, and their exit codes if they cannot."""


def _migrated_by_newer(operator: Operator, oldest_compatible: str) -> None:
    database = Database(operator.environment["DAYPASS_DATABASE_URL"], connections=1)
    pretend_newer(database, oldest_compatible)
    database.close()


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_work_on_a_compatible_newer_schema(operator: Operator, words: tuple[str, ...]) -> None:
    _migrated_by_newer(operator, str(scripts().get_current_head()))

    ran = operator.run_inside(*words, typed=PASSWORD)

    assert "newer" in ran.stderr if words[0] == "migrate" else "newer" not in ran.stderr
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_refuse_an_incompatible_newer_schema(operator: Operator, words: tuple[str, ...]) -> None:
    _migrated_by_newer(operator, "9999")

    ran = operator.run_inside(*words, typed=PASSWORD)

    assert ran.returncode == COMMANDS[words]
    assert "Install Daypass 9.0.0, or use a backup." in ran.stderr


def test_migrate_says_that_it_changed_nothing(operator: Operator) -> None:
    _migrated_by_newer(operator, str(scripts().get_current_head()))
    file = operator.environment["DAYPASS_DATABASE_URL"].removeprefix("sqlite:///")

    assert operator.run_inside("migrate").stderr == (
        f"The database {file} was migrated by a newer version of Daypass, 9.0.0, to the schema 9999. "
        "This version works with it. Nothing was changed.\n"
    )


def test_migrate_check_refuses_an_empty_database_and_leaves_it_empty(operator: Operator) -> None:
    empty = {"DAYPASS_DATABASE_URL": f"sqlite:///{operator.home}/new.db"}

    for _ in range(2):
        ran = operator.run_inside("migrate", "--check", **empty)
        assert (ran.returncode, "is empty. Run `daypass portal migrate`" in ran.stderr) == (1, True)
    operator.run_inside("migrate", **empty)

    ran = operator.run_inside("migrate", "--check", **empty)
    assert (ran.returncode, "has the schema of this version" in ran.stderr) == (0, True)


def test_migrate_check_grants_nothing(operator: Operator) -> None:
    ran = operator.run_inside("migrate", "--check", "--application-role", "serving")

    assert (ran.returncode, "--check changes nothing" in ran.stderr) == (2, True)
