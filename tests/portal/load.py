"""Clients that send requests to a portal in a loop, over HTTP/1.1 and HTTP/2, and keep what failed."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException

from hpack import Decoder, Encoder
from hyperframe.frame import (
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from tests.portal.processes import PATIENCE, Serving

_ERRORS = (OSError, HTTPException)


@dataclass(slots=True)
class Load:
    """The requests of all clients; `failed` has the time of sending and the reason of each failed one."""

    failed: list[tuple[float, str]] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    """The number of answered requests of each client."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def repeat(self, number: int, ask: Callable[[], int], pause: float) -> None:
        """Send requests until `under_load` ends."""
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                status = ask()
            except _ERRORS as error:
                self.failed.append((began, repr(error)))
                continue
            if status == 200:
                self.answered[number] += 1
            else:
                self.failed.append((began, str(status)))

    def counts(self) -> Sequence[int]:
        """Return the present number of answered requests of each client."""
        return list(self.answered)


@contextmanager
def under_load(asks: Sequence[tuple[Callable[[], int], float]]) -> Iterator[Load]:
    """Have each function send its requests in a thread, with its pause in seconds between them."""
    load = Load(answered=[0] * len(asks))
    threads = [
        threading.Thread(target=load.repeat, args=(number, ask, pause))
        for number, (ask, pause) in enumerate(asks)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load._stop.set()
        for thread in threads:
            thread.join()


def on_new_connections(serving: Serving, path: str, token: str | None = None) -> Callable[[], int]:
    """Return a client that opens a connection for each request."""
    return lambda: serving.ask("GET", path, token)[0]


def on_a_kept_connection(serving: Serving, path: str, stack: ExitStack) -> Callable[[], int]:
    """Return a client that keeps its connection until a response says that it closes."""
    connection = serving.connection()
    stack.callback(connection.close)

    def ask() -> int:
        # The library connects again by itself after a response with `Connection: close`.
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status

    return ask


class Http2Client:
    """A client that sends one request at a time, and leaves a connection after GOAWAY."""

    def __init__(self, serving: Serving, path: str, trust: ssl.SSLContext) -> None:
        """Ask for *path*; *trust* is this client's own, which it makes prefer HTTP/2."""
        self._serving = serving
        self._trust = trust
        self._trust.set_alpn_protocols(["h2", "http/1.1"])
        self._head = [(":method", "GET"), (":path", path), (":authority", "localhost"), (":scheme", "https")]
        self._socket: socket.socket | None = None
        self._received = b""
        self._next_stream = 1
        self._last_stream: int | None = None
        """The last stream that the server will serve, once it has sent GOAWAY."""
        self._encoder, self._decoder = Encoder(), Decoder()

    def ask(self) -> int:
        """Return the status of a response; a request that GOAWAY leaves out is sent again (RFC 9113, 6.8)."""
        while True:
            if self._socket is None:
                self._connect()
            # A GOAWAY since the last response is read before a new stream is begun.
            self._read(0.001)
            if self._last_stream is None and self._socket is not None:
                status = self._exchange()
                if status is not None:
                    return status
            self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self._serving.port), PATIENCE)
        self._socket = self._trust.wrap_socket(plain, server_hostname="localhost")
        self._received, self._next_stream, self._last_stream = b"", 1, None
        self._encoder, self._decoder = Encoder(), Decoder()
        window = WindowUpdateFrame(0, 2**30).serialize()
        self._socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize() + window)

    def _exchange(self) -> int | None:
        assert self._socket is not None
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        head = self._encoder.encode(self._head)
        request = HeadersFrame(stream, head, flags=["END_HEADERS", "END_STREAM"])
        self._socket.sendall(request.serialize())
        status = 0
        while True:
            for frame in self._read(PATIENCE):
                if isinstance(frame, HeadersFrame):
                    status = int(dict(self._decoder.decode(frame.data, raw=True))[b":status"])
                if frame.stream_id == stream and "END_STREAM" in frame.flags:
                    return status
            if self._last_stream is not None and stream > self._last_stream:
                return None
            if self._socket is None:
                raise ConnectionResetError("the connection ended without a response")

    def _read(self, timeout: float) -> Sequence[Frame]:
        """Return the frames that arrive within the time; closes the connection at its end."""
        assert self._socket is not None
        self._socket.settimeout(timeout)
        try:
            received = self._socket.recv(65536)
        except TimeoutError:
            return []
        if not received:
            self.close()
            return []
        self._socket.settimeout(PATIENCE)
        self._received += received
        frames = []
        while len(self._received) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(self._received[:9]))
            if len(self._received) < 9 + length:
                break
            frame.parse_body(memoryview(self._received[9 : 9 + length]))
            self._received = self._received[9 + length :]
            frames.append(frame)
            self._answer(frame)
        return frames

    def _answer(self, frame: Frame) -> None:
        assert self._socket is not None
        if isinstance(frame, GoAwayFrame):
            self._last_stream = frame.last_stream_id
        elif isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            self._socket.sendall(SettingsFrame(0, flags=["ACK"]).serialize())
        elif isinstance(frame, PingFrame) and "ACK" not in frame.flags:
            self._socket.sendall(PingFrame(0, frame.opaque_data, flags=["ACK"]).serialize())
