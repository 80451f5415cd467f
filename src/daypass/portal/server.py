"""The HTTP server: listening socket, TLS, granian, worker processes and stop signals."""

import asyncio
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # granian names it only where it takes it from
from granian.server.embed import Server

from daypass.portal.config.model import Network
from daypass.portal.connection_limits import ConnectionWatch, Limits, raise_file_limit

_BACKLOG = 1024
_CONNECTIONS = 2048
"""The most concurrent connections, if the limit of open files allows it; others wait in the backlog."""

_METRICS_CONNECTIONS = 32
"""The most concurrent connections of the listener for metrics, which has few clients."""

MetricsListener = tuple[Any, socket.socket]
"""The ASGI application of the listener for metrics, and its listening socket."""

_LONGEST_HEADERS = 64 * 1024
# granian's time begins with the first byte of the headers; `Limits.unanswered` limits the silence before it.
_HEADER_MILLISECONDS = 10_000

_CLOSING = timedelta(seconds=10)
"""The time for cleaning up. With `_GRACE`, less than the 30 seconds after which orchestrators kill."""

_GRACE = 15.0
"""Seconds for responses in progress after a stop signal; only downloads take longer."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that stop the server."""

_AWAITED = (*STOP_SIGNALS, signal.SIGCHLD)


class ServeError(Exception):
    """The server cannot start, or stopped by itself; the message says what to change."""


def bind(host: str, port: int, variable: str = "DAYPASS_LISTEN") -> socket.socket:
    """Return a listening socket; port 0 is any free port.

    Raises `ServeError`, which names the *variable* of the address, if it cannot be bound.
    """
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ServeError(
            # The error's own text repeats the address in Python's notation.
            f"Port {port} of {host} cannot be had ({os.strerror(error.errno or 0).lower()}). "
            f"Choose another with {variable}."
        ) from error


def check_certificate(certificate: Path, private_key: Path) -> None:
    """Return if the certificate and the key match; raise `ServeError` otherwise."""
    try:
        # Without a passphrase callback, the library would prompt on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private_key, lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise ServeError(
            f"{certificate} and {private_key} are no certificate with its private key. Both must be PEM "
            "files, the key without a passphrase. See DAYPASS_TLS_CERTIFICATE and DAYPASS_TLS_KEY."
        ) from error


class _OwnSocketServer(Server):
    """Granian on a socket that is already bound, so that a free port cannot be taken in between."""

    def __init__(
        self,
        app: Any,  # noqa: ANN401  granian's own type
        listening: socket.socket,
        tls: tuple[Path, Path] | None,
        connections: int,
    ) -> None:
        self._listening = listening
        host, port = listening.getsockname()[:2]
        certificate, private_key = tls or (None, None)
        super().__init__(
            app,
            host,
            port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.auto,
            websockets=False,
            # At this number granian accepts no more connections.
            backpressure=connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=_HEADER_MILLISECONDS, max_buffer_size=_LONGEST_HEADERS
            ),
            http2_settings=HTTP2Settings(max_headers_size=_LONGEST_HEADERS),
            # Some legacy clients have an OpenSSL without TLS 1.3.
            ssl_protocol_min=SSLProtocols.tls12,
            ssl_cert=certificate,
            ssl_key=private_key,
            log_enabled=False,
        )

    def _init_shared_socket(self) -> None:
        # granian would bind a socket of its own here. Its event loop needs sockets that do not block, and it
        # closes the descriptor itself.
        self._listening.setblocking(False)
        self._ssp = None
        listening = self._listening.detach()
        self._shd = SocketHolder(listening, False, _BACKLOG)  # type: ignore[call-arg, assignment]  # in no stub


