"""The loopback server and the container credentials endpoint accept only exact, authorized requests."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from http import HTTPStatus
from threading import Thread, Timer

import pytest

from daypass.cli.cache.credentials import Credentials
from daypass.cli.credentials.container_endpoint import PATH, TOKEN_VARIABLE, URI_VARIABLE, ContainerEndpoint
from daypass.cli.runtime.errors import Denied, Refusal, SignInNeeded, Unavailable
from daypass.cli.runtime.loopback_server import LoopbackServer, Reply

KEYS = {
    "Version": 1,
    "AccessKeyId": "ASIA1",
    "SecretAccessKey": "canary-secret",
    "SessionToken": "canary-session",
    "Expiration": "2026-11-25T16:00:00Z",
}


class Source:
    """A source of numbered credentials that are served for a minute, or of a refusal."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.count = 0
        self.refusal: Refusal | None = None

    def renew(self) -> Credentials:
        if self.refusal is not None:
            raise self.refusal
        self.count += 1
        answer = json.dumps(KEYS | {"AccessKeyId": f"ASIA{self.count}"}).encode()
        about = json.dumps({"role": "arn:aws:iam::1:role/r"}).encode()
        return Credentials(answer, about, int(self.now), int(self.now) + 60)


@pytest.fixture
def source() -> Source:
    """Return the source of the endpoint's credentials."""
    return Source()


@pytest.fixture
def endpoint(source: Source) -> Iterator[ContainerEndpoint]:
    """Return an endpoint that serves requests in a thread."""
    endpoint = ContainerEndpoint(source.renew, lambda: source.now, lambda text: text.replace("canary", "***"))
    ours, theirs = socket.socketpair()
    thread = Thread(target=endpoint.loopback.serve, args=(None, [ours.fileno()]))
    thread.start()
    yield endpoint
    theirs.send(b"x")
    thread.join()
    endpoint.loopback.close()
    ours.close()
    theirs.close()


def send(endpoint: ContainerEndpoint, raw: bytes) -> tuple[int, bytes]:
    """Send *raw* and return the response's status and body."""
    host, _, port = endpoint.loopback.authority.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(raw)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def request(
    endpoint: ContainerEndpoint, *extra: str, line: str = f"GET {PATH} HTTP/1.1", host: str | None = None
) -> bytes:
    """Return a valid request, modified by the arguments."""
    lines = [line, f"Host: {host or endpoint.loopback.authority}"]
    lines += extra or [f"Authorization: {endpoint.variables[TOKEN_VARIABLE]}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def test_a_request_with_the_token_gets_credentials_in_the_format_of_the_sdks(
    endpoint: ContainerEndpoint,
) -> None:
    status, body = send(endpoint, request(endpoint))

    assert status == 200
    assert json.loads(body) == {
        "AccessKeyId": "ASIA1",
        "SecretAccessKey": "canary-secret",
        "Token": "canary-session",
        "Expiration": "2026-11-25T16:00:00Z",
        "RoleArn": "arn:aws:iam::1:role/r",
    }
    assert endpoint.variables[URI_VARIABLE] == f"http://{endpoint.loopback.authority}{PATH}"


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_a_request_with_another_host_header_is_refused(endpoint: ContainerEndpoint, host: str) -> None:
    port = endpoint.loopback.authority.partition(":")[2]

    status, body = send(endpoint, request(endpoint, host=host.format(port=port) or " "))

    assert (status, body) == (403, b"")


def test_a_request_with_an_origin_header_is_refused(endpoint: ContainerEndpoint) -> None:
    token = f"Authorization: {endpoint.variables[TOKEN_VARIABLE]}"

    assert send(endpoint, request(endpoint, token, "Origin: https://evil.example"))[0] == 403


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (f"POST {PATH} HTTP/1.1", 405),
        (f"HEAD {PATH} HTTP/1.1", 405),
        (f"OPTIONS {PATH} HTTP/1.1", 405),
        ("GET / HTTP/1.1", 404),
        (f"GET {PATH}/ HTTP/1.1", 404),
        (f"GET {PATH}?x=1 HTTP/1.1", 404),
        (f"GET /..{PATH} HTTP/1.1", 404),
        (f"GET http://127.0.0.1{PATH} HTTP/1.1", 404),
        (f"GET http://evil.example{PATH} HTTP/1.1", 404),
        (f"GET  {PATH} HTTP/1.1", 400),
        (f"GET {PATH}", 400),
        (f"GET {PATH} HTTP/2.0", 400),
        ("", 400),
    ],
)
def test_any_other_request_line_is_refused(endpoint: ContainerEndpoint, line: str, status: int) -> None:
    assert send(endpoint, request(endpoint, line=line)) == (status, b"")


