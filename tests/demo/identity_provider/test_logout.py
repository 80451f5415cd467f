"""Logout at the provider: by the relying party, by the person, and the logout token that follows."""

from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlencode

import pytest

from tests.demo.identity_provider.relying_party import (
    DANA,
    ID,
    ISSUER,
    NOOR,
    SIGNED_OUT,
    MovedClock,
    RelyingParty,
    answered,
    settings,
)


class LogoutEndpoint(BaseHTTPRequestHandler):
    """The client's endpoint for logout tokens; it keeps what it gets."""

    received: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.received.append((self.headers["Content-Type"], body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@pytest.fixture
def received() -> list[tuple[str, str]]:
    """Content types and bodies of the requests to the logout endpoint."""
    return []


@pytest.fixture
def client(key_folder: Path, received: list[tuple[str, str]]) -> Iterator[RelyingParty]:
    """A relying party with an endpoint for logout tokens."""
    handler = type("Handler", (LogoutEndpoint,), {"received": received})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/logout"
            clock = MovedClock(datetime(2026, 12, 1, 9, tzinfo=UTC))
            yield RelyingParty(settings(key_folder, address), clock)
        finally:
            server.shutdown()
            thread.join()


def token_of(request: tuple[str, str]) -> str:
    """Return the logout token of a request."""
    content_type, body = request
    assert content_type == "application/x-www-form-urlencoded"
    fields = parse_qs(body)
    assert fields.keys() == {"logout_token"}
    return fields["logout_token"][0]


def logout(**changes: str | None) -> str:
    """Return the address of a logout request."""
    values = {"client_id": ID, "post_logout_redirect_uri": SIGNED_OUT, "state": "the state", **changes}
    return "/logout?" + urlencode({name: value for name, value in values.items() if value is not None})


def test_a_logout_token_has_the_shape_that_the_specification_demands(
    client: RelyingParty, received: list[tuple[str, str]]
) -> None:
    sid = client.sign_in(DANA)["sid"]
    client.browse("POST", "/logout")

    (request,) = received
    header, claims = client.verified(token_of(request))
    now = int(client.clock.now.timestamp())
    assert (header["typ"], header["alg"]) == ("logout+jwt", "RS256")
    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "iss": ISSUER,
        "aud": ID,
        "sub": DANA.subject,
        "sid": sid,
        "iat": now,
        "exp": now + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }


def test_logout_ends_the_session_its_codes_and_its_access_tokens(client: RelyingParty) -> None:
    first, second = client.choose(DANA)["code"], answered(client.browse("GET", client.request()))["code"]
    bearer = "Authorization", f"Bearer {client.tokens(first)['access_token']}"

    client.browse("POST", "/logout")

    assert client.exchange(second).json["error"] == "invalid_grant"
    assert client.call("GET", "/userinfo", None, bearer).status == 401
    assert client.browse("GET", client.request()).status == 200


def test_an_id_token_of_the_session_logs_out_without_a_question(
    client: RelyingParty, received: list[tuple[str, str]]
) -> None:
    id_token = client.tokens(client.choose(DANA)["code"])["id_token"]
    # An expired ID token still names the session.
    client.clock.move(hours=1)

    answer = client.browse("GET", logout(id_token_hint=id_token))

    assert (answer.status, answer.header("location")) == (303, f"{SIGNED_OUT}?state=the+state")
    assert len(received) == 1


def test_without_an_id_token_the_person_is_asked(
    client: RelyingParty, received: list[tuple[str, str]]
) -> None:
    client.sign_in(DANA)

    page = client.browse("GET", logout())
    assert page.status == 200
    assert "Sign out?" in page.body.decode()
    assert received == []

    answer = client.browse("POST", logout())
    assert (answer.status, answer.header("location")) == (303, f"{SIGNED_OUT}?state=the+state")
    assert len(received) == 1


def test_a_token_of_another_session_or_a_logout_token_is_no_hint(
    client: RelyingParty, received: list[tuple[str, str]]
) -> None:
    other = client.tokens(client.choose(DANA)["code"])["id_token"]
    client.browse("POST", "/logout")
    sid = client.sign_in(DANA)["sid"]

    for hint in (other, token_of(received[0]), "no token", f"{other}x"):
        assert client.browse("GET", logout(id_token_hint=hint)).status == 200
    assert client.sign_in(DANA, prompt="login")["sid"] == sid


@pytest.mark.parametrize(
    "changes",
    [{"post_logout_redirect_uri": "https://attacker.example.com"}, {"client_id": "another"}],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unregistered_address_after_logout_is_refused(
    client: RelyingParty, method: str, changes: dict[str, str | None]
) -> None:
    client.sign_in(DANA)

    answer = client.browse(method, logout(**changes))

    assert (answer.status, answer.header("location")) == (400, None)
    assert client.browse("GET", client.request()).status == 303


def test_a_form_of_another_site_does_not_log_out(client: RelyingParty) -> None:
    client.sign_in(DANA)

    assert client.browse("POST", logout(), Origin="https://attacker.example.com").status == 400
    assert client.browse("GET", client.request()).status == 303


def test_without_a_session_logout_redirects_at_once(
    client: RelyingParty, received: list[tuple[str, str]]
) -> None:
    answer = client.browse("GET", logout(state=None))

    assert (answer.status, answer.header("location")) == (303, SIGNED_OUT)
    assert received == []


def test_the_session_of_the_person_before_ends_when_another_signs_in(
    client: RelyingParty, received: list[tuple[str, str]]
) -> None:
    sid = client.sign_in(DANA)["sid"]

    client.sign_in(NOOR, prompt="login")

    (request,) = received
    assert client.verified(token_of(request))[1]["sid"] == sid


def test_the_page_without_a_request_shows_the_session(client: RelyingParty) -> None:
    assert "You have no session here" in client.browse("GET", "/").body.decode()
    client.sign_in(DANA)
    assert "dana@example.com" in client.browse("GET", "/").body.decode()


def test_an_unreachable_logout_endpoint_does_not_stop_the_logout(
    rp: RelyingParty, capsys: pytest.CaptureFixture[str]
) -> None:
    rp.sign_in(DANA)

    assert rp.browse("POST", "/logout").status == 200
    assert "back-channel logout of dana@example.com: failed" in capsys.readouterr().out
    assert rp.browse("GET", rp.request()).status == 200
