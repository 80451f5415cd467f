"""The portal as a server: a socket, TLS, granian, and the signals that end it."""

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

from daypass.portal.config import Network
from daypass.portal.connection_limits import ConnectionWatch, Limits, make_room

_BACKLOG = 1024
_CONNECTIONS = 2048
"""Served at the same time if the limit of open files allows it; what comes on top waits in the backlog."""

_LONGEST_HEADERS = 64 * 1024
_HEADER_MILLISECONDS = 10_000

_CLOSING = timedelta(seconds=10)
"""The time for cleaning up. With the grace below, less than the 30 seconds after which orchestrators kill."""

_GRACE = 15.0
"""Seconds that answers under way get after the signal to stop: more than any answer takes but a download."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""How we are told to stop."""

_AWAITED = (*STOP_SIGNALS, signal.SIGCHLD)


class ServeError(Exception):
    """The portal cannot serve like this; the message says what to change."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; `ServeError` when the address or the port cannot be had. 0 is any free port."""
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ServeError(
            # Not its own text, which goes on about what it was doing.
            f"Port {port} of {host} cannot be had ({os.strerror(error.errno or 0).lower()}). "
            "Choose another with DAYPASS_LISTEN."
        ) from error


def check_certificate(certificate: Path, private_key: Path) -> None:
    """Return when these two belong together; else `ServeError`."""
    try:
        # Without an answer for the passphrase, the library would ask whoever sits at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private_key, lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise ServeError(
            f"{certificate} and {private_key} are no certificate with its private key, both as PEM and the "
            "key without a passphrase. See DAYPASS_TLS_CERTIFICATE and DAYPASS_TLS_KEY."
        ) from error


class _OwnSocketServer(Server):
    """Granian on a socket that is bound already, so that a port is never chosen and then lost."""

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
            backpressure=connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=_HEADER_MILLISECONDS, max_buffer_size=_LONGEST_HEADERS
            ),
            http2_settings=HTTP2Settings(max_headers_size=_LONGEST_HEADERS),
            # Some legacy clients come with an OpenSSL that knows no 1.3.
            ssl_protocol_min=SSLProtocols.tls12,
            ssl_cert=certificate,
            ssl_key=private_key,
            log_enabled=False,
        )

    def _init_shared_socket(self) -> None:
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
) -> None:
    """Serve on *listening*, and own it, until stopped; *on_ready* gets what stops it, once it serves."""
    server = _OwnSocketServer(app, listening, tls, connections)
    # The socket listens already: whoever connects from now on is answered as soon as granian runs.
    asyncio.get_running_loop().call_soon(on_ready, server.stop)
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
) -> None:
    """Serve in this process until SIGINT or SIGTERM; what is being answered then is still answered.

    Connections that are silent, slow or too many are closed, see `ConnectionWatch`; all of them are closed
    *grace* seconds after the signal.
    """
    connections = make_room(_CONNECTIONS)
    watch = ConnectionWatch(listening.getsockname()[1], Limits.within(connections), trusted_proxies)

    def ready(stop: Callable[[], None]) -> None:
        def end() -> None:
            stop()
            # A download that its client does not read would keep the process for ever.
            loop.call_later(grace, watch.close_all)

        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, end)
        announce()
        # After the announcement, which may have moved this thread, and so all that it starts, to one core.
        watch.start()

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        try:
            runner.run(serve(watch.wrap(app), listening, tls, ready, connections))
        finally:
            watch.stop()


@contextmanager
def ending_in_time(warn: Callable[[], None], within: timedelta = _CLOSING) -> Iterator[None]:
    """Clean up inside; where that takes too long, call *warn* and end the process with exit code 1.

    A thread that waits for a stalled file system cannot be interrupted. Nothing that it holds is released.
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


def run_workers(number: int, work: Callable[[], int]) -> int:
    """Run *work* in that many forked processes; the exit code is 0 when all ended because we were told to.

    When one ends by itself all are ended: whoever supervises us starts afresh, and nobody serves half.
    """
    is_told = False

    # Waited for rather than handled: the wait that begins just after a handler ran would miss what it did.
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    # A signal that nobody would hear may be dropped even while it is blocked.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    workers = {_fork(work) for _ in range(number)}
    is_well = True
    while workers:
        is_told = signal.sigwait(_AWAITED) in STOP_SIGNALS or is_told
        for worker, status in _ended():
            if worker not in workers:
                # Another's child, which we were made the parent of.
                continue
            workers.remove(worker)
            is_well = is_well and is_told and _exited_cleanly(status)
        if is_told or not is_well:
            _terminate(workers)
    return 0 if is_well else 1


def _ended() -> Iterator[tuple[int, int]]:
    """The processes that have ended, and how."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended


def _exited_cleanly(status: int) -> bool:
    """Whether a worker ended as it was told to, which may have been before it listened."""
    return status == 0 or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in STOP_SIGNALS)


def _fork(work: Callable[[], int]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            code = work()
        finally:
            # Nothing of the parent's is the child's to tidy up.
            os._exit(code)
    return child


def _terminate(workers: set[int]) -> None:
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGTERM)
