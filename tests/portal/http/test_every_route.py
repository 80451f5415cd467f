"""Rules for the routes of every channel: permissions, methods, headers, request ids and limits."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from starlette.types import Message

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.middleware import HEADERS
from daypass.portal.http.core.routing import ExactRoute
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.schema.access import issuances
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import ADMIN, DANA, DEV, NOOR, PUBLIC_URL, World

FOR_ANYBODY = {
    "GET /api/v1/openapi.json",
    "GET /api/docs",
    "GET /healthz",
    "GET /readyz",
    "GET /",
    "GET /sign-in",
    "POST /sign-in",
    "GET /sign-in/passkey",
    "POST /sign-in/passkey",
    "GET /sign-in/recovery",
    "POST /sign-in/recovery",
    "GET /static/{version}/{name}",
    "GET /.well-known/oauth-authorization-server",
    "POST /oauth/par",
    "POST /oauth/token",
    "POST /oauth/revoke",
    "GET /oauth/done",
}
OWN_FORM = [("Origin", PUBLIC_URL), ("Content-Type", "application/x-www-form-urlencoded")]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get")


def routes(world: World) -> Iterator[ExactRoute]:
    for create in world.portal.channels:
        for route in create.routes:
            assert isinstance(route, ExactRoute), f"{route} does not say who may come"
            yield route


def method_of(route: ExactRoute) -> str:
    return route.method


def filled(path: str) -> str:
    """Return a route's path with values for its parameters."""
    return path.replace("{role}", "admin").replace("{tenant}", DEV.id)


def test_every_route_declares_a_permission_and_one_method(still_world: World) -> None:
    for route in routes(still_world):
        assert isinstance(route.permission, Permission), route.path
        assert route.methods in ({route.method}, {"GET", "HEAD"}), route.path


def test_only_the_routes_listed_here_are_public(still_world: World) -> None:
    open_to_all = {
        f"{method_of(route)} {route.path}"
        for route in routes(still_world)
        if route.permission is Permission.PUBLIC
    }

    assert open_to_all == FOR_ANYBODY


def test_every_other_route_refuses_a_request_without_a_token(
    still_world: World, still_client: Client
) -> None:
    for route in routes(still_world):
        method = method_of(route)
        if f"{method} {route.path}" not in FOR_ANYBODY:
            assert still_client.send(method, filled(route.path), headers=OWN_FORM).status == 401, route.path


def test_an_administrative_route_refuses_users(still_world: World, still_client: Client) -> None:
    ends = still_world.clock() + timedelta(hours=1)
    cookie, _ = still_world.token(NOOR, TokenKind.BROWSER, grant_ends_at=ends)
    signed_in = [*OWN_FORM, ("Cookie", f"__Host-daypass={cookie}")]
    closed = 0
    for route in routes(still_world):
        method = method_of(route)
        if route.permission is Permission.ADMINISTRATOR:
            token = still_world.tokens[NOOR]
            answer = still_client.send(method, filled(route.path), token, headers=signed_in)
            assert answer.status == 403, route.path
            closed += 1
    assert closed


def test_no_route_accepts_an_undeclared_method(still_world: World, still_client: Client) -> None:
    known = list(routes(still_world))
    for path in {filled(route.path) for route in known}:
        # A path may match one route literally and another one by its parameters.
        methods = {each for route in known if route.path_regex.match(path) for each in route.methods or ()}
        for method in sorted(set(METHODS) - methods):
            answer = still_client.send(method, path, still_world.tokens[ADMIN])

            assert answer.status == 405, (method, path)
            assert set((answer.header("allow") or "").split(", ")) <= methods
            if method == "HEAD":
                assert answer.body == b""
                continue
            forms = ("detail", "Message", "error_description")
            assert any("does not support" in answer.json.get(form, "") for form in forms)
    assert still_world.broker.issued_credentials == []


WITH_EFFECTS = {
    "/adminproxy/GetJITAwsConsoleAccessUrl",
    "/v3/admin/aws/jitAccess/{role}",
    "/subscriptions/{tenant}/GetAwsConsoleTokenUrl",
    "/administrator/audit/export",
    "/oauth/authorize",
}
"""Routes whose GET is not safe: it issues access, adds to the audit log or stores a request."""


def test_head_is_answered_like_a_safe_get_without_content(
    quick_world: World,
) -> None:
    ends = quick_world.clock() + timedelta(hours=1)
    cookie, _ = quick_world.token(ADMIN, TokenKind.BROWSER, grant_ends_at=ends)
    headers = [("Cookie", f"__Host-daypass={cookie}"), ("Accept", "text/html")]
    client, refusing = quick_world.client(), set()
    for route in routes(quick_world):
        if method_of(route) != "GET":
            continue
        head = client.send("HEAD", filled(route.path), quick_world.tokens[ADMIN], headers=headers)
        if head.status == 405:
            assert (head.header("allow"), head.body) == ("GET", b"")
            refusing.add(route.path)
            continue
        got = client.send("GET", filled(route.path), quick_world.tokens[ADMIN], headers=headers)
        assert (head.status, head.body) == (got.status, b""), route.path
        assert [name for name, _ in head.headers] == [name for name, _ in got.headers], route.path
        assert head.header("content-length") == got.header("content-length"), route.path

    assert refusing == WITH_EFFECTS
    with quick_world.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(issuances)) == 0


