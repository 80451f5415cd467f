"""The HTTP server of one process: granian on a given socket, and its stop."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # granian names it only where it takes it from
from granian.server.embed import Server

from daypass.portal.config.model import Network
from daypass.portal.connection_limits import ConnectionWatch, Limits, raise_file_limit
from daypass.portal.server.draining import Drain
from daypass.portal.server.errors import ServeError
from daypass.portal.server.listening import BACKLOG
from daypass.portal.server.stopping import StopTimes
from daypass.portal.server.worker_process import STOP_SIGNALS, Command, SupervisorLink

_CONNECTIONS = 2048
"""The most concurrent connections, if the limit of open files allows it; others wait in the backlog."""

_METRICS_CONNECTIONS = 32
"""The most concurrent connections of the listener for metrics, which has few clients."""

MetricsListener = tuple[Any, socket.socket]
"""The ASGI application of the listener for metrics, and its listening socket."""

_LONGEST_HEADERS = 64 * 1024
# granian's time begins with the first byte of the headers; `Limits.unanswered` limits the silence before it.
_HEADER_MILLISECONDS = 10_000

_CLIENTS_CHECKED_EVERY = 0.1
_DEFAULT_TIMES = StopTimes.within(timedelta(seconds=25))


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
            log_enabled=False,
        )
        if tls is not None:
            certificate, private_key = map(str, tls)
            # granian's own setting resolves symbolic links, and those to files in memory lead nowhere.
            # TLS 1.2, because some legacy clients have an OpenSSL without TLS 1.3.
            minimum = str(SSLProtocols.tls12)
            tls_settings: Any = (True, certificate, private_key, None, minimum, None, [], False)
            self.ssl_ctx = tls_settings

    def _init_shared_socket(self) -> None:
        # granian would bind a socket of its own here. Its event loop needs sockets that do not block, and it
        # closes the descriptor itself.
        self._listening.setblocking(False)
        self._ssp = None
        listening = self._listening.detach()
        self._shd = SocketHolder(listening, False, BACKLOG)  # type: ignore[call-arg, assignment]  # in no stub


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


@dataclass(slots=True)
class _Stop:
    """The steps of stopping a server, in their order; each is safe to repeat."""

    stop: Callable[[], None]
    watch: ConnectionWatch
    """The watch of the connections that a replaced worker has clients leave."""
    watches: Sequence[ConnectionWatch]
    """The watches of all connections."""
    drain: Drain
    times: StopTimes
    _is_retiring: bool = False
    _is_signalled: bool = False
    _is_begun: bool = False

    def begin(self) -> None:
        """Accept no more, and end when the requests in progress are completed."""
        self._end_after(self.times.requests)

    def hurry(self) -> None:
        """End now: close all connections."""
        self._end_after(timedelta(0))
        self._close_all()

    def on_signal(self) -> None:
        """Begin; the second signal hurries.

        The first one may come after the supervisor's command, because both got it, as by Ctrl-C.
        """
        if self._is_signalled:
            self.hurry()
        else:
            self._is_signalled = True
            self.begin()

    def retire(self) -> None:
        """Accept no more, and have clients leave their connections; then begin.

        A connection that is closed while its client sends the next request would lose that request.
        """
        if self._is_retiring or self._is_begun:
            return
        self._is_retiring = True
        if self.drain.start(self.watch.port):
            self._await_clients(asyncio.get_running_loop().time() + self.times.linger.total_seconds())
        else:
            self.begin()

    def _await_clients(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() >= deadline or not self.watch.open_connections():
            self._end_after(self.times.requests - self.times.linger)
        elif not self._is_begun:
            loop.call_later(_CLIENTS_CHECKED_EVERY, self._await_clients, deadline)

    def _end_after(self, time: timedelta) -> None:
        if self._is_begun:
            return
        self._is_begun = True
        self.stop()
        # A download that its client does not read would keep the process running forever.
        asyncio.get_running_loop().call_later(time.total_seconds(), self._close_all)

    def _close_all(self) -> None:
        for watch in self.watches:
            watch.close_all()


def run_until_stopped(
    app: Any,  # noqa: ANN401  granian's own type
    listening: socket.socket,
    tls: tuple[Path, Path] | None,
    announce: Callable[[], None],
    trusted_proxies: tuple[Network, ...] = (),
    times: StopTimes = _DEFAULT_TIMES,
    link: SupervisorLink | None = None,
    metrics: MetricsListener | None = None,
) -> None:
    """Serve in this process until SIGINT, SIGTERM, or a command or the end of the supervisor behind *link*.

    *metrics* is served beside *app*. Connections over the limits of `ConnectionWatch` are closed; all are
    closed when the time for responses in progress is over. The caller ends the process with `os._exit`,
    because a thread of granian that still runs would abort the interpreter's shutdown.
    """
    connections = raise_file_limit(_CONNECTIONS)
    watch = ConnectionWatch(listening.getsockname()[1], Limits.within(connections), trusted_proxies)
    watches, drain = [watch], Drain()
    if metrics is not None:
        metrics_app, metrics_listening = metrics
        watches.append(_watch_of_metrics(metrics_listening))
        metrics = watches[-1].wrap(metrics_app), metrics_listening

    def ready(stop: Callable[[], None]) -> None:
        stopping = _Stop(stop, watch, watches, drain, times)
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stopping.on_signal)
        if link is not None:
            loop.add_reader(link.fileno(), _obey, loop, link, stopping)
        announce()
        # After the announcement, which may bind this thread, and so those that it starts, to one core.
        for each in watches:
            each.start()

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        try:
            runner.run(serve(watch.wrap(drain.wrap(app)), listening, tls, ready, connections, metrics))
        finally:
            for each in watches:
                each.stop()


def _watch_of_metrics(listening: socket.socket) -> ConnectionWatch:
    limits = Limits.within(_METRICS_CONNECTIONS)
    return ConnectionWatch(listening.getsockname()[1], limits, interval=2.0, is_counted=False)


def _obey(loop: asyncio.AbstractEventLoop, link: SupervisorLink, stopping: _Stop) -> None:
    commands = link.receive()
    if commands is None:
        # Without a supervisor nothing would replace or stop this process, and its port would stay taken.
        loop.remove_reader(link.fileno())
        stopping.begin()
        return
    steps = {Command.STOP: stopping.begin, Command.HURRY: stopping.hurry, Command.RETIRE: stopping.retire}
    for command in commands:
        steps[command]()
