"""`daypass portal audit`: verification and export."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.commands.group import portal
from daypass.portal.storage.engine import Database
from tests.fakes import FakeClock


@pytest.fixture
def recorded(sqlite_url: str) -> str:
    database = Database(sqlite_url)
    committer = Committer(database, FakeClock())
    for subject in ("dana@example.com", "=HYPERLINK(1)"):
        committer.commit(Event(action="user.create", actor=OPERATOR, outcome=Outcome.DONE, subject=subject))
    committer.close()
    database.close()
    return sqlite_url


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(portal, ["audit", *arguments], env={"DAYPASS_DATABASE_URL": url})


def test_an_unchanged_audit_log_is_intact(recorded: str) -> None:
    done = run(recorded, "verify", "--format", "json")

    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (told["is_intact"], told["events"], told["problems"]) == (True, 3, [])
    assert told["heads"][0]["position"] == 2


def test_a_changed_event_is_reported_with_exit_code_1(recorded: str) -> None:
    database = Database(recorded)
    with database.writing() as connection:
        connection.execute(text("UPDATE audit_events SET subject = 'noor@example.com' WHERE position = 1"))
    database.close()

    done = run(recorded, "verify")

    assert done.exit_code == 1
    assert "event 1: it was changed after it was written" in done.stdout
    assert "The audit log was tampered with: 3 events in 1 chain." in done.stdout


def test_events_are_exported_as_json_lines_and_as_csv(recorded: str) -> None:
    lines = run(recorded, "export", "--action", "user.create").stdout.splitlines()
    table = run(recorded, "export", "--format", "csv", "--until", "2026-11-25").stdout.splitlines()
    assert table[0].startswith("id,")

    assert [json.loads(line)["subject"] for line in lines] == ["=HYPERLINK(1)", "dana@example.com"]
    assert len(table) == 4
    assert "'=HYPERLINK(1)" in table[1]


@pytest.mark.parametrize(("form", "lines"), [("jsonl", 0), ("csv", 1)])
def test_an_export_without_events_says_so_on_stderr(recorded: str, form: str, lines: int) -> None:
    done = run(recorded, "export", "--format", form, "--user", "nobody@example.com")

    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == lines
    assert "No event matches" in done.stderr


def test_an_unavailable_database_exits_with_2() -> None:
    done = run("sqlite:////nowhere/at/all.db", "verify")

    assert done.exit_code == 2


@pytest.mark.parametrize("command", ["verify", "heads", "export"])
def test_a_database_without_a_schema_names_the_migrate_command(tmp_path: Path, command: str) -> None:
    done = run(f"sqlite:///{tmp_path / 'new.db'}", command)

    assert done.exit_code == 2
    assert done.stderr == (
        "daypass portal: The database is empty. Run `daypass portal migrate`, then start again.\n"
    )


@pytest.mark.parametrize("group", [(), ("audit",)])
def test_the_list_of_commands_shows_whole_sentences(group: tuple[str, ...]) -> None:
    listed = CliRunner().invoke(portal, [*group, "--help"])

    assert listed.exit_code == 0
    assert "..." not in listed.stdout.partition("Commands:")[2]