def test_head_without_a_session_redirects_to_the_sign_in_without_content(still_client: Client) -> None:
    headers = [("Accept", "text/html")]
    got, head = (still_client.send(method, "/profile", headers=headers) for method in ("GET", "HEAD"))
    unknown = still_client.send("HEAD", "/nothing")

    assert (head.status, head.header("location")) == (303, got.header("location"))
    assert (unknown.status, unknown.body) == (404, b"")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/nothing", "detail"),
        ("/api/v1/nothing", "detail"),
        ("/api/v2/me", "detail"),
        ("/API/V1/ME", "detail"),
        ("/api/v1/me/", "detail"),
        ("/healthz/", "detail"),
        ("/v3/nothing", "Message"),
        ("/ADMIN/nothing", "Message"),
        ("/adminproxy/GetTenantNames/", "Message"),
    ],
)
def test_an_unknown_path_is_answered_with_404_and_no_redirect(
    still_client: Client, path: str, form: str
) -> None:
    answer = still_client.get(path)

    assert answer.status == 404
    # The legacy API explains unsupported calls; see test_absent_calls.
    missing = (
        "Daypass does not support this call" if form == "Message" else "There is nothing at this address."
    )
    assert answer.json[form].startswith(missing)
    assert answer.header("location") is None


def test_every_answer_has_a_request_id_and_the_security_headers(
    still_world: World, still_client: Client
) -> None:
    forged = [("X-Request-Id", "forged"), ("X-Correlation-Id", "forged")]
    answers = [
        still_client.get("/healthz", headers=forged),
        still_client.get("/api/v1/me", still_world.tokens[DANA], headers=forged),
        still_client.get("/api/v1/me", headers=forged),
        still_client.get("/nothing", headers=forged),
        still_client.get("/v3/features/system", still_world.tokens[DANA], headers=forged),
        still_client.send("PUT", "/v3/features/system", headers=forged),
    ]

    ids = [answer.header("x-request-id") or "" for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{32}", id_) for id_ in ids)
    assert len(set(ids)) == len(ids)
    for answer in answers:
        assert {name: answer.header(name) for name in HEADERS} == HEADERS
        assert answer.header("set-cookie") is None
        assert answer.header("access-control-allow-origin") is None
        assert b"forged" not in answer.body


def pieces(*bodies: bytes, ends: bool = True) -> Sequence[Message]:
    last: Message = {"type": "http.request", "body": b"", "more_body": False}
    given: list[Message] = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    return [*given, last] if ends else given


def ask(world: World, client: Client, body: bytes | Sequence[Message], *length: str) -> Answer:
    headers = [("Content-Length", text) for text in length]
    return client.send("POST", "/api/v1/sessions", world.tokens[DANA], body=body, headers=headers)


LIMIT = 64 * 1024


def test_a_body_of_the_maximum_size_is_read_and_a_larger_one_is_refused(
    still_world: World, still_client: Client
) -> None:
    start, end = b'{"tenant": "nowhere"', b"}"
    full = start + b" " * (LIMIT - len(start) - len(end)) + end

    assert ask(still_world, still_client, full, str(len(full))).status == 404
    too_large = ask(still_world, still_client, full + b" ", str(len(full) + 1))
    assert (too_large.status, "64 KiB" in too_large.json["detail"]) == (413, True)


@pytest.mark.parametrize("stated", ["65537", "9" * 30, "-1", "+5", "1e3", "\xb2", "", "0x10", "5, 5"])
def test_an_excessive_or_invalid_content_length_is_refused_at_once(
    still_world: World, still_client: Client, stated: str
) -> None:
    assert ask(still_world, still_client, pieces(), stated).status == 413


def test_a_chunked_body_above_the_maximum_size_is_refused(still_world: World, still_client: Client) -> None:
    assert ask(still_world, still_client, pieces(*[b"x" * 1024] * 65)).status == 413
    assert ask(still_world, still_client, pieces(*[b"x" * 1024] * 65), "10").status == 413


def test_an_incomplete_body_is_refused(still_world: World, still_client: Client) -> None:
    answer = ask(still_world, still_client, pieces(b'{"tenant": "dev', ends=False))

    assert (answer.status, answer.json["detail"]) == (400, "The body did not arrive completely.")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"tenant=dev01", b"<ask/>", b"\xff\xfe", b"\x00", b"{}{}"),
        b"[" * 30000 + b"]" * 30000,
        b'{"tenant":' * 5000 + b"1" + b"}" * 5000,
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_not_json_is_refused(still_world: World, still_client: Client, body: bytes) -> None:
    answer = ask(still_world, still_client, body)

    assert (answer.status, answer.json["detail"]) == (400, "The body is not JSON.")


def test_of_a_repeated_json_key_the_last_value_is_used(still_world: World, still_client: Client) -> None:
    answer = ask(still_world, still_client, b'{"tenant": "dev01", "tenant": "nowhere"}')

    assert (answer.status, "nowhere" in answer.json["detail"]) == (404, True)


def test_a_number_with_too_many_digits_is_refused(still_world: World, still_client: Client) -> None:
    answer = ask(still_world, still_client, b'{"tenant": "dev01", "duration": ' + b"9" * 5000 + b"}")

    assert answer.status in {400, 422}
    assert still_world.broker.issued_credentials == []


def test_the_field_name_in_an_error_is_truncated_and_printable(
    still_world: World, still_client: Client
) -> None:
    answer = ask(still_world, still_client, b'{"\\u001b[31m\\u202e' + b"x" * 100 + b'": 1}')

    assert answer.status == 422
    assert "\x1b" not in answer.json["detail"]
    assert "\u202e" not in answer.json["detail"]
    assert len(answer.json["detail"]) < 80
