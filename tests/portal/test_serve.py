"""`daypass portal serve` as a real process: start, refusals, requests and shutdown."""

import json
import os
import re
import resource
import signal
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlencode

import pytest

from daypass.demo.certificate_authority import Certificates
from daypass.portal.clock import utc_now
from tests.portal.aws.stub import Script, StubAws, answer, error, identity
from tests.portal.processes import Ended, Operator, Serving, answer_by_action, environment
from tests.processes import sockets_of
from tests.waiting import wait_until

ADMIN = "admin@example.com"


def token_of_a_new_administrator(operator: Operator, username: str = ADMIN) -> str:
    made = operator.run_inside(
        "create-admin", username, "--password-stdin", "--with-token", typed="correct horse 1\n"
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def add_tenant(operator: Operator, name: str) -> None:
    path = operator.environment["DAYPASS_DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO tenants (id, name, region, role_arn, created_at) VALUES (?, ?, ?, ?, ?)",
            (name, name, "us-west-2", f"arn:aws:iam::123456789012:role/duploservices-{name}", NOW),
        )
    database.close()


NOW = "2026-11-24 12:00:00.000000"


def told(serving: Serving, event: str) -> list[dict[str, object]]:
    return [line for line in serving.lines() if line["event"] == event]


def test_with_a_certificate_it_serves_over_tls(operator: Operator, certificates: Certificates) -> None:
    tls = {
        "DAYPASS_TLS_CERTIFICATE": str(certificates.certificate),
        "DAYPASS_TLS_KEY": str(certificates.private_key),
        "DAYPASS_LISTEN": "0.0.0.0:0",
        "DAYPASS_PUBLIC_URL": "https://localhost:8443",
    }
    token = token_of_a_new_administrator(operator)
    with operator.serving(**tls) as serving:
        serving.trust = certificates.ssl_context()
        line = told(serving, "serving")[0]
        port = port_of(serving)
        serving.url = f"https://localhost:{port}"

        assert serving.ask("GET", "/healthz") == (200, {"status": "ok"})
        assert serving.ask("GET", "/api/v1/me", token)[1]["user"]["username"] == ADMIN
        assert not serving.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert versions(certificates, port) == {"TLSv1.2", "TLSv1.3"}
        assert {len(cores) for cores in cores_of(serving)} == {1}
        assert (line["url"], line["tls"], line["level"]) == ("https://localhost:8443", True, "info")
        assert not told(serving, "This process speaks no TLS.")
        assert not told(serving, "No user can sign in yet.")
        assert serving.stop() == 0


def cores_of(serving: Serving) -> Sequence[set[int]]:
    """Return the CPU affinity of each thread of the worker."""
    (worker,) = serving.workers
    threads = Path(f"/proc/{worker}/task").iterdir()
    return [os.sched_getaffinity(int(thread.name)) for thread in threads]


def port_of(serving: Serving) -> int:
    """Return the port of a process whose public URL has another one."""
    listening = {
        line.split()[9]: int(line.split()[1].partition(":")[2], 16)
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    (port,) = (listening[inode] for inode in sockets_of(serving.process.pid) if inode in listening)
    return port


def versions(certificates: Certificates, port: int) -> set[str | None]:
    spoken = set()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = certificates.ssl_context()
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            spoken.add(secure.version())
    return spoken


def test_without_tls_it_logs_a_warning_with_the_remedy(operator: Operator) -> None:
    with operator.serving(DAYPASS_ONE_CORE="false") as serving:
        cores = cores_of(serving)
        plain = told(serving, "This process speaks no TLS.")[0]
        empty = told(serving, "No user can sign in yet.")[0]
        unknown = serving.ask("GET", "/v3/features/system", "no_such_token")
        code = serving.stop(signal.SIGINT)
        last = serving.lines()[-1]

    assert (plain["level"], "DAYPASS_TLS_CERTIFICATE" in str(plain["remedy"])) == ("warning", True)
    assert empty["remedy"] == "daypass portal create-admin you@example.com --with-token"
    assert unknown[0] == 401
    assert (code, last["event"]) == (0, "stopped")
    assert all(each == os.sched_getaffinity(0) for each in cores)


def test_a_database_in_the_current_folder_is_named_in_the_log(operator: Operator) -> None:
    operator.run_forked("migrate", DAYPASS_DATABASE_URL="sqlite:///daypass.db")

    with operator.serving(DAYPASS_DATABASE_URL="") as serving:
        (line,) = told(serving, "The database is at its default place.")
        (advice,) = told(
            serving, "The database is the daypass.db of the folder in which the portal was started."
        )

    assert line["file"] == str(operator.home / "daypass.db")
    assert str(advice["remedy"]).startswith(f"Set DAYPASS_DATABASE_URL=sqlite:///{operator.home}/daypass.db")


def test_behind_a_proxy_the_log_names_the_proxy_for_tls(operator: Operator) -> None:
    proxy = {"DAYPASS_BEHIND_PROXY": "true", "DAYPASS_PUBLIC_URL": "https://portal.example.com"}
    with operator.serving_forked(**proxy) as serving:
        plain = told(serving, "This process speaks no TLS.")[0]

    assert plain["reason"] == "DAYPASS_BEHIND_PROXY says that a proxy terminates TLS."


def refused(operator: Operator, *words: str, **more: str) -> str:
    """Run serve in a process, and return the sentence with which it refuses."""
    return sentence_of(operator.run_forked("serve", *words, **more))


def refused_inside(operator: Operator, *words: str, **more: str) -> str:
    """Run serve in this process, for refusals that come before anything is opened."""
    return sentence_of(operator.run_inside("serve", *words, **more))


def sentence_of(ended: Ended) -> str:
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.startswith("daypass portal: "), ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip()


def test_serving_the_network_without_tls_is_refused(operator: Operator) -> None:
    sentence = refused_inside(operator, DAYPASS_LISTEN="0.0.0.0:0", DAYPASS_PUBLIC_URL="https://x.example")

    assert "without TLS, with tokens unencrypted" in sentence
    assert "DAYPASS_BEHIND_PROXY=true" in sentence


def test_a_port_in_use_is_named(operator: Operator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # The one of them that an operator's own command says.
        ended = operator.run("serve", DAYPASS_LISTEN=f"127.0.0.1:{port}", DAYPASS_STOP_TIMEOUT="2")

    waiting, _, sentence = ended.stderr.strip().partition("\n")
    assert (ended.returncode, json.loads(waiting)["event"]) == (1, "The port is in use. Waiting for it.")
    assert f"Port {port} of 127.0.0.1 cannot be had (address already in use)" in sentence
    assert "DAYPASS_LISTEN" in sentence


def test_a_reload_that_is_asked_for_during_the_start_is_done_after_it(operator: Operator) -> None:
    log = operator.home / "log"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        def ask_and_let_it_start() -> None:
            wait_until(lambda: log.exists() and log.read_text().endswith("\n"))
            waiting = json.loads(log.read_text().splitlines()[0])
            assert waiting["event"] == "The port is in use. Waiting for it."
            os.kill(waiting["pid"], signal.SIGHUP)
            taken.close()

        asking = threading.Thread(target=ask_and_let_it_start)
        asking.start()
        with operator.serving(DAYPASS_LISTEN=f"127.0.0.1:{port}") as serving:
            asking.join()
            wait_until(lambda: any("New workers serve" in line["event"] for line in serving.lines()))
            assert serving.ask("GET", "/healthz")[0] == 200


def test_a_descriptor_that_cannot_be_written_to_is_reported(operator: Operator) -> None:
    with Path(os.devnull).open() as unwritable:
        sentences = [
            refused_inside(operator, "--ready-fd", str(number)) for number in (9999, unwritable.fileno())
        ]

    for sentence in sentences:
        assert "is not open for writing. It is opened by the program that starts the portal" in sentence


def test_a_missing_or_mismatched_certificate_is_reported(
    operator: Operator, certificates: Certificates, tmp_path: Path
) -> None:
    certificate, key = str(certificates.certificate), str(certificates.private_key)
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")

    missing = refused_inside(operator, DAYPASS_TLS_CERTIFICATE=str(tmp_path / "no.pem"), DAYPASS_TLS_KEY=key)
    mismatch = refused_inside(
        operator, DAYPASS_TLS_CERTIFICATE=str(certificates.authority), DAYPASS_TLS_KEY=key
    )
    swapped = refused_inside(operator, DAYPASS_TLS_CERTIFICATE=key, DAYPASS_TLS_KEY=certificate)
    unreadable = refused_inside(operator, DAYPASS_TLS_CERTIFICATE=str(garbage), DAYPASS_TLS_KEY=key)

    assert "no.pem cannot be read (No such file or directory)" in missing
    for sentence in (mismatch, swapped, unreadable):
        assert "are no certificate with its private key" in sentence


def test_a_database_with_another_schema_is_refused(operator: Operator, tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path / 'new.db'}"
    path = operator.environment["DAYPASS_DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("UPDATE schema_compatibility SET oldest_compatible = '9999'")
    database.close()

    assert "daypass portal migrate" in refused(operator, DAYPASS_DATABASE_URL=empty)
    for run, words in (
        (operator.run_forked, ("serve",)),
        (operator.run_inside, ("migrate",)),
        (operator.run_inside, ("create-admin", ADMIN, "--password-stdin")),
    ):
        newer = run(*words, typed="correct horse 1\n")
        assert (newer.returncode, "newer" in newer.stderr) == (1, True), newer.stderr


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/x.db", "postgresql://127.0.0.1:1/x", "mysql://x/y"]
)
def test_an_unavailable_database_is_reported(operator: Operator, url: str) -> None:
    assert "database" in refused(operator, DAYPASS_DATABASE_URL=url).lower()


@pytest.mark.parametrize(
    ("script", "code", "status"),
    [
        (error(403, "InvalidClientTokenId"), "aws_misconfigured", 500),
        (error(400, "Throttling"), "aws_throttled", 503),
        (answer(200, b"<html>a captive portal</html>"), "aws_refused", 502),
        (identity("arn:aws-cn:iam::123456789012:user/portal"), "aws_misconfigured", 500),
        (None, "aws_unavailable", 503),
    ],
    ids=["refuses", "throttles", "answers nonsense", "is another partition", "is silent"],
)
def test_a_start_without_aws_serves_pages_and_issues_once_aws_answers(
    operator: Operator, own_aws: StubAws, script: Script | None, code: str, status: int
) -> None:
    token = token_of_a_new_administrator(operator)
    well = own_aws.scripts[0]
    own_aws.play(script or own_aws.hang)
    with operator.serving_forked() as serving:
        ready = serving.ask("GET", "/readyz")
        me = serving.ask("GET", "/api/v1/me", token)
        served = {path: serving.ask("GET", path, token)[0] for path in WITHOUT_AWS}
        meanwhile = serving.ask("POST", "/api/v1/sessions", token, {"admin": True})
        legacy = serving.ask("GET", "/v3/features/system", token)[0]
        record = serving.ask("GET", "/api/v1/audit", token)[1]
        own_aws.play(well)
        own_aws.stopped.set()
        until_issuing(serving)
        issued = serving.ask("POST", "/api/v1/sessions", token, {"admin": True})
        account = serving.ask("GET", "/api/v1/me", token)[1]["account_id"]

    assert (ready[0], ready[1]["issuing"], ready[1]["reason"]) == (200, False, code)
    assert (me[0], me[1]["account_id"], served) == (200, "", dict.fromkeys(WITHOUT_AWS, 200))
    assert (meanwhile[0], meanwhile[1]["code"], legacy) == (status, code, status)
    assert f'"{code}"' in json.dumps(record)
    assert (issued[0], account) == (201, "123456789012")
    assert issued[1]["role_arn"].startswith("arn:aws:iam::123456789012:role/")


WITHOUT_AWS = ("/api/v1/users", "/api/v1/tenants", "/api/v1/audit", "/sign-in", "/healthz")


def until_issuing(serving: Serving) -> None:
    """Wait until readiness says that sessions are issued."""
    wait_until(lambda: bool(serving.ask("GET", "/readyz")[1]["issuing"]), serving.log.read_text)


def test_pages_work_while_the_portals_aws_identity_is_unknown(operator: Operator, own_aws: StubAws) -> None:
    token_of_a_new_administrator(operator)
    add_tenant(operator, "dev01")
    own_aws.play(error(403, "InvalidClientTokenId"))
    with operator.serving_forked() as serving:
        browser = signed_in_browser(serving)
        pages = {path: browser.ask(path) for path in PAGES}
        told_why = told(serving, "The portal's AWS identity is unknown, so no session can be issued.")

    assert "credentials" in pages["/profile?tenant=dev01"]
    assert "arn:aws:iam::ACCOUNT:role/duploservices-NAME" in pages["/administrator/tenants"]
    assert all(line["level"] == "error" and "doctor" in str(line["remedy"]) for line in told_why)
    assert told_why


PAGES = (
    "/profile?tenant=dev01",
    "/administrator/tenants",
    "/administrator/users",
    "/administrator/audit",
    "/administrator/system-settings/roles",
    "/administrator/tenants/dev01/aws",
)


@dataclass
class Browser:
    """A client that keeps cookies marked Secure also on loopback, as browsers do."""

    serving: Serving
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, form: Mapping[str, str] | None = None) -> str:
        """Return the page at *path*, or what a form leads to; any status but a success fails the test."""
        connection = HTTPConnection("127.0.0.1", self.serving.port, timeout=60)
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Origin": self.serving.url,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection.request(
            "GET" if form is None else "POST", path, urlencode(form) if form else None, headers
        )
        answered = connection.getresponse()
        text = answered.read().decode()
        for cookie in answered.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        assert answered.status < 400, (path, answered.status, text)
        return text


def signed_in_browser(serving: Serving) -> Browser:
    """A browser of a new Administrator."""
    browser = Browser(serving)
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', browser.ask("/sign-in")))
    browser.ask("/sign-in", {"csrf": csrf, "next": "/", "username": ADMIN, "password": "correct horse 1"})
    return browser


def with_files(operator: Operator, config: str, credentials: str = "") -> dict[str, str]:
    """Return the variables of a portal with credentials from AWS's files."""
    files = {"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": credentials}
    for name, text in files.items():
        (operator.home / name).write_text(text)
    return {name: str(operator.home / name) for name in files} | {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
    }


def test_keys_that_are_rotated_in_the_credentials_file_are_used_by_the_next_request(
    operator: Operator, own_aws: StubAws
) -> None:
    token = token_of_a_new_administrator(operator)
    well, accepted = own_aws.scripts[0], ["AKIAOLDOLDOLDOLDOLD1"]

    def by_key(handler: BaseHTTPRequestHandler) -> None:
        is_known = f"Credential={accepted[0]}/" in handler.headers["Authorization"]
        (well if is_known else error(403, "InvalidClientTokenId"))(handler)

    own_aws.play(by_key)
    keys = "[default]\naws_access_key_id = {}\naws_secret_access_key = SECRET-CANARY\n"
    variables = with_files(operator, "", keys.format(*accepted))
    issued = []
    with operator.serving_forked(**variables) as serving:
        issued.append(serving.ask("POST", "/api/v1/sessions", token, {"admin": True})[0])
        accepted[0] = "AKIANEWNEWNEWNEWNEW1"
        (operator.home / "AWS_SHARED_CREDENTIALS_FILE").write_text(keys.format(*accepted))
        issued.append(serving.ask("POST", "/api/v1/sessions", token, {"admin": True})[0])
        ready = serving.ask("GET", "/readyz")[1]["issuing"]

    assert (issued, ready) == ([201, 201], True)


def test_a_hanging_credential_process_blocks_neither_requests_nor_the_shutdown(operator: Operator) -> None:
    token = token_of_a_new_administrator(operator)
    hangs, source = operator.home / "hangs", operator.home / "source.sh"
    os.mkfifo(hangs)
    soon = f"{utc_now() + timedelta(seconds=50):%Y-%m-%dT%H:%M:%SZ}"
    keys = {"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "x", "Expiration": soon}
    source.write_text(
        # botocore refreshes at once what expires so soon, which is the second run.
        f"#!/bin/sh\ncd {operator.home}\n"
        f"if mkdir once || mkdir twice; then echo '{json.dumps(keys)}'; exit; fi\n"
        f"echo > {hangs}\nsleep 600\n"
    )
    source.chmod(0o700)
    answers: list[int] = []
    variables = with_files(operator, f"[default]\ncredential_process = {source}\n")
    with operator.serving_forked(**variables) as serving:
        asking = threading.Thread(
            target=lambda: answers.append(serving.ask("POST", "/api/v1/sessions", token, {"admin": True})[0])
        )
        asking.start()
        hangs.read_text()
        began = time.monotonic()
        code = serving.stop()
        took = time.monotonic() - began
        asking.join()

    # The keys of the first run are still valid for a while.
    assert (answers, code) == ([201], 0)
    assert took < 10


def test_a_head_response_has_no_body_and_keeps_the_connection_usable(operator: Operator) -> None:
    with operator.serving_forked() as serving:
        connection = HTTPConnection("127.0.0.1", serving.port, timeout=60)
        answers = []
        for method in ("HEAD", "GET", "HEAD", "GET"):
            connection.request(method, "/sign-in")
            answer = connection.getresponse()
            answers.append((answer.status, len(answer.read()), int(answer.headers["Content-Length"])))
        connection.close()

    length = answers[1][1]
    assert answers == [(200, 0, length), (200, length, length)] * 2


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionError:
        return True
    return False


def test_requests_in_progress_are_completed_after_a_stop_signal(operator: Operator, own_aws: StubAws) -> None:
    token = token_of_a_new_administrator(operator)
    well, asked, may_answer = own_aws.scripts[0], threading.Event(), threading.Event()

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        if own_aws.requests[-1]["Action"] == "AssumeRole":
            asked.set()
            may_answer.wait(60)
        well(handler)

    answers: list[int] = []
    with operator.serving_forked() as serving:
        own_aws.play(slowly)
        asking = threading.Thread(
            target=lambda: answers.append(serving.ask("POST", "/api/v1/sessions", token, {"admin": True})[0])
        )
        asking.start()
        assert asked.wait(60)
        (worker,) = serving.workers
        serving.process.terminate()
        wait_until(lambda: refuses_connections(serving.port))
        # Ctrl-C on a terminal, and systemd by default, send the signal to every process.
        os.kill(worker, signal.SIGTERM)
        may_answer.set()
        asking.join()
        code = serving.process.wait(60)

    assert (answers, code) == ([201], 0)


def test_a_full_disk_prevents_issuing_until_space_is_free(operator: Operator, own_aws: StubAws) -> None:
    token = token_of_a_new_administrator(operator)
    with operator.serving_forked() as serving:
        wal = Path(operator.environment["DAYPASS_DATABASE_URL"].removeprefix("sqlite:///") + "-wal")
        (worker,) = serving.workers
        limit, hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        full = max(wal.stat().st_size, serving.log.stat().st_size + 65536)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (full, hard))
        asked, seen = [], []
        for _ in range(60):
            asked.append(serving.ask("POST", "/api/v1/sessions", token, {"admin": True}))
            seen.append(sum(one.get("Action") == "AssumeRole" for one in own_aws.requests))
            if asked[-1][0] != 201:
                break
        ready = serving.ask("GET", "/readyz")
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (limit, hard))
        again = until_issued(serving, token)

    status, body = asked[-1]
    assert (status, body["code"]) in {(503, "audit_unavailable"), (503, "storage_unavailable")}, body
    assert "credentials" not in body
    assert {before for before, _ in asked[:-1]} <= {201}
    assert ready[0] in {200, 503}
    assert again == 201


