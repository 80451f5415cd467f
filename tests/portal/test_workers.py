"""Several workers of one portal, on SQLite and PostgreSQL."""

import os
import re
import signal
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.access import issuances
from tests.portal.aws.stub import StubAws
from tests.portal.load import on_new_connections, under_load
from tests.portal.processes import Operator, answer_by_action, environment
from tests.portal.test_lifecycle import events, until_every_client_is_answered, until_logged
from tests.portal.test_serve import signed_in_browser, token_of_a_new_administrator, told
from tests.processes import is_running
from tests.waiting import wait_until


def test_workers_serve_one_portal_until_a_signal(tmp_path: Path, database_url: str, own_aws: StubAws) -> None:
    operator = Operator(tmp_path, environment(tmp_path, database_url, own_aws))
    token = token_of_a_new_administrator(operator)
    with operator.serving("--workers", "2") as serving:
        asked = {serving.ask("GET", "/api/v1/me", token)[0] for _ in range(20)}
        workers = serving.workers
        code = serving.stop()
    with operator.serving_forked("--workers", "3") as serving:
        # Some of them hardly run yet, and none of them is left behind.
        told_early = serving.stop()

    assert (asked, len(workers), code, told_early) == ({200}, 2, 0, 0)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_every_worker_shows_a_verification_that_another_one_runs(
    tmp_path: Path, database_url: str, own_aws: StubAws
) -> None:
    operator = Operator(tmp_path, environment(tmp_path, database_url, own_aws))
    token_of_a_new_administrator(operator)
    verify = "/administrator/audit/verify"
    with operator.serving_forked("--workers", "2") as serving:
        browser = signed_in_browser(serving)
        (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', browser.ask(verify)))
        browser.ask(verify, {"csrf": csrf})
        while "Verification is running" in (page := browser.ask(verify)):
            pass
        # Any of the workers takes each connection.
        pages = [page, *(browser.ask(verify) for _ in range(20))]

    assert not [page for page in pages if "The audit log is intact" not in page]


def test_a_killed_worker_costs_its_requests_in_flight_and_a_killed_supervisor_leaves_no_worker(
    tmp_path: Path, database_url: str, own_aws: StubAws
) -> None:
    operator = Operator(tmp_path, environment(tmp_path, database_url, own_aws))
    token = token_of_a_new_administrator(operator)
    clients = 4
    with operator.serving_forked("--workers", "2") as serving:
        before = serving.workers
        asks = [(on_new_connections(serving, "/api/v1/me", token), 0.0)] * clients
        with under_load(asks) as load:
            until_every_client_is_answered(load)
            os.kill(before[0], signal.SIGKILL)
            wait_until(lambda: not is_running(before[0]))
            dead_at = time.monotonic()
            wait_until(lambda: len(set(serving.workers) - {before[0]}) == 2, lambda: events(serving))
            until_logged(serving, "serving", 3)
            until_every_client_is_answered(load)
        after = serving.workers
        (ended,) = told(serving, "A worker ended and is replaced.")
        os.kill(serving.process.pid, signal.SIGKILL)
        with operator.serving_forked(DAYPASS_LISTEN=f"127.0.0.1:{serving.port}") as restarted:
            answered = restarted.ask("GET", "/api/v1/me", token)[0]
        wait_until(lambda: not any(is_running(worker) for worker in after))

    assert all(began <= dead_at for began, _ in load.failed), (dead_at, load.failed)
    assert len(load.failed) <= clients
    assert before[1] in after
    assert (ended["level"], ended["worker"], ended["exit_status"]) == ("error", before[0], "signal SIGKILL")
    assert answered == 200


def test_workers_that_are_killed_while_they_issue_lose_no_record(
    tmp_path: Path, database_url: str, own_aws: StubAws
) -> None:
    own_aws.play(answer_by_action(own_aws))
    operator = Operator(tmp_path, environment(tmp_path, database_url, own_aws))
    token = token_of_a_new_administrator(operator)
    released: list[str] = []
    rounds = 4
    with operator.serving_forked("--workers", "2") as serving:

        def issue() -> int:
            status, content = serving.ask("POST", "/api/v1/sessions", token, {"admin": True})
            if status != 201:
                return status
            released.append(content["id"])
            return 200

        with under_load([(issue, 0.0)] * 6) as load:
            for round_ in range(rounds):
                until_every_client_is_answered(load)
                os.kill(serving.workers[round_ % 2], signal.SIGKILL)
                until_logged(serving, "serving", 3 + round_)
            until_every_client_is_answered(load)
        code = serving.stop()
    verified = operator.run_inside("audit", "verify")

    # A request fails only because its connection is closed, never because a worker answers with an error.
    assert not [reason for _, reason in load.failed if reason.isdigit()]
    assert (code, verified.returncode) == (0, 0), verified.stdout + verified.stderr
    with closing(Database(database_url, connections=1)) as database, database.reading() as connection:
        recorded = set(connection.scalars(select(issuances.c.id).where(issuances.c.state == "issued")))
    assert set(released) <= recorded
    assert len(set(released)) == len(released)
