"""Every route there is × everybody who may knock × what is theirs, somebody else's, or not there at all."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from daypass.portal.admin.reporting.reports import Records, SessionFilter
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import ExactRoute
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.http.legacy.routes import PREFIXES
from daypass.portal.identity.model import TokenKind
from daypass.portal.storage.pagination import PageRequest
from tests.portal.http.client import Answer
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

API_PREFIXES = ("/api/", *PREFIXES)
PLACE = re.compile(r"{(\w+)(?::path)?}")

OF_THE_SIGN_IN = {"/confirm", "/sign-out"}
"""Pages that answer with, or end, what the caller came with."""

OWN, FOREIGN, ABSENT = "own", "foreign", "absent"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody, with one token of one kind."""

    username: str
    kind: TokenKind | None
    secret: str

    @property
    def is_administrator(self) -> bool:
        """Whether they run the portal."""
        return self.username == ADMIN


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("matrix") / "daypass.db"
    path.write_bytes(sqlite_template.read_bytes())
    with make_world(f"sqlite:///{path}") as made:
        yield made


@pytest.fixture(scope="module")
def callers(world: World) -> list[Caller]:
    """Nobody; a user, a member and an Administrator with a permanent token; a member with each other kind."""
    ends = world.clock() + timedelta(hours=1)
    found = [Caller("", None, "")]
    found += [Caller(name, TokenKind.PERMANENT, world.tokens[name]) for name in (NOOR, DANA, ADMIN)]
    for kind in TokenKind:
        if kind is not TokenKind.PERMANENT:
            secret, _ = world.token(DANA, kind, grant_ends_at=ends)
            found.append(Caller(DANA, kind, secret))
    secret, _ = world.token(ADMIN, TokenKind.BROWSER, grant_ends_at=ends)
    return [*found, Caller(ADMIN, TokenKind.BROWSER, secret)]


@pytest.fixture(scope="module")
def things(world: World, callers: list[Caller]) -> Mapping[str, Mapping[str, str]]:
    """What stands in the places of a path, as long for what is not there as for what is."""
    del callers  # they are made by then
    admins = world.identity.authenticate(world.tokens[ADMIN])[0].id
    own = world.identity.authenticate(world.tokens[DANA])[0].id
    event = world_events(world)
    return {
        OWN: {"tenant": DEV.id, "user": DANA, "username": DANA, "token": own, "event": event},
        FOREIGN: {"tenant": DATA.id, "user": NOOR, "username": NOOR, "token": admins, "event": event},
        ABSENT: {
            "tenant": "00000000-0000-0000-0000-0000000dead1",
            "user": "none@example.com",
            "username": "none@example.com",
            "token": "0" * 32,
            "event": "0" * len(event),
        },
    }


def world_events(world: World) -> str:
    return Records(world.database).events(SessionFilter(), PageRequest(limit=1)).records[0].id


def routes(world: World) -> Iterator[ExactRoute]:
    for door in world.portal.doors:
        for route in door.routes:
            assert isinstance(route, ExactRoute), f"{route} does not say who may come"
            yield route


def is_api(route: ExactRoute) -> bool:
    return route.path.lower().startswith(API_PREFIXES)


def knock(world: World, route: ExactRoute, caller: Caller, thing: Mapping[str, str]) -> Answer:
    """Ask that route as that caller; a page gets cookie and form token, an API the bearer token."""
    method = route.method
    path = PLACE.sub(lambda place: thing.get(place[1], "admin"), route.path)
    headers = [("Origin", PUBLIC_URL), ("If-Match", '"an old version"')]
    form = b""
    if not is_api(route):
        headers += [("Content-Type", "application/x-www-form-urlencoded")]
    if caller.kind is TokenKind.BROWSER:
        headers += [("Cookie", f"__Host-daypass={caller.secret}")]
        form = urlencode({FIELD: csrf_token(caller.secret)}).encode() if method == "POST" else b""
    token = caller.secret or None
    return world.client().send(method, path, token, headers=headers, body=form)


def alike(answer: Answer, thing: Mapping[str, str]) -> tuple[object, ...]:
    """All of an answer but for its request's id and for what was typed."""
    status, headers, body = answer.without_id
    for typed in thing.values():
        body = body.replace(typed.encode(), b"?")
        headers = [(name, value.replace(typed, "?")) for name, value in headers]
    return status, tuple(headers), re.sub(rb"[A-Za-z0-9_-]{43,}", b"token", body)


def accepts(route: ExactRoute, caller: Caller) -> bool:
    """Whether a caller's kind of token counts at that route at all."""
    if is_api(route):
        return caller.kind in route.permission.accepts
    return caller.kind is TokenKind.BROWSER


def test_every_caller_is_answered_according_to_the_route_s_permission(
    world: World, callers: list[Caller], things: Mapping[str, Mapping[str, str]]
) -> None:
    counted = 0
    for route in routes(world):
        for caller in callers:
            if route.permission is Permission.ANYBODY or route.path in OF_THE_SIGN_IN:
                continue
            if route.permission is Permission.ADMINISTRATOR and caller.is_administrator:
                continue
            for thing in (things[ABSENT], things[FOREIGN]):
                status = knock(world, route, caller, thing).status
                told = (route.methods, route.path, caller, status)
                counted += 1
                if not accepts(route, caller):
                    assert status == 401, told
                elif route.permission is Permission.ADMINISTRATOR:
                    assert status == 403, told
                else:
                    assert status not in {401, 500, 503}, told
    assert counted > 500


def test_foreign_and_missing_resources_get_identical_answers(
    world: World, callers: list[Caller], things: Mapping[str, Mapping[str, str]]
) -> None:
    compared = 0
    for route in routes(world):
        if not PLACE.search(route.path) or route.permission is Permission.ANYBODY:
            continue
        for caller in callers:
            if caller.is_administrator:
                continue
            one, other = (knock(world, route, caller, things[kind]) for kind in (FOREIGN, ABSENT))
            compared += 1
            assert alike(one, things[FOREIGN]) == alike(other, things[ABSENT]), (route.path, caller)
    assert compared > 100


def test_a_member_s_own_tenant_is_visible(
    world: World, callers: list[Caller], things: Mapping[str, Mapping[str, str]]
) -> None:
    seen = 0
    for route in routes(world):
        if "{tenant}" not in route.path or route.permission is Permission.ADMINISTRATOR:
            continue
        for caller in callers:
            if caller.username == DANA and accepts(route, caller):
                answer = knock(world, route, caller, things[OWN])
                assert answer.status not in {401, 403, 404}, (route.path, caller, answer.body)
                seen += 1
    assert seen > 10


def test_administrators_get_404_for_missing_resources(
    world: World, callers: list[Caller], things: Mapping[str, Mapping[str, str]]
) -> None:
    for route in routes(world):
        if not PLACE.search(route.path) or route.permission is not Permission.ADMINISTRATOR:
            continue
        for caller in callers:
            if caller.is_administrator and accepts(route, caller):
                status = knock(world, route, caller, things[ABSENT]).status
                assert status < 500, (route.path, caller)
                assert status != 401, (route.path, caller)