def test_credentials_that_aws_refuses_are_reported_by_readiness(operator: Operator, own_aws: StubAws) -> None:
    token = token_of_a_new_administrator(operator)
    told = []
    with operator.serving_forked() as serving:
        for script in (answer_by_action(own_aws), error(403, "ExpiredToken"), answer_by_action(own_aws)):
            own_aws.play(script)
            issued = serving.ask("POST", "/api/v1/sessions", token, {"admin": True})[0]
            told.append((issued, *serving.ask("GET", "/readyz")))

    well = (201, 200, {"status": "ready", "issuing": True})
    ill = (500, 200, {"status": "ready", "issuing": False, "reason": "aws_misconfigured"})
    assert told == [well, ill, well]


def until_issued(serving: Serving, token: str) -> int:
    """Retry for at most a minute while the portal answers that it is not ready."""
    give_up = time.monotonic() + 60
    while True:
        status, body = serving.ask("POST", "/api/v1/sessions", token, {"admin": True})
        if status != 503 or time.monotonic() > give_up:
            return status
        assert "credentials" not in body


def test_malformed_requests_are_refused_without_an_internal_error(operator: Operator) -> None:
    token = token_of_a_new_administrator(operator)
    head = f"Host: x\r\nAuthorization: Bearer {token}\r\n"
    post, body = f"POST /api/v1/sessions HTTP/1.1\r\n{head}", '{"tenant": "x"}'
    with operator.serving_forked() as serving:
        for request in (
            f"{post}Content-Length: 5\r\nContent-Length: 15\r\n\r\n{body}",
            f"{post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nzz",
            f"{post}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            f"{post}Content-Length: \xb2\r\n\r\n",
            f"{post}Content-Length: 99999999999\r\n\r\n",
            f"GET /v3/features/tenant/%00 HTTP/1.1\r\n{head}\r\n",
            f"GET /v3/features/tenant/%ff%fe HTTP/1.1\r\n{head}\r\n",
            f"GET /v3/features/tenant/%ed%a0%80 HTTP/1.1\r\n{head}\r\n",
            f"GET /v3/features/tenant/..%2f..%2fsystem HTTP/1.1\r\n{head}\r\n",
            f"GET /%2fhealthz/../api/v1/me HTTP/1.1\r\n{head}\r\n",
            f"GET /api/v1/sessions?cursor=%00%ff HTTP/1.1\r\n{head}\r\n",
            f"GET http://evil.example/v3/nothing HTTP/1.1\r\n{head}\r\n",
            f"GET * HTTP/1.1\r\n{head}\r\n",
            f"GET /api/v1/me HTTP/1.1\r\n{head}Host: y\r\n\r\n",
            f"GET /v3/nothing HTTP/1.1\r\n{head}X: {'x' * 200_000}\r\n\r\n",
            f"GET /{'x' * 100_000} HTTP/1.1\r\n{head}\r\n",
            f"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\xff\r\n\r\n",
            "\r\n\r\nnonsense\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ):
            answered = serving.raw(request.encode("latin-1"))
            status = answered[9:12].decode()
            assert not answered or status.startswith("4"), (request[:90], answered[:200])
            assert b"location:" not in answered.lower()
        alive = serving.ask("GET", "/api/v1/me", token)
        serving.stop()
        lines = serving.lines()

    assert alive[0] == 200
    assert not [line for line in lines if line["level"] == "error"], lines


def test_no_secret_is_in_the_log_of_a_portal(operator: Operator, own_aws: StubAws) -> None:
    token = token_of_a_new_administrator(operator)
    add_tenant(operator, "dev01")
    with operator.serving_forked() as serving:
        given = serving.ask("POST", "/api/v1/sessions", token, {"tenant": "dev01"})
        legacy = serving.ask("GET", "//subscriptions/dev01/GetAwsConsoleTokenUrl", token)
        own_aws.play(answer(200, b"SECRET-KEY-CANARY is no answer"))
        serving.ask("POST", "/api/v1/sessions", token, {"admin": True})
        own_aws.play(error(400, "ValidationError", f"SECRET-KEY-CANARY {token}"))
        serving.ask("POST", "/api/v1/sessions", token, {"admin": True})
        serving.stop()
        said = serving.log.read_text()

    assert given[1]["credentials"]["secret_access_key"] == legacy[1]["SecretAccessKey"] == "SECRET-KEY-CANARY"
    assert legacy[1]["ConsoleUrl"] == ""
    assert "CANARY" not in said
    assert token not in said


@pytest.mark.parametrize("backend", ["sqlite", "postgres", "pgbouncer"])
def test_the_log_names_the_database_session_profile(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path, own_aws: StubAws
) -> None:
    profile = {"sqlite": "embedded", "postgres": "direct", "pgbouncer": "pooled"}[backend]
    operator = Operator(tmp_path, environment(tmp_path, request.getfixturevalue(f"{backend}_url"), own_aws))
    token = token_of_a_new_administrator(operator)
    with operator.serving_forked() as serving:
        assert [line["profile"] for line in told(serving, "database")] == [profile]
        assert serving.ask("GET", "/readyz") == (200, {"status": "ready", "issuing": True})

        # More at once than there are threads, and each more often than the driver waits until it prepares.
        answers: list[int] = []

        def ask() -> None:
            answers.extend(serving.ask("GET", "/api/v1/tenants", token)[0] for _ in range(8))

        crowd = [threading.Thread(target=ask) for _ in range(6)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        assert answers == [200] * 48

    checked = operator.run_inside("doctor", "--format", "json")
    assert {"database_profile"} == {
        finding["code"]
        for finding in json.loads(checked.stdout)["findings"]
        if finding["sentence"].startswith(f"The session profile is {profile}:")
    }
