"""The limits of urllib3 and joserfc because of which the portal does these things itself.

Where such a test fails with a new version, the code that decision 0080 explains may not be needed any more.
"""

import socket
import warnings

import pytest
import urllib3
from joserfc.errors import SecurityWarning
from joserfc.jws import JWSRegistry

ANSWER = b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 40_000 + b"\r\nContent-Length: 0\r\n\r\n"


class _RecordedSocket(socket.socket):
    """A socket that records when it receives and when its timeout is set."""

    def record_in(self, calls: list[str]) -> None:
        self._calls = calls

    def settimeout(self, value: float | None, /) -> None:
        self._calls.append("timeout")
        super().settimeout(value)

    def recv_into(self, *arguments: object) -> int:
        self._calls.append("receive")
        return super().recv_into(*arguments)  # type: ignore[arg-type]  # those of `socket.recv_into`


def test_urllib3_gives_each_received_piece_of_the_headers_the_whole_time_again() -> None:
    calls: list[str] = []
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(ANSWER))
    theirs.sendall(ANSWER)
    recorded = _RecordedSocket(fileno=ours.detach())
    recorded.record_in(calls)

    class Connection(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            self.sock = recorded

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    with theirs, Pool("idp.example.com", retries=False) as pool:
        answer = pool.request("GET", "/", timeout=urllib3.Timeout(total=5), redirect=False)

    assert answer.status == 200
    first, last = calls.index("receive"), len(calls) - 1 - calls[::-1].index("receive")
    received = calls[first : last + 1]
    assert len(received) > 2
    assert "timeout" not in received


def test_joserfc_warns_of_the_name_by_which_providers_call_ed25519() -> None:
    registry = JWSRegistry(algorithms=["EdDSA"])

    with warnings.catch_warnings(), pytest.raises(SecurityWarning, match="EdDSA is deprecated"):
        warnings.simplefilter("error")
        registry.get_alg("EdDSA")
