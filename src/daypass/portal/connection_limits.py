"""Limits on TCP connections that the HTTP server has no settings for: idle time, slowness, and number.

The server accepts connections itself. This watch runs in the same process, reads the kernel's statistics of
each accepted connection (TCP_INFO), and shuts down those over a limit; the server then sees them end.
No byte of a request passes through it.
"""

import errno
import os
import resource
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import structlog

from daypass.portal.config.model import Network
from daypass.portal.telemetry.error_events import FailureLog
from daypass.portal.telemetry.metrics import HTTP_CONNECTIONS

_FDS = Path("/proc/self/fd")
_RESERVED_FILES = 512
"""File descriptors reserved for the database, AWS and files."""
_MOST_FILES = 65_536

# linux/tcp.h: 8 bytes, then 24 numbers of 32 bits.
_TCP_INFO = struct.Struct("=8x24I")
_LAST_DATA_SENT, _LAST_DATA_RECEIVED = 9, 11

_Peer = tuple[str, int]

_log = structlog.get_logger("portal.connections")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits beyond which a connection without a request in progress is closed; times in seconds."""

    connections: int
    """The most connections of all addresses. From three quarters of it on, quiet connections are closed."""
    per_address: int
    """The most connections of one client address; beyond it, its quiet ones are closed. Trusted proxies are
    exempt."""
    unanswered: float = 10.0
    """The time from accept to the first response, which limits slow headers (slowloris) and incomplete TLS
    handshakes."""
    idle: float = 120.0
    """The time without a byte in either direction."""
    quiet: float = 1.0
    """A connection counts as quiet this long after its last request, or after the accept."""

    @classmethod
    def within(cls, connections: int) -> "Limits":
        """Return the limits for a server that accepts that many connections."""
        return cls(connections, max(1, connections // 4))


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """The state of one connection, by the kernel and the server."""

    key: int
    """The socket's inode, which no other open socket has."""
    peer: _Peer
    accepted_at: float
    has_answered: bool
    unused_for: float
    """Seconds since its last request ended, or since the accept."""
    idle_for: float
    """Seconds since the last byte in either direction."""
    is_busy: bool
    """Whether one of its requests is being handled."""


def overdue(seen: ConnectionState, limits: Limits, now: float) -> bool:
    """Return whether the connection has passed one of its deadlines."""
    if seen.is_busy:
        return False
    is_late = not seen.has_answered and now - seen.accepted_at >= limits.unanswered
    return is_late or seen.idle_for >= limits.idle


def surplus(
    every: list[ConnectionState], limits: Limits, is_exempt: Callable[[str], bool]
) -> list[ConnectionState]:
    """Return the quiet connections beyond the limits: unanswered ones first, and of those the oldest.

    Those beyond the limit of their address come before others are closed for the limit of all together.
    """
    per_address = Counter(seen.peer[0] for seen in every)
    total, most = len(every), limits.connections * 3 // 4
    if total <= most and max(per_address.values(), default=0) <= limits.per_address:
        return []
    # Received bytes do not prove use: a client can send pings, or its header byte by byte, without end.
    quiet = [seen for seen in every if not seen.is_busy and seen.unused_for >= limits.quiet]
    closed, others = [], []
    for seen in sorted(quiet, key=lambda seen: (seen.has_answered, seen.accepted_at)):
        address = seen.peer[0]
        if per_address[address] > limits.per_address and not is_exempt(address):
            closed.append(seen)
            per_address[address] -= 1
        else:
            others.append(seen)
    return closed + others[: max(0, total - len(closed) - most)]