async def serve(
    app: Any,  # noqa: ANN401  granian's own type
    listening: socket.socket,
    tls: tuple[Path, Path] | None,
    on_ready: Callable[[Callable[[], None]], None],
    connections: int = _CONNECTIONS,
    metrics: MetricsListener | None = None,
) -> None:
    """Serve on *listening*, which it closes; *on_ready* gets the function that stops the server.

    *metrics* is served beside it, without TLS, until the same stop.
    """
    servers = [_OwnSocketServer(app, listening, tls, connections)]
    if metrics is not None:
        servers.append(_OwnSocketServer(*metrics, None, _METRICS_CONNECTIONS))

    def stop() -> None:
        for server in servers:
            server.stop()  # type: ignore[no-untyped-call]  # granian's

    # The socket listens already, so clients that connect from now on are answered once granian runs.
    asyncio.get_running_loop().call_soon(on_ready, stop)
    await asyncio.gather(*map(_run, servers))


async def _run(server: _OwnSocketServer) -> None:
    await server.serve()
    if not server.interrupt_signal:
        raise ServeError("The server stopped by itself.")


def run_until_signal(
    app: Any,  # noqa: ANN401  granian's own type
    listening: socket.socket,
    tls: tuple[Path, Path] | None,
    announce: Callable[[], None],
    trusted_proxies: tuple[Network, ...] = (),
    grace: float = _GRACE,
    metrics: MetricsListener | None = None,
) -> None:
    """Serve in this process until SIGINT or SIGTERM; requests in progress are completed.

    *metrics* is served beside *app*. Connections over the limits of `ConnectionWatch` are closed; all are
    closed *grace* seconds after the signal.
    """
    connections = raise_file_limit(_CONNECTIONS)
    watch = ConnectionWatch(listening.getsockname()[1], Limits.within(connections), trusted_proxies)

    def ready(stop: Callable[[], None]) -> None:
        def end() -> None:
            stop()
            # A download that its client does not read would keep the process running forever.
            loop.call_later(grace, watch.close_all)

        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, end)
        announce()
        # After the announcement, which may bind this thread, and so those that it starts, to one core.
        watch.start()

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        try:
            runner.run(serve(watch.wrap(app), listening, tls, ready, connections, metrics))
        finally:
            watch.stop()


@contextmanager
def cleanup_timeout(warn: Callable[[], None], within: timedelta = _CLOSING) -> Iterator[None]:
    """Limit the time of the cleanup inside; after a timeout, call *warn* and exit with code 1.

    A thread that waits for a stalled file system cannot be interrupted, so its resources are not released.
    """

    def give_up() -> None:
        warn()
        os._exit(1)

    timer = threading.Timer(within.total_seconds(), give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def run_workers(
    number: int, work: Callable[[], int], ended: Callable[[int], None] = lambda _pid: None
) -> int:
    """Run *work* in that many forked processes; return exit code 0 if all ended after a stop signal.

    If one ends by itself, all are stopped, so that the supervisor restarts the whole service. *ended* gets
    the pid of each that has ended.
    """
    is_stopping = False

    # Signals are awaited rather than handled: a handler that runs just before the wait would be missed.
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    # A blocked signal without a handler may be dropped.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    workers = {_fork(work) for _ in range(number)}
    ended_cleanly = True
    while workers:
        is_stopping = signal.sigwait(_AWAITED) in STOP_SIGNALS or is_stopping
        for worker, status in _reap():
            if worker not in workers:
                # An orphan of another process, adopted by this one.
                continue
            workers.remove(worker)
            ended(worker)
            ended_cleanly = ended_cleanly and is_stopping and _exited_cleanly(status)
        if is_stopping or not ended_cleanly:
            _terminate(workers)
    return 0 if ended_cleanly else 1


def _reap() -> Iterator[tuple[int, int]]:
    """Yield pid and status of each child process that has ended."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended


def _exited_cleanly(status: int) -> bool:
    """Return whether a worker ended normally or by a stop signal, which may come before its handler."""
    return status == 0 or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in STOP_SIGNALS)


def _fork(work: Callable[[], int]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # The child inherits the handler and the blocked signals of its parent.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            code = work()
        finally:
            # The child must not run the parent's cleanup.
            os._exit(code)
    return child


def _terminate(workers: set[int]) -> None:
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGTERM)
