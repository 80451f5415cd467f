"""Authentication: exactly one valid bearer token, and the client address behind trusted proxies."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network

import pytest

from daypass.portal.audit.event import OPERATOR
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.schema.identity import users
from tests.portal.http.client import Client, Headers
from tests.portal.http.legacy.test_calls import ADMIN_KEYS, ADMIN_ROLES, LISTS, PROBES, TENANT_KEYS
from tests.portal.http.world import ADMIN, DANA, DEV, World
from tests.portal.http.world import world as make_world

OURS = ("GET /api/v1/me", "GET /api/v1/tenants", "GET /api/v1/sessions", "POST /api/v1/sessions")
LEGACY = tuple(
    f"GET {path}"
    for path in (
        *(ADMIN_KEYS, *ADMIN_ROLES, TENANT_KEYS, *LISTS, *PROBES),
        *("/v3/features/system", f"/v3/features/tenant/{DEV.id}", "/admin/GetUserRoleInfo"),
        *(f"/subscriptions/{DEV.id}/GetAwsRegionId", f"/subscriptions/{DEV.id}/GetTenantAwsAccountId"),
        "/adminproxy/GetAwsAccountId",
    )
)


def reason(client: Client, call: str, token: str | None = None, headers: Headers = ()) -> str:
    """Make a call that is refused with 401, and return the reason."""
    method, path = call.split()
    answer = client.send(method, path, token, body=b'{"tenant": "dev01"}', headers=headers)
    assert answer.status == 401, answer.body
    # Clients would follow a redirect and take the page for the answer.
    assert answer.header("location") is None
    assert answer.header("www-authenticate") == 'Bearer realm="daypass"'
    return str(answer.json.get("detail") or answer.json["Message"])


@pytest.mark.parametrize("call", [*OURS, *LEGACY])
def test_without_a_token_every_call_is_401_and_never_a_redirect(
    still_world: World, still_client: Client, call: str
) -> None:
    assert "No API token" in reason(still_client, call)
    assert still_world.broker.issued_credentials == []


@pytest.mark.parametrize("call", [*OURS, *LEGACY])
def test_a_cookie_does_not_authenticate_an_api_call(
    still_world: World, still_client: Client, call: str
) -> None:
    token = still_world.tokens[ADMIN]
    cookie = f"__Host-daypass={token}; Authorization=Bearer {token}; token={token}"

    assert "No API token" in reason(still_client, call, headers=[("Cookie", cookie), ("Origin", "https://x")])
    assert still_world.broker.issued_credentials == []


def bearer(value: str) -> list[tuple[str, str]]:
    return [("Authorization", value)]


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        (lambda _: bearer("Bearer"), "No API token"),
        (lambda _: bearer("Bearer  "), "No API token"),
        (lambda token: bearer(f"Basic {token}"), "No API token"),
        (lambda token: bearer(token), "No API token"),
        (lambda token: bearer(f"Bearer {token}") * 2, "No API token"),
        (lambda token: [*bearer(f"Bearer {token}"), *bearer("Bearer x")], "No API token"),
        (lambda _: bearer("Bearer no_such_token"), "not an API token of this portal"),
        (lambda token: bearer(f"Bearer {token[:-1]}"), "not an API token of this portal"),
        (lambda token: bearer(f"Bearer {token}x"), "not an API token of this portal"),
        (lambda token: bearer(f"Bearer {token.swapcase()}"), "not an API token of this portal"),
        (lambda token: bearer(f"Bearer {token}\xe9"), "not an API token of this portal"),
        (lambda token: bearer(f"Bearer {token}, {token}"), "not an API token of this portal"),
        (lambda _: bearer("Bearer " + "x" * 20000), "not an API token of this portal"),
        # Well formed, but never issued.
        (lambda _: bearer("Bearer daypass_pat_00000000000000000000000000000000XXXXXX"), "not an API token"),
    ],
    ids=[
        "no token",
        "blank token",
        "other scheme",
        "no scheme",
        "repeated header",
        "two tokens",
        "malformed token",
        "truncated token",
        "extended token",
        "changed case",
        "not ASCII",
        "list of tokens",
        "long token",
        "never issued",
    ],
)
@pytest.mark.parametrize("call", ["GET /api/v1/me", "GET /v3/features/system"])
def test_an_invalid_authorization_header_is_refused_without_repeating_the_token(
    still_world: World, still_client: Client, call: str, headers: Callable[[str], Headers], says: str
) -> None:
    token = still_world.tokens[DANA]

    text = reason(still_client, call, headers=headers(token))

    assert says in text
    assert token not in text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_bearer_scheme_ignores_case(still_world: World, still_client: Client, scheme: str) -> None:
    headers = bearer(f"{scheme}   {still_world.tokens[DANA]} ")

    assert still_client.get("/api/v1/me", headers=headers).status == 200


@pytest.mark.parametrize("call", ["GET /api/v1/me", f"GET {TENANT_KEYS}"])
def test_an_invalid_token_is_refused_with_the_reason(
    quick_world: World, quick_client: Client, call: str
) -> None:
    world = quick_world
    expired, _ = world.token(DANA, lifetime=timedelta(minutes=1))
    ended, _ = world.token(DANA, TokenKind.TEMPORARY, grant_ends_at=world.clock() + timedelta(minutes=1))
    revoked, known = world.token(DANA)
    world.identity.revoke_token(world.users[DANA], known.id, OPERATOR)
    world.clock.move(timedelta(minutes=2))

    assert "expired on 24 Nov 2026" in reason(quick_client, call, expired)
    assert "sign-in behind this API token has ended" in reason(quick_client, call, ended)
    assert "was revoked" in reason(quick_client, call, revoked)

    with world.database.writing() as connection:
        connection.execute(users.update().values(disabled_at=world.clock()))
    assert "account was disabled" in reason(quick_client, call, world.tokens[DANA])


def test_a_revoked_token_is_refused_at_the_next_request(world: World, client: Client) -> None:
    token, known = world.token(DANA)
    before = client.get(TENANT_KEYS, token).status
    world.identity.revoke_token(world.users[DANA], known.id, OPERATOR)

    assert (before, client.get(TENANT_KEYS, token).status) == (200, 401)
    assert len(world.broker.issued_credentials) == 1


PROXY, CALLER, FORGED = "10.0.0.5", "198.51.100.9", "192.0.2.66"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        # Headers of a peer that is not a trusted proxy are ignored.
        (CALLER, [FORGED], CALLER),
        (CALLER, [], CALLER),
        (PROXY, [], PROXY),
        (PROXY, [CALLER], CALLER),
        (f"::ffff:{PROXY}", [f"::ffff:{CALLER}"], CALLER),
        # A value that the client forged precedes the one that the proxy adds.
        (PROXY, [f"{FORGED}, {CALLER}"], CALLER),
        (PROXY, [FORGED, CALLER], CALLER),
        (PROXY, [f"{FORGED}, {CALLER}, 10.0.0.6"], CALLER),
        (PROXY, [f"{PROXY}, {CALLER}"], CALLER),
        # An invalid hop ends the chain at the last trusted address.
        (PROXY, ["garbage"], PROXY),
        (PROXY, [f"{FORGED}, fe80::1%<script>"], PROXY),
        (PROXY, [f"{FORGED}, unknown, 10.0.0.6"], "10.0.0.6"),
        (PROXY, [", ,"], PROXY),
        (PROXY, ["2001:DB8::0001"], "2001:db8::1"),
        ("", [FORGED], ""),
    ],
)
def test_the_recorded_address_is_the_last_one_before_trusted_proxies(
    sqlite_url: str, peer: str, forwarded: list[str], address: str
) -> None:
    headers = [("X-Forwarded-For", value) for value in forwarded]
    proxies = (ip_network("10.0.0.0/24"),)
    with make_world(sqlite_url, is_behind_proxy=True, trusted_proxies=proxies) as world:
        client = world.client(peer)
        client.post("/api/v1/sessions", world.tokens[DANA], {"tenant": "dev01"}, headers=headers)

        (record,) = client.get("/api/v1/sessions", world.tokens[DANA]).json["sessions"]

    assert record["address"] == address


def test_without_trusted_proxies_forwarding_headers_are_ignored(sqlite_url: str) -> None:
    with make_world(sqlite_url, is_behind_proxy=False) as world:
        client = world.client("127.0.0.1")
        headers = [("X-Forwarded-For", FORGED), ("Forwarded", f"for={FORGED}"), ("X-Real-IP", FORGED)]
        client.post("/api/v1/sessions", world.tokens[DANA], {"tenant": "dev01"}, headers=headers)

        (record,) = client.get("/api/v1/sessions", world.tokens[DANA]).json["sessions"]

    assert record["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    "headers",
    [
        [("Host", "evil.example")],
        [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "gopher")],
        [("Forwarded", "host=evil.example"), ("X-Original-URL", "/api/v1/me")],
    ],
)
def test_no_request_header_changes_the_portal_s_public_url(
    still_world: World, still_client: Client, headers: Headers
) -> None:
    for path in ("/v3/features/system", "/api/v1/openapi.json", "/api/v1/me"):
        answer = still_client.get(path, still_world.tokens[DANA], headers=headers)

        assert answer.status == 200
        assert b"evil.example" not in answer.body
        assert answer.body == still_client.get(path, still_world.tokens[DANA]).body
