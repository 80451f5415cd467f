"""Every route × every kind of caller × resources that are the caller's own, foreign or missing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from daypass.portal.admin.reporting.reports import Reports, SessionFilter
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import ExactRoute
from daypass.portal.http.layout.cookies import PENDING, SESSION
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.http.legacy.build import PREFIXES
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.registry import PASSKEY_REQUIRED
from daypass.portal.storage.pagination import PageRequest
from tests.portal.http.client import Answer
from tests.portal.http.pages.passkey_browser import Browser, give_password
from tests.portal.http.scim.conftest import CLAIMS, OKTA, provider
from tests.portal.http.workload_rules import workload_token
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

API_PREFIXES = ("/api/", *PREFIXES)
PLACE = re.compile(r"{(\w+)(?::path)?}")

OF_THE_SIGN_IN = {"/confirm", "/sign-out"}
"""Pages that show or end the caller's own session."""

OF_SCIM = "scim"
"""The name of the caller with a token for SCIM, who is no user."""

OWN, FOREIGN, ABSENT = "own", "foreign", "absent"


@dataclass(frozen=True, slots=True)
class Caller:
    """A user with a token of one kind, or an anonymous caller.

    A secret without a kind is no token of a user: it is sent in every place where one is read.
    """

    username: str
    kind: TokenKind | None
    secret: str

    @property
    def is_administrator(self) -> bool:
        """Whether the user is an Administrator."""
        return self.username == ADMIN


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("matrix") / "daypass.db"
    path.write_bytes(sqlite_template.read_bytes())
    with make_world(f"sqlite:///{path}", providers=(OKTA, CLAIMS)) as new_world:
        yield new_world


@pytest.fixture(scope="module")
def callers(world: World) -> list[Caller]:
    """An anonymous caller; a user, a member and an Administrator with a permanent token; others."""
    ends = world.clock() + timedelta(hours=1)
    all_callers = [Caller("", None, "")]
    all_callers += [Caller(name, TokenKind.PERMANENT, world.tokens[name]) for name in (NOOR, DANA, ADMIN)]
    all_callers.append(Caller(DANA, TokenKind.WORKLOAD, workload_token(world)))
    for kind in TokenKind:
        if kind not in {TokenKind.PERMANENT, TokenKind.WORKLOAD}:
            secret, _ = world.token(DANA, kind, grant_ends_at=ends)
            all_callers.append(Caller(DANA, kind, secret))
    secret, _ = world.token(ADMIN, TokenKind.BROWSER, grant_ends_at=ends)
    strangers = [Caller(OF_SCIM, None, provider(world, OKTA.name).token), Caller("", None, pending(world))]
    return [*all_callers, Caller(ADMIN, TokenKind.BROWSER, secret), *strangers]


def pending(world: World) -> str:
    """Return the cookie of a sign-in of an Administrator that waits for a passkey."""
    give_password(world, ADMIN)
    browser = Browser(world.client())
    world.set(PASSKEY_REQUIRED, "everyone")
    browser.enter_password(ADMIN)
    world.set(PASSKEY_REQUIRED, "off")
    return browser.cookies[PENDING]


@pytest.fixture(scope="module")
def things(world: World, callers: list[Caller]) -> Mapping[str, Mapping[str, str]]:
    """Values of path parameters, of the same length for missing resources as for existing ones."""
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
    return Reports(world.database).events(SessionFilter(), PageRequest(limit=1)).records[0].id


def routes(world: World) -> Iterator[ExactRoute]:
    for channel in world.portal.channels:
        for route in channel.routes:
            assert isinstance(route, ExactRoute), f"{route} does not say who may come"
            yield route


def is_api(route: ExactRoute) -> bool:
    return route.path.lower().startswith(API_PREFIXES)


def call_route(world: World, route: ExactRoute, caller: Caller, thing: Mapping[str, str]) -> Answer:
    """Send a request to a route: to a page with cookie and CSRF token, to an API with the bearer token."""
    method = route.method
    path = PLACE.sub(lambda place: thing.get(place[1], "admin"), route.path)
    headers = [("Origin", PUBLIC_URL), ("If-Match", '"an old version"')]
    form = b""
    if not is_api(route):
        headers += [("Content-Type", "application/x-www-form-urlencoded")]
    if caller.kind is TokenKind.BROWSER:
        headers += [("Cookie", f"{SESSION}={caller.secret}")]
        form = urlencode({FIELD: csrf_token(caller.secret)}).encode() if method == "POST" else b""
    if caller.kind is None and caller.secret:
        headers += [("Cookie", f"{SESSION}={caller.secret}; {PENDING}={caller.secret}")]
    token = caller.secret or None
    return world.client().send(method, path, token, headers=headers, body=form)


def alike(answer: Answer, thing: Mapping[str, str]) -> tuple[object, ...]:
    """Return an answer without its request id and without the requested names."""
    status, headers, body = answer.without_id
    for typed in thing.values():
        body = body.replace(typed.encode(), b"?")
        headers = [(name, value.replace(typed, "?")) for name, value in headers]
    return status, tuple(headers), re.sub(rb"[A-Za-z0-9_-]{43,}", b"token", body)


def accepts(route: ExactRoute, caller: Caller) -> bool:
    """Return whether a route accepts the caller's kind of token."""
    if route.permission is Permission.PROVISIONING:
        return caller.username == OF_SCIM
    if is_api(route) or route.permission is Permission.METRICS:
        return caller.kind in route.permission.accepts
    return caller.kind is TokenKind.BROWSER


def test_every_caller_is_answered_according_to_the_route_s_permission(
    world: World, callers: list[Caller], things: Mapping[str, Mapping[str, str]]
) -> None:
    counted = 0
    for route in routes(world):
        for caller in callers:
            if route.permission is Permission.PUBLIC or route.path in OF_THE_SIGN_IN:
                continue
            if route.permission is Permission.ADMINISTRATOR and caller.is_administrator:
                continue
            for thing in (things[ABSENT], things[FOREIGN]):
                status = call_route(world, route, caller, thing).status
                context = (route.methods, route.path, caller, status)
                counted += 1
                if not accepts(route, caller):
                    assert status == 401, context
                elif route.permission is Permission.ADMINISTRATOR:
                    assert status == 403, context
                else:
                    assert status not in {401, 500, 503}, context
    assert counted > 500


def test_foreign_and_missing_resources_get_identical_answers(
    world: World, callers: list[Caller], things: Mapping[str, Mapping[str, str]]
) -> None:
    compared = 0
    for route in routes(world):
        if not PLACE.search(route.path) or route.permission is Permission.PUBLIC:
            continue
        for caller in callers:
            if caller.is_administrator:
                continue
            one, other = (call_route(world, route, caller, things[kind]) for kind in (FOREIGN, ABSENT))
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
                answer = call_route(world, route, caller, things[OWN])
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
                status = call_route(world, route, caller, things[ABSENT]).status
                assert status < 500, (route.path, caller)
                assert status != 401, (route.path, caller)
