"""Silent, slow and too many TCP connections are closed, and other clients are served meanwhile."""

import asyncio
import resource
import select
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from daypass.demo.certificate_authority import Certificates
from daypass.portal.connection_limits import ConnectionState, ConnectionWatch, Limits, overdue, surplus
from tests.portal.processes import Operator
from tests.portal.test_serve import port_of
from tests.waiting import wait_until

LIMITS = Limits(connections=8, per_address=3)

FRESH = ConnectionState(
    key=1,
    peer=("203.0.113.7", 50000),
    accepted_at=100.0,
    has_answered=True,
    unused_for=5.0,
    idle_for=5.0,
    is_busy=False,
)
UNANSWERED = replace(FRESH, has_answered=False)


@pytest.mark.parametrize(
    ("seen", "after", "is_closed"),
    [
        (UNANSWERED, 9, False),
        (UNANSWERED, 10, True),
        (replace(UNANSWERED, is_busy=True), 1000, False),
        (FRESH, 1000, False),
        (replace(FRESH, idle_for=119), 1000, False),
        (replace(FRESH, idle_for=120), 1000, True),
        (replace(FRESH, idle_for=120, is_busy=True), 1000, False),
    ],
)
def test_deadlines_apply_to_connections_without_a_request_in_progress(
    seen: ConnectionState, after: float, is_closed: bool
) -> None:
    assert overdue(seen, LIMITS, 100.0 + after) is is_closed


def of(address: str, number: int, like: ConnectionState = FRESH) -> list[ConnectionState]:
    """Return connections of one address, each newer than the one before."""
    return [replace(like, key=hash((address, n)), peer=(address, n), accepted_at=n) for n in range(number)]


def never(_address: str) -> bool:
    return False


def test_beyond_the_limit_of_an_address_its_oldest_unanswered_connections_are_closed() -> None:
    others = of("192.0.2.1", 1, UNANSWERED)
    every = [*of("203.0.113.7", 2), *others, *of("203.0.113.7", 3, UNANSWERED)[1:]]

    assert [seen.accepted_at for seen in surplus(every, LIMITS, never)] == [1]


def test_a_trusted_proxy_is_exempt_from_the_address_limit_but_not_the_total() -> None:
    def is_exempt(address: str) -> bool:
        return address == "203.0.113.7"

    assert surplus(of("203.0.113.7", 6), LIMITS, is_exempt) == []
    assert len(surplus(of("203.0.113.7", 8), LIMITS, is_exempt)) == 2


@pytest.mark.parametrize("in_use", [{"is_busy": True}, {"unused_for": 0.9}])
def test_a_connection_in_use_is_never_closed(in_use: dict[str, object]) -> None:
    used = [replace(seen, **in_use) for seen in of("203.0.113.7", 8)]  # type: ignore[arg-type]  # by name

    assert surplus(used, LIMITS, never) == []


def test_bytes_without_a_request_do_not_protect_a_connection() -> None:
    pings = of("203.0.113.7", 5, replace(FRESH, idle_for=0.0))

    assert [seen.accepted_at for seen in surplus(pings, LIMITS, never)] == [0, 1]


def test_an_address_over_its_limit_does_not_cost_others_their_connections() -> None:
    others = of("192.0.2.1", 3)
    every = [*others, *[replace(seen, accepted_at=100.0) for seen in of("203.0.113.7", 6)]]

    assert {seen.peer[0] for seen in surplus(every, LIMITS, never)} == {"203.0.113.7"}


@contextmanager
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_the_watch_reads_the_state_of_its_own_connections_only() -> None:
    with listener() as listening, listener() as other, ExitStack() as stack:
        now = [100.0]
        watch = ConnectionWatch(listening.getsockname()[1], Limits.within(100), monotonic=lambda: now[0])
        ends = []
        for server in (listening, listening, listening, other):
            client = stack.enter_context(socket.create_connection(server.getsockname()))
            ends.append((client, stack.enter_context(server.accept()[0])))
        spoke, answered = ends[1], ends[2]
        for client, server in (spoke, answered):
            client.sendall(b"GET")
            assert server.recv(3) == b"GET"
        handle_request(watch, answered[0].getsockname())

        assert watch.close_surplus() == 0
        now[0] += 10
        assert watch.close_surplus() == 2
        assert (ends[0][0].recv(1), spoke[0].recv(1)) == (b"", b"")
        answered[1].sendall(b"more")
        assert answered[0].recv(4) == b"more"
        ends[3][1].sendall(b"other")
        assert ends[3][0].recv(5) == b"other"


def handle_request(watch: ConnectionWatch, peer: tuple[str, int]) -> None:
    """Have the application answer a request of that client."""

    async def app(_scope: object, _receive: object, _send: object) -> None:
        pass

    asyncio.run(watch.wrap(app)({"type": "http", "client": (peer[0], str(peer[1]))}, None, None))


