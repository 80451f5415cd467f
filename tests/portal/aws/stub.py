"""A scripted AWS on loopback that records the requests it gets."""

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs

Script = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, body: bytes, content_type: str = "text/xml") -> Script:
    """Return a script that sends this response."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return script


def error(status: int, code: str, message: str = "No.") -> Script:
    """Return a script that sends an error of AWS's query protocol."""
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{message}</Message></Error><RequestId>x</RequestId></ErrorResponse>"
    )
    return answer(status, body.encode())


def session(holder: str = "{asked}", **changed: str) -> Script:
    """Return a script that sends keys; *changed* replaces elements, and an empty text omits one.

    The keys belong to *holder*, by default the requested session.
    """
    elements = {
        "AccessKeyId": "ASIAEXAMPLEEXAMPLE12",
        "SecretAccessKey": "SECRET-KEY-CANARY",
        "SessionToken": "SESSION-TOKEN-CANARY",
        "Expiration": "2026-11-24T13:00:00Z",
    } | changed
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in elements.items() if text)

    def script(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.asked  # type: ignore[attr-defined]  # a stub's handler
        account, _, role = asked["RoleArn"].replace(":iam:", ":sts:").partition(":role/")
        arn = f"{account}:assumed-role/{role.rpartition('/')[2]}/{asked['RoleSessionName']}"
        body = (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
            f"<AssumedRoleUser><Arn>{holder.format(asked=arn)}</Arn></AssumedRoleUser>"
            f"<Credentials>{inside}</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        answer(200, body.encode())(handler)

    return script


def identity(arn: str = "arn:aws:iam::123456789012:user/portal") -> Script:
    """Return a script that sends the response of GetCallerIdentity."""
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<GetCallerIdentityResult><Arn>{arn}</Arn><Account>123456789012</Account></GetCallerIdentityResult>"
        "</GetCallerIdentityResponse>"
    )
    return answer(200, body.encode())


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Reset the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors of connections that a script has reset on purpose."""


class StubAws:
    """A server that plays its scripts in turn, and repeats the last one."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.scripts: list[Script] = [identity()]
        self.requests: list[dict[str, str]] = []
        self.bodies: list[str] = []
        self.stopped = Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                stub.bodies.append(body)
                stub.requests.append({name: values[0] for name, values in parse_qs(body).items()})
                self.asked = stub.requests[-1]
                script = stub.scripts.pop(0) if len(stub.scripts) > 1 else stub.scripts[0]
                script(self)

            def log_message(self, *_: object) -> None:
                """Suppress the server's log."""

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        """The listening port."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def play(self, *scripts: Script) -> None:
        """Forget the recorded requests, and respond with these scripts from now on."""
        self.scripts = list(scripts)
        self.requests.clear()
        self.bodies.clear()

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Keep the connection open without a response until the test is over."""
        self.stopped.wait(30)
        handler.close_connection = True

    def late(self, script: Script) -> Script:
        """Return a script that begins three seconds late: after a short deadline, within one read timeout."""

        def wait(handler: BaseHTTPRequestHandler) -> None:
            self.stopped.wait(3)
            with suppress(OSError):
                script(handler)

        return wait

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """Send a complete but invalid response, byte by byte, which takes half a minute."""
        handler.send_response(200)
        handler.send_header("Content-Length", "600")
        handler.end_headers()
        with suppress(OSError):
            for _ in range(600):
                if self.stopped.wait(0.05):
                    return
                handler.wfile.write(b"<")

    def stop(self) -> None:
        """Stop the server."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class FakeTiming:
    """A clock that advances only during sleep."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        """Return the current time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.waits.append(seconds)
        self.now += seconds