@dataclass(slots=True)
class ConnectionWatch:
    """Closes connections to one listening port of this process that are over a limit."""

    port: int
    limits: Limits
    trusted_proxies: tuple[Network, ...] = ()
    monotonic: Callable[[], float] = time.monotonic
    interval: float = 0.5
    is_counted: bool = True
    """Whether the connections are those of the metric `daypass_http_connections`."""
    _busy: dict[_Peer, int] = field(default_factory=dict)
    _used_at: dict[_Peer, float] = field(default_factory=dict)
    """The time at which the last request of each connection ended."""
    _accepted_at: dict[int, float] = field(default_factory=dict)
    _others: set[int] = field(default_factory=set)
    """Sockets that are not connections to this port."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def wrap(self, app: Any) -> Any:  # noqa: ANN401  the server's own type
        """Return an ASGI application that registers which connections have a request in progress."""
        if not is_supported():
            # Nothing would remove the entries of connections that have ended.
            return app
        busy, used_at = self._busy, self._used_at

        async def counted(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  the server's own types
            client = scope.get("client")
            if client is None:
                await app(scope, receive, send)
                return
            # granian gives the port as a string.
            peer = client[0], int(client[1])
            # HTTP/2 carries several requests at a time.
            busy[peer] = busy.get(peer, 0) + 1
            try:
                await app(scope, receive, send)
            finally:
                used_at[peer] = self.monotonic()
                left = busy.pop(peer) - 1
                if left:
                    busy[peer] = left

        return counted

    def start(self) -> None:
        """Watch in a background thread, on systems with TCP_INFO (Linux)."""
        if not is_supported():
            _log.warning("Silent connections are not closed here: this system has no TCP_INFO.")
            return
        self._thread = threading.Thread(target=self._run, name="connection-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def close_surplus(self) -> int:
        """Close the connections that are over a limit; return their number."""
        now = self.monotonic()
        every = list(self._connections(now))
        late = [seen for seen in every if overdue(seen, self.limits, now)]
        gone = {seen.key for seen in late}
        rest = [seen for seen in every if seen.key not in gone]
        late += surplus(rest, self.limits, self._is_exempt)
        _shut_down({seen.key for seen in late})
        return len(late)

    def open_connections(self) -> int:
        """Return the number of open connections; 0 on systems where they are not known."""
        return sum(1 for _ in self._connections(self.monotonic())) if is_supported() else 0

    def close_all(self) -> None:
        """Close every connection, even one with a request in progress."""
        if is_supported():
            _shut_down({seen.key for seen in self._connections(self.monotonic())})

    def _run(self) -> None:
        failures = FailureLog("connection limits")
        while not self._stop.wait(self.interval):
            try:
                closed = self.close_surplus()
                if self.is_counted:
                    HTTP_CONNECTIONS.set(len(self._accepted_at) - closed)
            except Exception as error:  # the next pass may succeed; ending the thread would lift the limits
                failures.failed(error)
                continue
            failures.succeeded()
            if closed:
                _log.warning("connections", closed=closed, left=len(self._accepted_at) - closed)

    def _connections(self, now: float) -> Iterator[ConnectionState]:
        # The event loop changes both while this thread reads them.
        used_at, busy, found = self._used_at.copy(), self._busy.copy(), {}
        gone, others = set(used_at), set()
        for key, fd in _sockets():
            # Remembered, because the answer is the same as long as the inode is.
            if key in self._others:
                others.add(key)
                continue
            with suppress(OSError), _DuplicateSocket(fd) as (same_key, connection):
                # The descriptor was closed and reused since it was listed.
                if same_key != key:
                    continue
                peer = self._peer(connection)
                if peer is None:
                    others.add(key)
                    continue
                gone.discard(peer)
                accepted_at = found[key] = self._accepted_at.get(key, now)
                unused_for = now - max(accepted_at, used_at.get(peer, accepted_at))
                yield ConnectionState(
                    key=key,
                    peer=peer,
                    accepted_at=accepted_at,
                    # Not by the bytes that the client acknowledged, which include a TLS handshake's.
                    has_answered=peer in used_at,
                    unused_for=unused_for,
                    idle_for=_idle_for(connection),
                    is_busy=peer in busy,
                )
        for peer in gone:
            self._used_at.pop(peer, None)
        self._accepted_at, self._others = found, others

    def _peer(self, connection: socket.socket) -> _Peer | None:
        """Return the client's address and port, or None for a socket that is not a connection to our port."""
        if (
            connection.family not in {socket.AF_INET, socket.AF_INET6}
            or connection.type != socket.SOCK_STREAM
        ):
            return None
        if connection.getsockname()[1] != self.port:
            return None
        try:
            host, port = connection.getpeername()[:2]
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                return None
            raise
        # The server leaves the zone of a link-local address out.
        return host.partition("%")[0], port

    def _is_exempt(self, address: str) -> bool:
        return bool(self.trusted_proxies) and _is_within(address, self.trusted_proxies)


def is_supported() -> bool:
    """Return whether this system has what the watch needs."""
    return hasattr(socket, "TCP_INFO") and _FDS.is_dir()


def listening_descriptors(port: int) -> list[int]:
    """Return the descriptors of this process's sockets that listen on that port."""
    found = []
    for key, fd in _sockets():
        with suppress(OSError), _DuplicateSocket(fd) as (same_key, listening):
            is_tcp = listening.family in {socket.AF_INET, socket.AF_INET6}
            if (
                same_key == key
                and is_tcp
                and listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                and listening.getsockname()[1] == port
            ):
                found.append(fd)
    return found


def raise_file_limit(wanted: int) -> int:
    """Raise the limit of open files as far as allowed; return how many connections that permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(_MOST_FILES, hard) if hard != resource.RLIM_INFINITY else _MOST_FILES
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(64, min(wanted, soft - _RESERVED_FILES))


def _sockets() -> Iterator[tuple[int, int]]:
    """Yield inode and descriptor of each open socket; another thread may close any of them."""
    for name in os.listdir(_FDS):  # noqa: PTH208  a Path for each of thousands costs several times the call
        with suppress(OSError):
            target = os.readlink(f"{_FDS}/{name}")  # noqa: PTH115  the same
            if target.startswith("socket:["):
                yield int(target[8:-1]), int(name)


class _DuplicateSocket:
    """A duplicate of a descriptor that another thread may close at any time, with the inode it refers to."""

    def __init__(self, fd: int) -> None:
        # A duplicate keeps referring to the same socket, even if the descriptor is closed and reused.
        self._socket = socket.socket(fileno=os.dup(fd))

    def __enter__(self) -> tuple[int, socket.socket]:
        return os.fstat(self._socket.fileno()).st_ino, self._socket

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _idle_for(connection: socket.socket) -> float:
    """Return the seconds since the last byte in either direction."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    if len(info) < _TCP_INFO.size:
        raise OSError(errno.ENOTSUP, "this kernel's TCP_INFO has no times")
    numbers = _TCP_INFO.unpack(info)
    # The kernel counts milliseconds.
    milliseconds: int = min(numbers[_LAST_DATA_RECEIVED], numbers[_LAST_DATA_SENT])
    return milliseconds / 1000


def _shut_down(keys: set[int]) -> None:
    if not keys:
        return
    # Listed again, because descriptors may have been closed and reused since the connections were read.
    for key, fd in _sockets():
        if key in keys:
            with suppress(OSError), _DuplicateSocket(fd) as (same_key, connection):
                if same_key == key:
                    connection.shutdown(socket.SHUT_RDWR)


@lru_cache(maxsize=1024)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(parsed in network for network in networks)
