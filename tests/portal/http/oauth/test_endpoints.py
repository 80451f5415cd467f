"""The command line's sign-in over HTTP: the endpoints for clients, and the consent page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import func, select

from daypass.portal.audit.event import OPERATOR
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.schema.identity import api_tokens
from tests.portal.http.client import PEER, Answer, Client
from tests.portal.http.world import ADMIN, DANA, PUBLIC_URL, World
from tests.portal.identity.oauth.conftest import CHALLENGE, VERIFIER

LISTENER = "http://127.0.0.1:54321/cb/0123456789abcdef"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
PUSHED = {
    "client_id": "daypass-cli",
    "response_type": "code",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "s" * 22,
    "redirect_uri": LISTENER,
    "scope": "tenants",
    "device": "danas-laptop",
    "tenant": "dev01",
    "version": "0.1.0",
}
SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Browser:
    """A signed-in browser of a user."""

    world: World
    username: str = DANA
    peer: str = PEER
    signed_in_for: timedelta = timedelta()
    cookie: str = field(init=False)

    def __post_init__(self) -> None:
        user, identity = self.world.users[self.username], self.world.identity
        ends_at = self.world.clock() + timedelta(hours=12)
        sign_in = identity.new_token(user, TokenKind.BROWSER, "", expires_at=ends_at, grant_ends_at=ends_at)
        self.cookie = identity.add_token(sign_in, user, OPERATOR).reveal()
        self.world.clock.move(self.signed_in_for)

    def get(self, request_uri: str, client_id: str = "daypass-cli") -> Answer:
        """Open the consent page."""
        query = urlencode({"client_id": client_id, "request_uri": request_uri})
        return self.world.client(self.peer).get("/oauth/authorize", headers=self._headers(), query=query)

    def look(self, request_uri: str) -> Mapping[str, str]:
        """Keep the consent page open for a second, and return the fields of its form."""
        answer = self.get(request_uri)
        assert answer.status == 200, answer.body
        self.world.clock.move(SECOND)
        return dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.body.decode()))

    def post(self, form: Mapping[str, str], *more: tuple[str, str]) -> Answer:
        """Submit the form of the consent page."""
        own = (("Origin", PUBLIC_URL), ("Sec-Fetch-Site", "same-origin"))
        headers = self._headers(*(more or own))
        client = self.world.client(self.peer)
        return client.send("POST", "/oauth/authorize", headers=headers, body=urlencode(form).encode())

    def authorize(self, request_uri: str, **changed: str) -> Answer:
        """Authorize the request, by script."""
        return self.post({**self.look(request_uri), "answer": "authorize", "by": "script", **changed})

    def _headers(self, *more: tuple[str, str]) -> list[tuple[str, str]]:
        return [("Cookie", f"{SESSION}={self.cookie}"), ("Accept", "text/html"), FORM, *more]


def send(client: Client, path: str, **fields: str) -> Answer:
    return client.send("POST", path, headers=[FORM], body=urlencode(fields).encode())


def pushed(world: World, **changed: str) -> str:
    answer = send(world.client(), "/oauth/par", **{**PUSHED, **changed})
    assert answer.status == 201, answer.body
    return str(answer.json["request_uri"])


def code_of(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    redirect = str(answer.json["redirect"])
    return parse_qs(urlsplit(redirect).query)["code"][0]


def redeem(world: World, code: str, **changed: str) -> Answer:
    fields = {
        "grant_type": "authorization_code",
        "client_id": "daypass-cli",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": LISTENER,
    }
    return send(world.client(), "/oauth/token", **{**fields, **changed})


def tokens_made(world: World) -> int:
    with world.database.reading() as connection:
        kinds = api_tokens.c.kind.in_(["cli", "refresh"])
        return connection.scalar(select(func.count()).select_from(api_tokens).where(kinds)) or 0


def test_a_command_line_signs_in_works_refreshes_and_is_signed_out(world: World) -> None:
    client, browser = world.client(), Browser(world)
    answer = browser.authorize(pushed(world))

    to = urlsplit(answer.json["redirect"])
    query = parse_qs(to.query, strict_parsing=True)
    assert f"{to.scheme}://{to.netloc}{to.path}" == LISTENER
    assert (query["state"], query["iss"]) == ([PUSHED["state"]], [PUBLIC_URL])

    given = redeem(world, query["code"][0])
    assert (given.status, given.header("cache-control")) == (200, "no-store")
    assert (given.json["expires_in"], given.json["refresh_expires_in"]) == (3600, 43200)
    assert (given.json["scope"], given.json["username"]) == ("tenants", DANA)
    me = client.get("/api/v1/me", given.json["access_token"]).json
    assert (me["user"]["username"], me["token"]["kind"], me["token"]["name"]) == (DANA, "cli", "danas-laptop")
    assert client.post("/api/v1/sessions", given.json["access_token"], {"tenant": "dev01"}).status == 201

    renewed = send(
        client, "/oauth/token", grant_type="refresh_token", refresh_token=given.json["refresh_token"]
    )
    assert renewed.status == 200
    assert renewed.json["sign_in_id"] == given.json["sign_in_id"]

    assert send(client, "/oauth/revoke", token=renewed.json["refresh_token"]).status == 200
    assert client.get("/api/v1/me", renewed.json["access_token"]).status == 401


def test_the_server_metadata_lists_the_endpoints(still_client: Client) -> None:
    described = still_client.get("/.well-known/oauth-authorization-server").json

    assert described["issuer"] == PUBLIC_URL
    assert described["code_challenge_methods_supported"] == ["S256"]
    assert described["require_pushed_authorization_requests"] is True
    assert described["pushed_authorization_request_endpoint"] == f"{PUBLIC_URL}/oauth/par"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "tenants root"}, "invalid_scope"),
        ({"client_id": ""}, "invalid_client"),
        ({"redirect_uri": "https://evil.example/cb/0123456789abcdef"}, "invalid_request"),
        ({"redirect_uri": "http://localhost:54321/cb/0123456789abcdef"}, "invalid_request"),
        ({"device": "x" * 100}, "invalid_request"),
    ],
)
def test_an_invalid_pushed_request_gets_the_protocol_s_error(
    still_client: Client, changed: dict[str, str], error: str
) -> None:
    answer = send(still_client, "/oauth/par", **{**PUSHED, **changed})

    assert (answer.status, answer.json["error"]) == (400, error)
    assert answer.json["error_description"]


def test_a_repeated_parameter_is_refused(still_client: Client) -> None:
    body = urlencode([*PUSHED.items(), ("redirect_uri", LISTENER)]).encode()

    answer = still_client.send("POST", "/oauth/par", headers=[FORM], body=body)

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff=1"])
@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token"])
def test_a_body_that_is_not_a_form_is_refused(still_client: Client, path: str, body: bytes) -> None:
    answer = still_client.send("POST", path, headers=[FORM], body=body)
    as_json = still_client.post(path, None, {"grant_type": "refresh_token"})

    assert (answer.status, as_json.status) == (400, 400)
    assert "error" in as_json.json


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "nonsense"}, "invalid_grant"),
    ],
)
def test_an_invalid_token_request_gets_the_protocol_s_error(
    still_client: Client, fields: dict[str, str], error: str
) -> None:
    answer = send(still_client, "/oauth/token", **fields)

    assert (answer.status, answer.json["error"]) == (400, error)


def test_an_intercepted_code_is_useless_without_the_verifier_and_is_invalidated(quick_world: World) -> None:
    code = code_of(Browser(quick_world).authorize(pushed(quick_world)))

    stolen = redeem(quick_world, code, code_verifier="x" * 43)
    late = redeem(quick_world, code)

    assert (stolen.status, late.status) == (400, 400)
    assert tokens_made(quick_world) == 0


def test_a_signed_out_user_returns_to_the_consent_page_after_the_sign_in(
    still_world: World, still_client: Client
) -> None:
    uri = pushed(still_world)
    query = urlencode({"client_id": "daypass-cli", "request_uri": uri})

    answer = still_client.get("/oauth/authorize", headers=[("Accept", "text/html")], query=query)

    assert answer.status == 303
    to = urlsplit(answer.header("location") or "")
    assert to.path == "/sign-in"
    assert parse_qs(to.query)["next"] == [f"/oauth/authorize?{query}"]


def test_the_consent_page_shows_application_access_and_origin(quick_world: World) -> None:
    answer = send(quick_world.client(), "/oauth/par", **PUSHED).json
    page = Browser(quick_world).get(answer["request_uri"]).body.decode()

    for shown in (DANA, "danas-laptop", "dev01", PEER, "127.0.0.1:54321", answer["match_code"], "12 h"):
        assert shown in page
    assert "Unrecognised" not in page
    assert "another address" not in page


def test_a_request_from_another_address_is_marked(quick_world: World) -> None:
    page = Browser(quick_world, peer="198.51.100.9").get(pushed(quick_world)).body.decode()

    assert "The request came from another address" in page
    assert PEER in page
    assert "198.51.100.9" in page


def test_an_unknown_application_is_marked_and_truncated(quick_world: World) -> None:
    uri = pushed(quick_world, client_id="x" * 64, device="<b>bold</b>")

    page = Browser(quick_world).get(uri, client_id="x" * 64).body.decode()

    assert "Unrecognised application" in page
    assert "x" * 32 in page
    assert "x" * 33 not in page
    assert "<b>bold" not in page


def test_a_request_is_not_shown_under_another_application_s_name(quick_world: World) -> None:
    uri = pushed(quick_world, client_id="another")

    assert Browser(quick_world).get(uri).status == 410


@pytest.mark.parametrize(
    "uri", ["", "urn:ietf:params:oauth:request_uri:" + "0" * 32, "https://evil.example/"]
)
def test_a_request_that_was_never_pushed_is_expired(quick_world: World, uri: str) -> None:
    answer = Browser(quick_world).get(uri)

    assert answer.status == 410
    assert b"Run the command again" in answer.body


def test_cancelling_is_reported_to_the_terminal(quick_world: World) -> None:
    answer = Browser(quick_world).authorize(pushed(quick_world), answer="cancel")

    query = parse_qs(urlsplit(answer.json["redirect"]).query)
    assert (query["error"], query["state"]) == (["access_denied"], [PUSHED["state"]])
    assert "code" not in query


def test_without_script_the_page_shows_a_code_to_paste(quick_world: World) -> None:
    answer = Browser(quick_world).authorize(pushed(quick_world), by="")

    matches = re.search("daypass_code_[A-Za-z0-9]+", answer.body.decode())
    assert matches is not None
    assert answer.header("location") is None
    assert redeem(quick_world, matches[0]).status == 200


def test_a_code_to_paste_is_shown_on_request_or_without_a_loopback_port(quick_world: World) -> None:
    page = f"{PUBLIC_URL}/oauth/code"
    requested = Browser(quick_world).authorize(pushed(quick_world), answer="paste")
    only = Browser(quick_world).authorize(pushed(quick_world, redirect_uri=page))

    for answer, redirect_uri in ((requested, LISTENER), (only, page)):
        matches = re.search("daypass_code_[A-Za-z0-9]+", answer.body.decode())
        assert matches is not None
        assert redeem(quick_world, matches[0], redirect_uri=redirect_uri).status == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"csrf": ""}, 403),
        ({"csrf": "0" * 64}, 403),
        ({"consent": ""}, 403),
        ({"consent": "0" * 64}, 403),
        ({"request": "0" * 32}, 403),
    ],
)
def test_only_the_form_that_was_shown_issues_a_code(
    quick_world: World, changed: dict[str, str], status: int
) -> None:
    assert Browser(quick_world).authorize(pushed(quick_world), **changed).status == status
    assert tokens_made(quick_world) == 0


def test_the_consent_of_one_request_is_not_valid_for_another(quick_world: World) -> None:
    browser, other = Browser(quick_world), pushed(quick_world)
    form = browser.look(pushed(quick_world))
    browser.look(other)

    answer = browser.post({**form, "request": other.rpartition(":")[2], "answer": "authorize"})

    assert answer.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "https://evil.example")],
        [("Origin", "null")],
        [("Origin", PUBLIC_URL), ("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site")],
        [("Accept-Language", "en")],
    ],
)
def test_a_cross_site_request_issues_no_code(quick_world: World, headers: list[tuple[str, str]]) -> None:
    browser = Browser(quick_world)
    form = browser.look(pushed(quick_world))

    answer = browser.post({**form, "answer": "authorize", "by": "script"}, *headers)

    assert answer.status == 403
    assert b"daypass_code" not in answer.body


def test_an_answer_that_comes_too_fast_shows_the_consent_page_again(quick_world: World) -> None:
    browser = Browser(quick_world)
    form = browser.look(pushed(quick_world))
    browser.get(f"urn:ietf:params:oauth:request_uri:{form['request']}")

    by_page = browser.post({**form, "answer": "authorize"})
    by_script = browser.post({**form, "answer": "authorize", "by": "script"})

    assert (by_page.status, by_script.status) == (409, 409)
    assert b"The answer came too fast" in by_page.body
    assert b"daypass_code" not in by_page.body + by_script.body


def test_no_get_request_issues_a_code(quick_world: World) -> None:
    browser = Browser(quick_world)
    form = browser.look(pushed(quick_world))
    uri = f"urn:ietf:params:oauth:request_uri:{form['request']}"
    query = urlencode({**form, "answer": "authorize", "request_uri": uri, "client_id": "daypass-cli"})

    answer = quick_world.client().get(
        "/oauth/authorize", headers=[("Cookie", f"{SESSION}={browser.cookie}")], query=query
    )

    assert b"daypass_code" not in answer.body
    assert tokens_made(quick_world) == 0


def test_admin_access_is_refused_to_other_users(quick_world: World) -> None:
    browser = Browser(quick_world)
    answer = browser.get(pushed(quick_world, scope="tenants admin"))

    assert answer.status == 403
    assert b"Administrator role" in answer.body
    assert b'value="authorize"' not in answer.body
    assert b'value="cancel"' in answer.body


def test_admin_access_requires_reauthentication(quick_world: World) -> None:
    browser = Browser(quick_world, ADMIN, signed_in_for=timedelta(minutes=6))

    answer = browser.get(pushed(quick_world, scope="tenants admin"))

    assert answer.status == 303
    assert (answer.header("location") or "").startswith("/confirm?next=/oauth/authorize")


def test_a_consent_that_requires_reauthentication_is_shown_again_afterwards(quick_world: World) -> None:
    browser = Browser(quick_world, ADMIN, signed_in_for=timedelta(minutes=4, seconds=50))
    form = browser.look(pushed(quick_world, scope="tenants admin"))
    quick_world.clock.move(timedelta(seconds=10))

    answer = browser.post({**form, "answer": "authorize"})

    assert (answer.status, answer.header("location")) == (303, "/confirm")


def test_only_admin_access_includes_the_master_role(quick_world: World) -> None:
    client = quick_world.client()
    for scope, status in (("tenants admin", 201), ("tenants", 403)):
        browser = Browser(quick_world, ADMIN)
        access = redeem(quick_world, code_of(browser.authorize(pushed(quick_world, scope=scope)))).json
        assert access["scope"] == scope
        assert client.post("/api/v1/sessions", access["access_token"], {"admin": True}).status == status
        assert client.post("/api/v1/sessions", access["access_token"], {"tenant": "dev01"}).status == 201


def test_a_token_of_one_kind_is_not_accepted_as_another(quick_world: World) -> None:
    client, browser = quick_world.client(), Browser(quick_world)
    given = redeem(quick_world, code_of(browser.authorize(pushed(quick_world)))).json

    assert client.get("/api/v1/me", given["refresh_token"]).status == 401
    assert client.get("/api/v1/me", browser.cookie).status == 401
    headers = [("Cookie", f"{SESSION}={given['access_token']}")]
    assert client.get("/oauth/authorize", headers=headers).status == 401


def test_the_page_sends_nothing_to_other_origins(still_world: World) -> None:
    answer = Browser(still_world).get(pushed(still_world))
    policy = answer.header("content-security-policy") or ""

    assert "connect-src 'self'" in policy
    assert "127.0.0.1" not in policy
    assert "frame-ancestors 'none'" in policy


def test_no_secret_is_in_a_url_or_in_the_log(quick_world: World, log: StringIO) -> None:
    browser = Browser(quick_world)
    answer = browser.authorize(pushed(quick_world))
    given = redeem(quick_world, code_of(answer)).json

    logged = log.getvalue()
    for secret in (code_of(answer), given["access_token"], given["refresh_token"], browser.cookie, VERIFIER):
        assert secret not in logged