@pytest.mark.parametrize("token", ["", "x", "Bearer {token}", "{token}x", "{short}", "{upper}", "\xff"])
def test_a_wrong_token_is_refused(endpoint: ContainerEndpoint, token: str) -> None:
    right = endpoint.variables[TOKEN_VARIABLE]
    wrong = token.format(token=right, short=right[:-1], upper=right.upper())

    status, body = send(endpoint, request(endpoint, f"Authorization: {wrong}"))

    assert status == 401
    assert b"canary" not in body
    assert right.encode() not in body


@pytest.mark.parametrize(
    "extra",
    [
        ("Authorization: {token}", "Authorization: {token}"),
        ("Authorization: {token}", "Host: evil.example"),
        ("Authorization: {token}", "Content-Length: 5"),
        ("Authorization: {token}", "Transfer-Encoding: chunked"),
        ("Authorization : {token}",),
        ("Authorization: {token}", " folded"),
        ("Authorization: {token}", "no colon"),
        ("Authorization: {token}", "X: " + "x" * 9000),
    ],
)
def test_an_ambiguous_request_is_rejected(endpoint: ContainerEndpoint, extra: tuple[str, ...]) -> None:
    token = endpoint.variables[TOKEN_VARIABLE]

    assert send(endpoint, request(endpoint, *(line.format(token=token) for line in extra))) == (400, b"")


def test_a_hundred_idle_connections_do_not_block_a_request(endpoint: ContainerEndpoint) -> None:
    host, _, port = endpoint.loopback.authority.partition(":")
    with ExitStack() as idle:
        for _ in range(100):
            idle.enter_context(socket.create_connection((host, int(port))))

        assert send(endpoint, request(endpoint))[0] == 200


def test_the_endpoint_listens_on_127_0_0_1_only(endpoint: ContainerEndpoint) -> None:
    assert endpoint.loopback.authority.startswith("127.0.0.1:")
    port = int(endpoint.loopback.authority.partition(":")[2])

    # All of 127.0.0.0/8 is this machine: a server that listens on all addresses would accept this, too.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_ctrl_c_just_before_a_wait_interrupts_it() -> None:
    """A signal interrupts no system call if it comes too early or to another thread."""
    loopback = LoopbackServer(lambda _: Reply(HTTPStatus.OK))

    def press() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    thread = Timer(0.2, press)
    began = time.monotonic()
    with closing(loopback), pytest.raises(KeyboardInterrupt):
        thread.start()
        loopback.serve(60.0)
    assert time.monotonic() - began < 50
    thread.join()


def test_credentials_are_renewed_at_their_end_and_not_before(
    endpoint: ContainerEndpoint, source: Source
) -> None:
    source.now += 59
    first = json.loads(send(endpoint, request(endpoint))[1])
    source.now += 1
    second = json.loads(send(endpoint, request(endpoint))[1])

    assert (first["AccessKeyId"], second["AccessKeyId"]) == ("ASIA1", "ASIA2")


def test_concurrent_requests_renew_credentials_once(endpoint: ContainerEndpoint, source: Source) -> None:
    source.now += timedelta(hours=1).total_seconds()
    answers: list[bytes] = []
    threads = [Thread(target=lambda: answers.append(send(endpoint, request(endpoint))[1])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {json.loads(answer)["AccessKeyId"] for answer in answers} == {"ASIA2"}
    assert source.count == 2


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(SignInNeeded("canary"), 401), (Denied("canary"), 403), (Unavailable("canary"), 503)],
)
def test_a_refusal_is_answered_with_a_redacted_message_and_not_cached(
    endpoint: ContainerEndpoint, source: Source, refusal: Refusal, status: int
) -> None:
    source.now += 60
    source.refusal = refusal

    response = send(endpoint, request(endpoint))

    assert (response[0], json.loads(response[1])["message"]) == (status, "***")
    source.refusal = None
    assert send(endpoint, request(endpoint))[0] == 200
