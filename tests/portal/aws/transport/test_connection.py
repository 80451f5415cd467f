"""Tests of one connection: complete responses, reuse, limits."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from daypass.portal.aws.transport.connection import Connection, NoResponse, Reply, ResponseTooLarge
from tests.waiting import wait_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONGEST = 1000

Host = Callable[..., Connection]


@pytest.fixture
def host() -> Iterator[Host]:
    """Connect to a peer that reads one request, sends these pieces, and then stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened: list[Connection] = []
        threads: list[threading.Thread] = []

        def play(pieces: Sequence[bytes], *, stays: bool = False) -> Connection:
            connection = Connection(f"http://127.0.0.1:{server.getsockname()[1]}/", None, lambda: 5.0)
            opened.append(connection)
            theirs, _ = server.accept()
            threads.append(threading.Thread(target=_answer, args=(theirs, pieces, stays)))
            threads[-1].start()
            return connection

        yield play
        for connection in opened:
            connection.close()
        for thread in threads:
            thread.join()


def _answer(theirs: socket.socket, pieces: Sequence[bytes], stays: bool) -> None:
    # The client may have closed the connection.
    with theirs, suppress(OSError):
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        theirs.recv(65536)
        for piece in pieces:
            theirs.sendall(piece)
        if not stays:
            theirs.shutdown(socket.SHUT_WR)
        while theirs.recv(65536):
            pass


def ask(connection: Connection, patience: float = 5.0) -> Reply:
    return connection.post("/", {"Host": "localhost"}, b"body", lambda: patience, LONGEST)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([OK], id="whole"),
        pytest.param([OK[i : i + 1] for i in range(len(OK))], id="byte by byte"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n", OK], id="after a word before it"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"],
            id="in chunks",
        ),
    ],
)
def test_a_response_in_any_pieces_is_read_completely(host: Host, pieces: Sequence[bytes]) -> None:
    connection = host(pieces)

    assert ask(connection) == Reply(200, b"ok")
    assert connection.is_usable


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([OK + OK.replace(b"ok", b"no")], id="a second answer at once"),
        pytest.param([OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")], id="the last one"),
        pytest.param([OK.replace(b"1.1", b"1.0")], id="HTTP/1.0"),
    ],
)
def test_a_connection_with_leftover_data_or_close_is_not_reused(host: Host, pieces: Sequence[bytes]) -> None:
    connection = host(pieces)

    assert ask(connection) == Reply(200, b"ok")
    assert not connection.is_usable


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(OK[:20], id="half a head"),
        pytest.param(OK[:-1], id="half a body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", id="no last chunk"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="no HTTP"),
        pytest.param(OK.replace(b": 2", b": 2\r\nTransfer-Encoding: chunked"), id="two lengths"),
        pytest.param(OK.replace(b": 2", b": -2"), id="no length"),
        pytest.param(b"HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", id="another protocol"),
    ],
)
def test_an_incomplete_or_malformed_response_is_an_error(host: Host, piece: bytes) -> None:
    connection = host([piece])

    with pytest.raises(NoResponse):
        ask(connection)
    assert not connection.is_usable


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001, id="a body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", id="a head"),
    ],
)
def test_a_response_beyond_the_size_limit_is_refused(host: Host, piece: bytes) -> None:
    with pytest.raises(ResponseTooLarge):
        ask(host([piece]))


def test_no_request_is_sent_without_time_left(host: Host) -> None:
    with pytest.raises(NoResponse):
        ask(host([OK]), patience=0.0)


def test_each_step_gets_only_the_remaining_time(host: Host) -> None:
    left = iter([60.0, 60.0, 0.05])
    connection = host([OK[:20]], stays=True)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        connection.post("/", {"Host": "localhost"}, b"body", lambda: next(left), LONGEST)
    assert time.monotonic() - began < 30


def test_all_addresses_of_a_host_share_the_connect_timeout() -> None:
    left = iter([0.0])

    with pytest.raises(NoResponse):
        Connection("http://localhost:9/", None, lambda: next(left))


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\rX: b", "a\nX: b", "\N{SNOWMAN}", "ä"])
def test_a_multiline_header_is_neither_sent_nor_quoted(host: Host, value: str) -> None:
    with pytest.raises(ValueError, match="not one line") as refused:
        host([OK]).post("/", {"X-Amz-Security-Token": f"canary{value}"}, b"", lambda: 5.0, LONGEST)

    assert "canary" not in repr(refused.value.args)


def test_an_idle_connection_with_data_or_close_is_dropped(host: Host) -> None:
    quiet, closed = host([OK]), host([OK])
    ask(closed)

    wait_until(closed.is_dropped)
    assert not quiet.is_dropped()
