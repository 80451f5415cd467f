"""No sequence of a user's calls, in any order, extends the permissions of any user."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from daypass.portal.http.core.routing import ExactRoute
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT, ENABLE_ADMIN_JIT_ON_UI, TENANT_VALIDITY
from daypass.portal.storage.schema.administration import settings as written
from daypass.portal.storage.schema.groups import group_members, group_memberships, groups
from daypass.portal.storage.schema.identity import api_tokens, users
from daypass.portal.storage.schema.tenants import memberships, permission_sets, tenants
from tests.portal.groups.examples import DEVELOPERS, PLATFORM, add
from tests.portal.http.test_matrix_of_routes import PLACE, is_api
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, World
from tests.portal.http.world import world as make_world

BODIES: tuple[object, ...] = (
    None,
    {},
    {"role": "Administrator"},
    {"disabled": False},
    {"username": "mine@example.com", "role": "Administrator", "password": "correct horse battery"},
    {"password": "correct horse battery"},
    {"csv": f"username,role,tenants\n{DANA},Administrator,data01\n", "dry_run": False},
    {"access": "full"},
    {"value": "43200"},
    {"value": "true"},
    {"user": DANA, "name": "mine"},
    {"user": ADMIN, "name": "mine", "days": 365},
    {"name": "mine01", "region": "eu-west-1"},
    {"region": "eu-west-1", "role_arn": DATA.target.role_arn},
    {"tenant": "dev01", "duration": "12h"},
    {"tenant": "data01"},
    {"admin": True, "duration": "12h"},
    {"Username": DANA, "Roles": ["Administrator"], "State": "updated"},
    {"Username": DANA, "TenantId": DATA.id, "Policy": {"IsReadOnly": False}},
    {"Type": "Flags", "Key": ENABLE_ADMIN_JIT_ON_UI.key, "Value": "true"},
    {"Type": "Flags", "Key": DISABLE_NON_ADMIN_JIT.key, "Value": "false"},
    {"Key": TENANT_VALIDITY.key, "Value": "43200"},
    {"name": "mine", "provider": "okta", "value": "all", "makes_administrators": True},
    {"permission_set": "full", "ends_at": None},
    {"AccountName": "mine01", "PlanID": "default"},
)
PLACES: dict[str, tuple[str, ...]] = {
    "tenant": (DEV.id, "dev01", "prod01", DATA.id, "data01", "none"),
    "user": (DANA, NOOR, ADMIN, "none"),
    "username": (DANA, NOOR, ADMIN, "none"),
    "key": (TENANT_VALIDITY.key, ENABLE_ADMIN_JIT_ON_UI.key, DISABLE_NON_ADMIN_JIT.key),
    "type": ("Flags", "AppConfig"),
    "permission_set": ("operator", "full"),
    "role": ("admin", "duplo-ops"),
    "group": (PLATFORM.id, DEVELOPERS.name, "none"),
}

Permissions = dict[str, set[tuple[Any, ...]]]


COLUMNS = {
    "users": (users.c.id, users.c.role, users.c.disabled_at, users.c.password_hash),
    "members": (
        memberships.c.user_id,
        memberships.c.tenant_id,
        memberships.c.is_read_only,
        memberships.c.permission_set_id,
    ),
    "permission sets": (
        permission_sets.c.name,
        permission_sets.c.rank,
        permission_sets.c.policies,
        permission_sets.c.denies,
    ),
    "groups": (groups.c.id, groups.c.external_id, groups.c.makes_administrators),
    "members of groups": (group_members.c.group_id, group_members.c.user_id),
    "memberships of groups": (
        group_memberships.c.group_id,
        group_memberships.c.tenant_id,
        group_memberships.c.is_read_only,
        group_memberships.c.ends_at,
    ),
    "tenants": (tenants.c.id, tenants.c.region, tenants.c.role_arn),
    "settings": (written.c.tenant_id, written.c.type, written.c.key, written.c.value),
    "tokens": (api_tokens.c.id, api_tokens.c.user_id, api_tokens.c.kind, api_tokens.c.expires_at),
}


def all_permissions(world: World) -> Permissions:
    """Return all permissions and durations that a call could extend."""
    with world.database.reading() as connection:
        return {
            what: {tuple(row) for row in connection.execute(select(*columns))}
            for what, columns in COLUMNS.items()
        }


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("widens") / "daypass.db"
    shutil.copy(sqlite_template, path)
    with make_world(f"sqlite:///{path}") as new_world:
        with new_world.database.writing() as connection:
            for group in (PLATFORM, DEVELOPERS):
                add(connection, group)
        yield new_world


@st.composite
def calls(draw: st.DrawFn, routes: list[ExactRoute]) -> tuple[str, str, object]:
    route = draw(st.sampled_from(routes))
    method = route.method
    path = PLACE.sub(lambda place: draw(st.sampled_from(PLACES.get(place[1], (uuid4().hex,)))), route.path)
    return method, path, draw(st.sampled_from(BODIES))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_sequence_of_a_user_s_calls_extends_any_permission(world: World, data: st.DataObject) -> None:
    routes = [
        route
        for channel in world.portal.channels
        for route in channel.routes
        if isinstance(route, ExactRoute)
    ]
    routes = [route for route in routes if is_api(route)]
    tokens = [world.tokens[DANA], world.token(DANA, TokenKind.TEMPORARY)[0]]
    before = all_permissions(world)

    for method, path, requested in data.draw(st.lists(calls(routes), min_size=5, max_size=20)):
        body = b"" if requested is None else json.dumps(requested).encode()
        headers = [("If-Match", "*")]
        answer = world.client().send(
            method, path, data.draw(st.sampled_from(tokens)), body=body, headers=headers
        )
        assert answer.status < 500, (method, path, requested)

    after = all_permissions(world)
    for what, rows in after.items():
        assert rows <= before[what], what
    assert DATA.target.role_arn not in {session.role_arn for session, _ in world.broker.assumed}
