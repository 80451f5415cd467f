"""Scopes of consents: every route × every kind of token × the scope that its owner consented to."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from daypass.portal.audit.event import OPERATOR
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import ExactRoute
from daypass.portal.identity.model import CONSENTED_KINDS, TokenKind
from daypass.portal.identity.scopes import consented_scopes
from tests.portal.http.client import Answer
from tests.portal.http.test_matrix_of_routes import PLACE, is_api, routes
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, World
from tests.portal.http.world import world as make_world

SECRETS = ("marker-setting", "marker-note", f"{DEV.name}-x", f"{DATA.name}-x", NOOR)
"""Data that requires admin scope: values of settings and metadata, external ids, other users' names."""

ISSUES_ADMIN = ("/adminproxy/GetJITAwsConsoleAccessUrl", "/v3/admin/aws/jitAccess/{role}")
"""The legacy routes that issue credentials of the master role."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """An Administrator's token of one kind, with or without consent to admin access."""

    kind: TokenKind
    allows_admin: bool
    secret: str

    @property
    def reaches_admin(self) -> bool:
        """Whether the token has admin scope."""
        return self.allows_admin or self.kind not in CONSENTED_KINDS


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("scopes") / "daypass.db"
    path.write_bytes(sqlite_template.read_bytes())
    with make_world(f"sqlite:///{path}") as new_world:
        for path_, body in (
            ("/settings/AppConfig/Other", {"value": "marker-setting"}),
            (f"/tenants/{DEV.id}/settings/other", {"value": "marker-setting"}),
            (f"/tenants/{DEV.id}/metadata/owner", {"value": "marker-note"}),
        ):
            raw = json.dumps(body).encode()
            headers = [("If-None-Match", "*")]
            client, token = new_world.client(), new_world.tokens[ADMIN]
            assert client.send("PUT", f"/api/v1{path_}", token, body=raw, headers=headers).status == 200
        yield new_world


@pytest.fixture(scope="module")
def bearers(world: World) -> list[Bearer]:
    """A token of each kind; for kinds that need a consent, one for each scope."""
    created, user, ends = [], world.users[ADMIN], world.clock() + timedelta(hours=1)
    for kind in TokenKind:
        for allows_admin in (False, True) if kind in CONSENTED_KINDS else (False,):
            token = world.identity.new_token(
                user,
                kind,
                "scope",
                expires_at=ends,
                grant_ends_at=None if kind is TokenKind.PERMANENT else ends,
                scopes=consented_scopes(with_admin=allows_admin),
            )
            secret = world.identity.add_token(token, user, OPERATOR).reveal()
            created.append(Bearer(kind, allows_admin, secret))
    return created


def api_routes(world: World) -> Iterator[tuple[str, ExactRoute]]:
    """Yield the routes of both APIs with their methods. Browser sessions of pages have every scope."""
    for route in routes(world):
        if is_api(route) and route.permission is not Permission.PUBLIC:
            method = route.method
            yield method, route


THERE = {"tenant": DEV.id, "user": DANA, "username": DANA, "event": "none"}
ABSENT = {"tenant": "none", "user": "none@example.com", "username": "none@example.com"}


def ask(world: World, method: str, route: ExactRoute, bearer: Bearer) -> Answer:
    """Read existing resources, or try to change missing ones, so that the shared portal does not change."""
    things = {"token": "0" * 32, "event": "none", "key": "other", "name": "default", "type": "AppConfig"}
    things |= {
        "role": "admin",
        "permission_set": "operator",
        "rule": "shop",
        "provider": "okta",
        "group": "none",
        **(THERE if method == "GET" else ABSENT),
    }
    path = PLACE.sub(lambda place: things[place[1]], route.path)
    headers = [("If-Match", '"an old version"')]
    return world.client().send(method, path, bearer.secret, body=b"{}", headers=headers)


