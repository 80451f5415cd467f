"""A plain HTTP client, for requests that AWS libraries cannot send."""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from daypass.sandbox.process import SandboxProcess


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. Redirects are not followed."""

    status: int
    headers: http.client.HTTPMessage
    text: str


def ask(
    sandbox: SandboxProcess, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Send one request unchanged and return the response."""
    address = urlsplit(sandbox.endpoint_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
    finally:
        connection.close()
