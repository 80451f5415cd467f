"""The callback server on 127.0.0.1 accepts the genuine authorization response and nothing else."""

import socket
import struct
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import pytest

from daypass.cli.auth.callback_server import MAX_REQUESTS, Callback, CallbackServer, Expected
from tests.cli.sign_in import CODE, OTHER_CODE, visit

STATE = "s" * 22
ISSUER = "https://portal.example"
GENUINE = {"code": CODE, "state": STATE, "iss": ISSUER}


@dataclass(frozen=True)
class Waiting:
    """A callback server that waits in a thread."""

    listener: CallbackServer
    callback: "Future[Callback | None]"

    def raw(self, request: bytes) -> bytes:
        """Send *request* and return the beginning of the response."""
        with socket.create_connection(("127.0.0.1", self.listener.port), timeout=60) as connection:
            connection.sendall(request)
            return connection.recv(4096)

    def genuine(self) -> int:
        """Send the genuine response, as the portal's page does, and return the status."""
        return visit(self.listener.redirect_uri, GENUINE)

    def code(self) -> str:
        """Return the code that the server received."""
        callback = self.callback.result(timeout=60)
        assert callback is not None
        return callback.code


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    expected = Expected(STATE, ISSUER, f"{ISSUER}/oauth/done")
    with CallbackServer() as listener, ThreadPoolExecutor(1) as pool:
        callback = pool.submit(listener.wait, expected, 20.0)
        yield Waiting(listener, callback)
        if not callback.done():
            visit(listener.redirect_uri, GENUINE)


def test_the_genuine_response_is_received_and_the_browser_redirected(waiting: Waiting) -> None:
    path, port = waiting.listener.path, waiting.listener.port
    query = f"code={CODE}&state={STATE}&iss=https%3A%2F%2Fportal.example"

    response = waiting.raw(f"GET {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()).decode()

    assert waiting.code() == CODE
    assert response.startswith("HTTP/1.1 303 ")
    assert "\r\nLocation: https://portal.example/oauth/done\r\n" in response
    assert "\r\nContent-Security-Policy: default-src 'none'" in response
    assert "\r\nCache-Control: no-store\r\n" in response
    assert CODE not in response


def test_an_error_response_is_received(waiting: Waiting) -> None:
    visit(waiting.listener.redirect_uri, {"error": "access_denied", "state": STATE, "iss": ISSUER})

    assert waiting.callback.result(timeout=60) == Callback("", "access_denied")


def test_the_server_listens_on_127_0_0_1_only(waiting: Waiting) -> None:
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", waiting.listener.port), timeout=1)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"code": OTHER_CODE},
        {"code": OTHER_CODE, "state": "x" * 22, "iss": ISSUER},
        {"code": OTHER_CODE, "state": "", "iss": ISSUER},
        {"code": OTHER_CODE, "state": STATE},
        {"code": OTHER_CODE, "state": STATE, "iss": "https://evil.example"},
        {"code": OTHER_CODE, "error": "access_denied", "state": STATE, "iss": ISSUER},
        {"state": STATE, "iss": ISSUER},
    ],
)
def test_a_forged_response_gets_404_and_the_server_keeps_waiting(
    waiting: Waiting, query: dict[str, str]
) -> None:
    assert visit(waiting.listener.redirect_uri, query) == 404

    assert waiting.genuine() == 303
    assert waiting.code() == CODE


@pytest.mark.parametrize(
    "head",
    [
        "GET {path}?{query} HTTP/1.1\r\nHost: evil.example:{port}",
        "GET {path}?{query} HTTP/1.1\r\nHost: localhost:{port}",
        "GET {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1",
        "GET {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example",
        "GET {path}?{query} HTTP/1.1",
        "GET http://127.0.0.1:{port}{path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "GET http://evil.example{path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "POST {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0",
        "HEAD {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "get {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "GET /?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "GET {path}/?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "GET {path}x?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "GET {path}?{query}",
        "nonsense",
        "\xff\xfe",
    ],
)
def test_a_request_with_an_unexpected_part_is_rejected(waiting: Waiting, head: str) -> None:
    query = f"code={OTHER_CODE}&state={STATE}&iss={ISSUER}"
    request = head.format(path=waiting.listener.path, query=query, port=waiting.listener.port)

    response = waiting.raw(request.encode("latin-1") + b"\r\n\r\n")

    assert response.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 403 ", b"HTTP/1.1 404 ", b"HTTP/1.1 405 "))
    assert b"Location" not in response
    assert waiting.genuine() == 303
    assert waiting.code() == CODE


def test_a_request_that_is_too_long_is_rejected(waiting: Waiting) -> None:
    query = f"code={OTHER_CODE}&state={STATE}&iss={ISSUER}"
    head = f"GET {waiting.listener.path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{waiting.listener.port}\r\n"

    with suppress(ConnectionError):
        assert waiting.raw(head.encode() + b"X: " + b"x" * 9000 + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")

    assert waiting.genuine() == 303
    assert waiting.code() == CODE


def test_a_response_counts_even_if_the_browser_disconnects(waiting: Waiting) -> None:
    query = f"code={CODE}&state={STATE}&iss={ISSUER}"
    head = f"GET {waiting.listener.path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{waiting.listener.port}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", waiting.listener.port), timeout=60) as connection:
        # Closing resets the connection.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(head.encode())

    assert waiting.code() == CODE


def test_idle_connections_do_not_block_the_genuine_response(waiting: Waiting) -> None:
    address = ("127.0.0.1", waiting.listener.port)
    idle = [socket.create_connection(address, timeout=60) for _ in range(300)]

    assert waiting.genuine() == 303
    assert waiting.code() == CODE
    for connection in idle:
        connection.close()


def test_a_response_that_arrives_in_pieces_is_read_completely(waiting: Waiting) -> None:
    query = f"code={CODE}&state={STATE}&iss={ISSUER}"
    head = f"GET {waiting.listener.path}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{waiting.listener.port}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", waiting.listener.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for sign in head:
            connection.sendall(sign.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 303 ")

    assert waiting.code() == CODE


@pytest.mark.parametrize("path", ["/", "/cb/wrong", "/favicon.ico", "/cb/{name}x?code=c&state=s"])
def test_requests_to_wrong_paths_do_not_use_up_the_limit(waiting: Waiting, path: str) -> None:
    host = f"127.0.0.1:{waiting.listener.port}"
    wrong = path.format(name=waiting.listener.path.rpartition("/")[2])
    for _ in range(5 * MAX_REQUESTS):
        assert b" 404 " in waiting.raw(f"GET {wrong} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    assert waiting.genuine() == 303
    assert waiting.code() == CODE


def test_too_many_forged_responses_disable_the_server(waiting: Waiting) -> None:
    for _ in range(MAX_REQUESTS):
        assert visit(waiting.listener.redirect_uri, {}) == 404

    assert waiting.genuine() == 404
    assert not waiting.callback.done()
    waiting.listener._requests_left = 1


def test_the_wait_times_out() -> None:
    with CallbackServer() as listener:
        assert listener.wait(Expected(STATE, ISSUER, ISSUER), 0.05) is None
