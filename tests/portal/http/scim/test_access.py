"""The callers of the channel: tokens for SCIM and no others, which reach nothing else."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import daypass.portal.http.scim
from daypass.portal.http.core.authentication import Permission
from daypass.portal.identity.model import TokenKind
from tests.portal.http.scim.conftest import provider
from tests.portal.http.scim.provider import Provider
from tests.portal.http.test_matrix_of_routes import Caller, call_route, routes
from tests.portal.http.world import ADMIN, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

CHANNEL = Path(daypass.portal.http.scim.__file__).parent
SLOW = re.compile(r"scim2_models|daypass\.portal\.http\.scim\.(group_)?resources")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
THING = {"user": "0" * 32, "group": "0" * 32, "tenant": "dev01", "name": "User", "schema": "x"}


def test_no_token_of_a_user_reaches_the_channel(scim_world: World) -> None:
    ends = scim_world.clock() + timedelta(hours=1)
    callers = [Caller("", None, "")]
    for kind in TokenKind:
        more = {} if kind is TokenKind.PERMANENT else {"grant_ends_at": ends}
        callers.append(Caller(ADMIN, kind, scim_world.token(ADMIN, kind, **more)[0]))
    own = [route for route in routes(scim_world) if route.path.startswith("/scim/")]

    assert len(own) == 20
    for route in own:
        assert route.permission is Permission.PROVISIONING
        for caller in callers:
            assert call_route(scim_world, route, caller, THING).status == 401, (route.path, caller)


def test_a_token_for_scim_reaches_nothing_else(scim_world: World, okta: Provider) -> None:
    tried = 0
    for route in routes(scim_world):
        if route.permission in {Permission.PUBLIC, Permission.PROVISIONING}:
            continue
        tried += 1
        for header in (("Authorization", f"Bearer {okta.token}"), ("Cookie", f"__Host-daypass={okta.token}")):
            path = route.path.replace("{tenant}", "dev01")
            headers = [header, ("Origin", PUBLIC_URL), FORM]
            answer = scim_world.client().send(route.method, path, headers=headers)
            assert answer.status == 401, (route.method, route.path, answer.status)
    assert tried > 100


def test_only_a_configured_provider_is_served(scim_world: World) -> None:
    for name in ("claims", "removed"):
        answer = provider(scim_world, name).send("GET", "/Users")
        assert (answer.status, answer.json["status"]) == (401, "401")


def test_a_portal_without_provisioning_has_no_channel(sqlite_url: str) -> None:
    with make_world(sqlite_url) as plain:
        assert "scim" not in {channel.name for channel in plain.portal.channels}


def test_the_library_is_imported_by_the_first_request_that_needs_it() -> None:
    importers = set()
    for path in CHANNEL.glob("*.py"):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.ImportFrom) and SLOW.match(statement.module or ""):
                importers.add(path.name)

    assert importers == {"resources.py", "group_resources.py"}