def is_out_of_scope(answer: Answer) -> bool:
    """Return whether the scope is insufficient; the error must name the command for more scope."""
    content = answer.json if answer.body and answer.header("content-type") != "text/html" else {}
    if not isinstance(content, dict):
        return False
    if "Message" in content:
        return answer.status == 403 and "daypass login --admin" in content["Message"]
    if content.get("code") != "insufficient_scope":
        return False
    assert answer.status == 403
    assert "daypass login --admin" in content["detail"]
    return True


def test_a_token_with_tenant_scope_is_refused_on_administrative_routes(
    world: World, bearers: list[Bearer]
) -> None:
    refused = 0
    for method, route in api_routes(world):
        for bearer in bearers:
            answer, message = ask(world, method, route, bearer), (method, route.path, bearer.kind)
            if bearer.kind not in route.permission.accepts:
                assert answer.status == 401, message
                continue
            assert answer.status not in {401, 500, 503}, message
            if route.permission is Permission.ADMINISTRATOR:
                assert is_out_of_scope(answer) == (not bearer.reaches_admin), (*message, answer.body)
                refused += not bearer.reaches_admin
            elif route.path not in ISSUES_ADMIN:
                assert not is_out_of_scope(answer), message
    assert refused > 50


def test_a_token_with_tenant_scope_reads_no_administrative_data(world: World, bearers: list[Bearer]) -> None:
    seen: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    for method, route in api_routes(world):
        for bearer in bearers:
            body = ask(world, method, route, bearer).body.decode()
            matches = {(route.path, secret) for secret in SECRETS if secret in body}
            if matches and not bearer.reaches_admin:
                assert not matches, (method, route.path, bearer.kind)
            seen[bearer.reaches_admin] |= matches

    assert not seen[False]
    # The same calls return all of it to an Administrator with admin scope.
    assert {secret for _, secret in seen[True]} == set(SECRETS)
    for path in ("/api/v1/tenants", "/v3/features/system", "/admin/GetTenantsForUser"):
        assert path in {matches for matches, _ in seen[True]}


@pytest.mark.parametrize("allows_admin", [False, True])
def test_the_command_line_gets_tenant_access_with_either_scope(
    world: World, bearers: list[Bearer], allows_admin: bool
) -> None:
    bearer = next(one for one in bearers if (one.kind, one.allows_admin) == (TokenKind.CLI, allows_admin))
    client = world.client()

    assert client.get("/api/v1/me", bearer.secret).json["user"]["username"] == ADMIN
    names = {one["name"] for one in client.get("/api/v1/tenants", bearer.secret).json["tenants"]}
    assert names == {"data01", "dev01", "prod01"}
    assert client.post("/api/v1/sessions", bearer.secret, {"tenant": "dev01"}).status == 201
    assert client.get("/api/v1/sessions", bearer.secret).json["sessions"]
    admin = client.post("/api/v1/sessions", bearer.secret, {"admin": True})
    assert (admin.status, is_out_of_scope(admin)) == ((201, False) if allows_admin else (403, True))


def test_a_user_is_refused_as_not_an_administrator_rather_than_for_missing_scope(
    world: World,
) -> None:
    secret, _ = world.token(DANA, TokenKind.CLI, grant_ends_at=world.clock() + timedelta(hours=1))

    client = world.client()
    for answer in (
        client.get("/api/v1/users", secret),
        client.post("/api/v1/sessions", secret, {"admin": True}),
    ):
        assert (answer.status, answer.json["code"]) == (403, "access_denied")


def test_a_refusal_for_insufficient_scope_is_audited(world: World, bearers: list[Bearer]) -> None:
    bearer = next(one for one in bearers if one.kind is TokenKind.CLI and not one.allows_admin)
    world.client().get("/api/v1/memberships", bearer.secret)

    events = world.client().get(
        "/api/v1/audit", world.tokens[ADMIN], query="action=administration.enter&subject=/api/v1/memberships"
    )
    assert [event["detail"]["code"] for event in events.json["events"]] == ["insufficient_scope"]
