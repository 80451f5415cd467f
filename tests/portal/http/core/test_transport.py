"""Transport security: HSTS, and a single Host header per request."""

import json
from io import StringIO

import pytest

from tests.portal.http.client import Client
from tests.portal.http.world import DANA, World
from tests.portal.http.world import world as make_world

HSTS = "strict-transport-security"


@pytest.mark.parametrize(
    "path", ["/sign-in", "/api/v1/me", "/v3/features/system", "/healthz", "/no/such", "/assets/x"]
)
def test_a_portal_with_an_https_url_sends_hsts_with_every_answer(still_client: Client, path: str) -> None:
    assert still_client.get(path).header(HSTS) == "max-age=63072000"


@pytest.mark.parametrize(
    "public_url",
    [
        "http://127.0.0.1:8443",
        "https://localhost:8443",
        "https://127.0.0.1",
        "https://[::1]:1",
        "http://portal.test",
    ],
)
def test_a_portal_on_loopback_or_without_tls_sends_no_hsts(sqlite_url: str, public_url: str) -> None:
    with make_world(sqlite_url, stated_public_url=public_url) as world:
        assert world.client().get("/sign-in").header(HSTS) is None


@pytest.mark.parametrize("second", ["portal.example.com", "evil.example"])
@pytest.mark.parametrize("path", ["/api/v1/me", "/v3/features/system", "/sign-in", "/no/such"])
def test_a_request_with_two_host_headers_is_refused_and_logged(
    still_world: World, still_client: Client, log: StringIO, path: str, second: str
) -> None:
    began = len(log.getvalue())
    answer = still_client.get(
        path,
        still_world.tokens[DANA],
        headers=[("Host", "portal.example.com"), ("Host", second)],
    )
    (line,) = [json.loads(text) for text in log.getvalue()[began:].splitlines()]

    fields = {
        "status": 400,
        "code": "invalid_request",
        "request_id": answer.header("x-request-id"),
    }
    reason = "The request has more than one Host header. Send one."
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json == {**fields, "type": "about:blank", "title": "Bad Request", "detail": reason}
    assert line | {**fields, "path": path, "reason": reason} == line
