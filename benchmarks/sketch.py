"""The minimum of an issuance in Python: the steps that the path cannot avoid, without its rules and checks.

    python -m benchmarks.sketch FOLDER STS_URL        prints its port, and serves until it is terminated

It consists of Starlette, threads, SQLite with synchronous=FULL and group commit, botocore's signer and
urllib3. It looks up a token, records an intent, calls STS, records the outcome, and responds.
"""

import asyncio
import hashlib
import json
import os
import queue
import sqlite3
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4
from xml.etree import ElementTree

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from daypass.portal import cpu_affinity
from daypass.portal.clock import utc_now
from daypass.portal.server.http_server import run_until_stopped
from daypass.portal.server.listening import bind

TOKEN = "sketch"  # noqa: S105  accepted by the benchmark only
_THREADS = 40
_NAMESPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"
_OWN = Credentials("AKIABENCHMARKBENCHMK", "benchmark")


class Sketch:
    """The minimum of the path."""

    def __init__(self, folder: Path, sts_url: str) -> None:
        self._path = str(folder / "sketch.db")
        self._url = sts_url + "/"
        self._http = urllib3.PoolManager(maxsize=_THREADS, block=True)
        self._pool = ThreadPoolExecutor(_THREADS)
        self._local = threading.local()
        self._queue: queue.SimpleQueue[tuple[str, tuple[object, ...], Future[None]]] = queue.SimpleQueue()
        with self._connect() as connection:
            connection.execute("CREATE TABLE tokens (hash TEXT PRIMARY KEY, name TEXT)")
            connection.execute(
                "CREATE TABLE issuances (id TEXT PRIMARY KEY, name TEXT, state TEXT, key TEXT)"
            )
            connection.execute("CREATE TABLE audit (id INTEGER PRIMARY KEY, text TEXT, hash BLOB)")
            connection.execute("INSERT INTO tokens VALUES (?, 'dana@example.com')", (_hash(TOKEN),))
        threading.Thread(target=self._write, daemon=True).start()

    async def issue(self, request: Request) -> JSONResponse:
        """Issue one session."""
        body = json.loads(await request.body())
        token = request.headers["authorization"].removeprefix("Bearer ")
        loop = asyncio.get_running_loop()
        return JSONResponse(await loop.run_in_executor(self._pool, self._issue, token, body["tenant"]), 201)

    def _issue(self, token: str, tenant: str) -> dict[str, object]:
        owner = self._reading().execute("SELECT name FROM tokens WHERE hash = ?", (_hash(token),)).fetchone()
        issuance = uuid4().hex
        self._commit("INSERT INTO issuances VALUES (?, ?, 'requested', NULL)", (issuance, owner[0]))
        keys = self._assume(tenant, owner[0], issuance)
        self._commit(
            "UPDATE issuances SET state = 'issued', key = ? WHERE id = ?", (keys["AccessKeyId"], issuance)
        )
        return {"id": issuance, "credentials": keys}

    def _assume(self, tenant: str, name: str, issuance: str) -> dict[str, str]:
        parameters = {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": f"arn:aws:iam::111122223333:role/duploservices-{tenant}",
            "RoleSessionName": name,
            "DurationSeconds": "3600",
            "Tags.member.1.Key": "issuance",
            "Tags.member.1.Value": issuance,
        }
        request = AWSRequest(
            "POST",
            self._url,
            data=urlencode(parameters),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        SigV4Auth(_OWN, "sts", "us-east-1").add_auth(request)
        reply = self._http.request("POST", self._url, body=request.data, headers=dict(request.headers))
        answer = ElementTree.fromstring(reply.data)  # noqa: S314  our own stub's
        keys = answer.iterfind(f"{_NAMESPACE}AssumeRoleResult/{_NAMESPACE}Credentials/*")
        return {element.tag.removeprefix(_NAMESPACE): element.text or "" for element in keys}

    def _commit(self, statement: str, row: tuple[object, ...]) -> None:
        done: Future[None] = Future()
        self._queue.put((statement, row, done))
        done.result()

    def _write(self) -> None:
        connection, last = self._connect(), b""
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            connection.execute("BEGIN IMMEDIATE")
            for statement, row, _ in batch:
                connection.execute(statement, row)
                text = json.dumps({"at": utc_now().isoformat(), "what": statement, "row": row})
                last = hashlib.sha256(last + text.encode()).digest()
                connection.execute("INSERT INTO audit (text, hash) VALUES (?, ?)", (text, last))
            connection.execute("COMMIT")
            for _, _, done in batch:
                done.set_result(None)

    def _reading(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect()
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def main() -> None:
    """Serve the sketch."""
    cpu_affinity.pin_to_one_core()
    sketch = Sketch(Path(sys.argv[1]), sys.argv[2])
    app = Starlette(routes=[Route("/api/v1/sessions", sketch.issue, methods=["POST"])])
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]

    def announce() -> None:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()

    run_until_stopped(app, listening, None, announce)
    os._exit(0)


if __name__ == "__main__":
    main()
