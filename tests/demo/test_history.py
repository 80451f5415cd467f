"""The sample history of a new demo: marked, verifiable, deterministic, and recorded once."""

import csv
import io
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from daypass.demo.seed.history import DAYS, REASON, beginning, requests
from daypass.demo.seed.portal import database_url, seed_portal
from daypass.demo.state_dir import StateDirectory
from daypass.portal.access.abandoned_attempts import AbandonedAttempts
from daypass.portal.access.store.issuances import IssuanceStore
from daypass.portal.admin.reporting.overview import Overview, Overviews
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.audit.issuance_check import SESSION_ISSUE
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role
from daypass.portal.identity.store.users import UserStore
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.access import issuances
from tests.fixtures.demo import DAYPASS, bare_environment

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ACCOUNT = "111122223333"
LONGEST_SESSION = timedelta(hours=1)


def seed(folder: Path, *, now: datetime = NOW, has_history: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    seed_portal(
        StateDirectory(folder), ACCOUNT, "https://localhost:8443", lambda: now, has_history=has_history
    )
    return folder


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with history, for read-only tests."""
    return seed(tmp_path_factory.mktemp("history"))


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return all issuance attempts, oldest first."""
    database = Database(database_url(StateDirectory(folder)))
    with database.reading() as connection:
        found = connection.execute(select(issuances).order_by(issuances.c.asked_at)).mappings().all()
    database.close()
    return [dict(row) for row in found]


def facts(folder: Path) -> list[tuple[Any, ...]]:
    """Return the attempts without their random ids."""
    shown = ("asked_at", "username", "tenant_name", "purpose", "state", "failure", "validity", "reason")
    return [tuple(row[name] for name in shown) for row in rows(folder)]


def overview(folder: Path) -> Overview:
    database = Database(database_url(StateDirectory(folder)))
    try:
        return Overviews(database, lambda: NOW).read()
    finally:
        database.close()


def portal(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `daypass portal WORDS` on the folder's database."""
    environment = bare_environment(folder, DAYPASS_DATABASE_URL=database_url(StateDirectory(folder)))
    command = [DAYPASS, "portal", *words]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_most_bars_of_dana_s_chart_and_all_past_ones_of_the_overview_are_filled(seeded: Path) -> None:
    database = Database(database_url(StateDirectory(seeded)))
    with database.reading() as connection:
        dana = UserStore(connection).find("dana@example.com")
        assert dana is not None
        counted = IssuanceStore(connection).count_by_day(dana.id, beginning(NOW))
    database.close()
    days = overview(seeded).days

    assert len(counted) >= 20
    assert len(set(counted.values())) >= 4
    assert sum(day.issued + day.failed > 0 for day in days) == DAYS
    assert (days[-1].issued, days[-1].refused, days[-1].failed) == (0, 0, 0)


def test_some_requests_were_denied_and_some_failed(seeded: Path) -> None:
    assert set(overview(seeded).refusals) >= {"tenant_not_found", "access_denied", "aws_throttled"}
    states = [row["state"] for row in rows(seeded)]
    assert set(states) == {"issued", "denied", "failed"}
    assert states.count("issued") > 0.75 * len(states)


def test_each_attempt_is_marked_in_the_list_of_sessions(seeded: Path) -> None:
    assert {row["reason"] for row in rows(seeded)} == {REASON}


def test_each_event_of_an_attempt_is_marked_in_the_export(seeded: Path) -> None:
    exported = portal(seeded, "audit", "export", "--format", "csv")

    details = [
        json.loads(line["detail"])
        for line in csv.DictReader(io.StringIO(exported.stdout))
        if line["action"] == SESSION_ISSUE
    ]
    assert len(details) > len(rows(seeded))
    assert {detail["reason"] for detail in details} == {REASON}


def test_the_audit_log_verifies_and_has_the_events_of_each_issuance(seeded: Path) -> None:
    verified = portal(seeded, "audit", "verify")

    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "The audit log is intact" in verified.stdout


def test_the_time_stamps_of_the_audit_log_never_go_back(seeded: Path) -> None:
    exported = portal(seeded, "audit", "export")

    times = [datetime.fromisoformat(json.loads(line)["at"]) for line in exported.stdout.splitlines()]
    # The newest event comes first.
    assert times == sorted(times, reverse=True)
    assert times[-1] == beginning(NOW)
    assert times[0] < NOW


def test_no_session_of_the_history_is_live_and_no_attempt_is_open(seeded: Path) -> None:
    database = Database(database_url(StateDirectory(seeded)))
    committer = Committer(database, lambda: NOW)
    open_attempts = AbandonedAttempts(database, committer).find()
    committer.close()
    database.close()

    assert overview(seeded).live == 0
    assert open_attempts == []


def test_the_audit_log_verifies_with_later_events(tmp_path: Path) -> None:
    seed(tmp_path)
    database = Database(database_url(StateDirectory(tmp_path)))
    committer = Committer(database, lambda: NOW)
    Identity(database, committer, lambda: NOW).create_user("lena@example.com", Role.USER, None, OPERATOR)
    committer.close()
    database.close()

    verified = portal(tmp_path, "audit", "verify")

    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_two_folders_get_the_same_history(seeded: Path, tmp_path: Path) -> None:
    assert facts(seed(tmp_path)) == facts(seeded) != []


def test_a_second_start_adds_no_history(tmp_path: Path) -> None:
    before = facts(seed(tmp_path))

    after = facts(seed(tmp_path, now=NOW + timedelta(days=3)))

    assert after == before != []


def test_a_folder_without_history_has_no_sessions_and_gets_none_later(tmp_path: Path) -> None:
    seed(tmp_path, has_history=False)
    assert rows(tmp_path) == []

    seed(tmp_path)

    assert rows(tmp_path) == []


@pytest.mark.parametrize("days", range(0, 400, 29))
@pytest.mark.parametrize("time", ["00:00:00", "12:34:56", "23:59:59"])
def test_at_any_time_of_day_and_year_all_sessions_have_ended_within_the_thirty_days(
    days: int, time: str
) -> None:
    now = datetime.fromisoformat(f"2026-01-01T{time}+00:00") + timedelta(days=days)
    today = now.replace(hour=0, minute=0, second=0)

    moments = [request.at for request in requests(beginning(now))]

    assert moments == sorted(moments)
    assert moments[0] >= today - timedelta(days=DAYS)
    assert moments[-1] + LONGEST_SESSION < today
    assert len({moment.date() for moment in moments}) == DAYS
