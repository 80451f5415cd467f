"""A process ends within its time limit after a stop signal, whatever its threads wait for."""

import asyncio
import json
import threading
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic

from daypass.portal.server.stopping import cleanup_timeout
from tests.fixtures.database import PostgresServer
from tests.fixtures.proxy import proxied
from tests.portal.admin.test_role_reconciler import FakeIam
from tests.portal.aws.stub import StubAws
from tests.portal.forked import PROCESSES
from tests.portal.http.world import DANA, DEV
from tests.portal.http.world import world as make_world
from tests.portal.processes import Operator, Serving, environment
from tests.portal.test_serve import token_of_a_new_administrator


def test_a_portal_whose_database_stopped_answering_ends_within_25_seconds(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, own_aws: StubAws
) -> None:
    with proxied(postgres, postgres_url) as (proxy, url):
        operator = Operator(tmp_path, environment(tmp_path, url, own_aws))
        token = token_of_a_new_administrator(operator)
        answers: list[int] = []

        def ask(serving: Serving) -> None:
            answers.append(serving.ask("GET", "/api/v1/me", token)[0])

        with operator.serving_forked() as serving:
            ask(serving)
            proxy.withhold_answer_to(b"SELECT")
            caller = threading.Thread(target=ask, args=(serving,))
            caller.start()
            assert proxy.swallowed.wait(20)
            proxy.vanish()
            told_at = monotonic()

            code = serving.stop()

            assert (code, monotonic() - told_at < 25) == (0, True)
            caller.join()
        assert answers == [200, 503]


def test_background_work_is_interrupted_before_requests_in_progress_are_awaited(
    sqlite_url: str,
) -> None:
    with make_world(sqlite_url, roles=FakeIam()) as world:
        silence = world.broker.silent[DEV.target.role_arn] = threading.Event()
        client, token = world.client(), world.tokens[DANA]
        body = json.dumps({"tenant": DEV.name}).encode()
        asking = threading.Thread(
            target=asyncio.run, args=(client.exchange("POST", "/api/v1/sessions", token, body=body),)
        )
        asking.start()
        while not world.broker.assumed:
            assert asking.is_alive()
        closing = threading.Thread(target=world.portal.close)
        closing.start()

        maxima = world.portal.administration.role_reconciler
        assert maxima is not None
        assert maxima._closing.wait(20)
        assert closing.is_alive()

        silence.set()
        closing.join()
        asking.join()


def _hang(writing: Connection) -> None:
    with cleanup_timeout(lambda: writing.send_bytes(b"warned"), timedelta(milliseconds=20)):
        threading.Event().wait()


def test_a_thread_that_hangs_does_not_keep_the_process_alive() -> None:
    reading, writing = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_hang, args=(writing,))
    process.start()
    process.join(20)

    assert process.exitcode == 1
    assert reading.recv_bytes() == b"warned"
