"""Replicas of two versions on one database, forward and back, under load."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from sqlalchemy import select

import daypass
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.access import issuances
from tests.portal.aws.stub import StubAws
from tests.portal.processes import Operator, Serving, answer_by_action, environment
from tests.portal.versions import NEWER, SLOW, Clients, Rotation, make_newer

ADMIN, PASSWORD = "admin@example.com", "correct horse 1"


@contextmanager
def one_session_in_progress(aws: StubAws, clients: Clients, port: int) -> Iterator[None]:
    """Return a context manager in which a replica waits for AWS, which answers at the end."""
    asked, may_answer = threading.Event(), threading.Event()
    well = aws.scripts[0]

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        if handler.asked.get("DurationSeconds") == str(SLOW):  # type: ignore[attr-defined]  # a stub's handler
            asked.set()
            may_answer.wait(60)
        well(handler)

    aws.scripts = [slowly]
    asking = threading.Thread(target=clients.ask_slow, args=(port,))
    asking.start()
    assert asked.wait(60)
    try:
        yield
    finally:
        may_answer.set()
        asking.join(60)
        aws.scripts = [well]


def retire(serving: Serving, rotation: Rotation, aws: StubAws, clients: Clients) -> int:
    """Stop a replica that has a request in progress; return the exit code."""
    rotation.remove(serving.port)
    with one_session_in_progress(aws, clients, serving.port):
        serving.process.terminate()
    return serving.process.wait(60)


def test_replicas_of_two_versions_replace_each_other_forward_and_back_under_load(
    tmp_path: Path, postgres_url: str, own_aws: StubAws
) -> None:
    own_aws.play(answer_by_action(own_aws))
    given = environment(tmp_path, postgres_url, own_aws)
    newer_given = given | {"PYTHONPATH": str(make_newer(tmp_path / "newer"))}
    old, newer, job, back = (Operator(tmp_path / name, given) for name in ("old", "new", "job", "back"))
    newer.environment = newer_given
    for operator in (old, newer, job, back):
        operator.home.mkdir()
    words = ("create-admin", ADMIN, "--password-stdin", "--with-token")
    token = old.run_inside(*words, typed=f"{PASSWORD}\n").stdout.strip()
    rotation = Rotation()
    clients = Clients(rotation, token, ADMIN, PASSWORD)

    with ExitStack() as replicas, clients.asking():

        def start(serving: AbstractContextManager[Serving]) -> Serving:
            replica = replicas.enter_context(serving)
            rotation.add(replica.port)
            clients.await_answers()
            return replica

        first = start(old.serving_forked())
        migrated = newer.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        second = start(newer.serving())
        codes = [retire(first, rotation, own_aws, clients)]
        clients.await_answers()
        # The rollback: the migration job of the old version runs again, and then its replica starts.
        unchanged = job.run_forked("migrate")
        start(back.serving_forked())
        codes.append(retire(second, rotation, own_aws, clients))
        clients.await_answers()
    verified = job.run_forked("audit", "verify")

    assert (unchanged.returncode, codes) == (0, [0, 0]), unchanged.stderr
    assert f"by a newer version of Daypass, {NEWER}, to the schema 9999" in unchanged.stderr
    assert clients.errors == []
    assert clients.versions == {daypass.__version__, NEWER}
    assert verified.returncode == 0, verified.stderr
    database = Database(postgres_url, connections=1)
    with database.reading() as connection:
        recorded = {
            row.id: row.state for row in connection.execute(select(issuances.c.id, issuances.c.state))
        }
    database.close()
    # Each is released once, and to the client that asked for it.
    assert len(clients.issued) == len(set(clients.issued))
    assert recorded == dict.fromkeys(clients.issued, "issued")
    assert [one["Action"] for one in own_aws.requests].count("AssumeRole") == len(clients.issued)