def test_proxies_are_exempt_by_network() -> None:
    watch = ConnectionWatch(1, LIMITS, (ip_network("10.0.0.0/8"), ip_network("::1")))

    assert [watch._is_exempt(address) for address in ("10.1.2.3", "::1", "192.0.2.1", "x")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.fixture
def many_files() -> Iterator[None]:
    """Raise the limit of open files in this process for thousands of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


SLOW = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "


@pytest.mark.parametrize("sent", [b"", SLOW], ids=["silent", "slow"])
@pytest.mark.usefixtures("many_files")
def test_two_thousand_silent_connections_do_not_block_other_clients(operator: Operator, sent: bytes) -> None:
    with operator.serving_forked() as serving, ExitStack() as stack:
        crowd = connected(stack, serving.port, 2100, sent)
        during = [serving.ask("GET", path)[0] for path in ("/healthz", "/readyz", "/sign-in")]
        until_some_are_closed(crowd)
        stack.close()
        after = serving.ask("GET", "/healthz")[0]
        assert serving.stop() == 0
        said = [line for line in serving.lines() if line["event"] == "connections"]

    assert (during, after) == ([200] * 3, 200)
    assert said


def connected(stack: ExitStack, port: int, number: int, sent: bytes) -> list[socket.socket]:
    """Open connections that have sent *sent* and nothing else."""
    crowd = []
    for _ in range(number):
        crowd.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 60)))
        crowd[-1].sendall(sent)
    return crowd


def until_some_are_closed(crowd: list[socket.socket]) -> None:
    """Return when the server has closed one of them, with or without a response."""
    poll = select.poll()
    for connection in crowd:
        poll.register(connection, select.POLLRDHUP)
    assert poll.poll(60_000)


def test_over_tls_half_handshakes_beyond_the_limit_of_an_address_are_closed(
    operator: Operator, certificates: Certificates
) -> None:
    tls = {
        "DAYPASS_TLS_CERTIFICATE": str(certificates.certificate),
        "DAYPASS_TLS_KEY": str(certificates.private_key),
        "DAYPASS_PUBLIC_URL": "https://localhost:8443",
    }
    with operator.serving(**tls) as serving, ExitStack() as stack:
        port = port_of(serving)
        until_some_are_closed(connected(stack, port, 520, client_hello()[:20]))
        serving.trust, serving.url = certificates.ssl_context(), f"https://localhost:{port}"

        assert serving.ask("GET", "/healthz")[0] == 200


SHORT = """
import asyncio
import sys
from pathlib import Path
from daypass.portal.connection_limits import ConnectionWatch, Limits
from daypass.portal.server.http_server import serve
from daypass.portal.server.listening import bind

listening = bind("127.0.0.1", 0)
port = listening.getsockname()[1]
watch = ConnectionWatch(port, Limits(100, 100, unanswered=0.5), interval=0.1)


def ready(stop):
    watch.start()
    print(port, flush=True)


tls = Path(sys.argv[1]), Path(sys.argv[2])
asyncio.run(serve(watch.wrap(None), listening, tls, ready))
"""


@pytest.mark.parametrize("is_complete", [False, True])
def test_a_tls_handshake_is_no_response(certificates: Certificates, is_complete: bool) -> None:
    command = [sys.executable, "-c", SHORT, str(certificates.certificate), str(certificates.private_key)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with ExitStack() as stack:
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
                if is_complete:
                    context = certificates.ssl_context()
                    client = stack.enter_context(context.wrap_socket(client, server_hostname="localhost"))
                else:
                    client.sendall(client_hello())
                    # The server's part of the handshake.
                    assert client.recv(65536)
                while client.recv(65536):
                    pass
        finally:
            process.kill()


def client_hello() -> bytes:
    """Return the first bytes of a TLS client."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    return outgoing.read()


LATE = """
import asyncio
import sys
from starlette.responses import PlainTextResponse
from daypass.portal.connection_limits import ConnectionWatch, Limits
from daypass.portal.server.http_server import serve
from daypass.portal.server.listening import bind

listening = bind(sys.argv[1], 0)
port, now = listening.getsockname()[1], [0.0]
watch = ConnectionWatch(port, Limits.within(100), monotonic=lambda: now[0])


async def app(scope, receive, send):
    closed = watch.close_surplus()
    now[0] += 1000
    await PlainTextResponse(str(closed + watch.close_surplus()))(scope, receive, send)


ready = lambda stop: print(port, flush=True)
asyncio.run(serve(watch.wrap(app), listening, None, ready))
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_with_a_request_in_progress_is_not_closed(host: str) -> None:
    with subprocess.Popen([sys.executable, "-c", LATE, host], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with socket.create_connection((host, port), 60) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answer = client.makefile("rb").read()
        finally:
            process.kill()

    assert answer.endswith(b"\r\n\r\n0")


ENDLESS = """
import os
import sys
from itertools import repeat
from datetime import timedelta
from starlette.responses import StreamingResponse
from daypass.portal.server.http_server import run_until_stopped
from daypass.portal.server.listening import bind
from daypass.portal.server.stopping import StopTimes

app = StreamingResponse(repeat(b"x" * 65536))
listening = bind("127.0.0.1", 0)
port = listening.getsockname()[1]
times = StopTimes.within(timedelta(seconds=float(sys.argv[1])))
run_until_stopped(app, listening, None, lambda: print(port, flush=True), times=times)
os._exit(0)
"""


@pytest.mark.parametrize(("stop_timeout", "signals"), [("0.2", 1), ("300", 2)])
def test_an_unread_download_is_ended_by_the_stop_timeout_or_a_second_signal(
    stop_timeout: str, signals: int
) -> None:
    command = [sys.executable, "-c", ENDLESS, stop_timeout]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with socket.create_connection(("127.0.0.1", port), 60) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(15) == b"HTTP/1.1 200 OK"
                for _ in range(signals):
                    # A signal that is pending already would be merged with the next one.
                    wait_until(lambda: not _is_pending(process.pid, signal.SIGTERM))
                    process.terminate()
                assert process.wait(60) == 0
        finally:
            process.kill()


def _is_pending(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    pending = (int(line.split()[1], 16) for line in status.splitlines() if line[:7] in {"SigPnd:", "ShdPnd:"})
    return any(mask >> (number - 1) & 1 for mask in pending)
