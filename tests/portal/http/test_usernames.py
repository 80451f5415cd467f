"""Usernames on every channel: in URLs, and when users are created."""

import html
from collections.abc import Callable
from urllib.parse import quote

import pytest
from sqlalchemy import insert

from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.browser_sessions import BrowserSessions
from daypass.portal.identity.model import Role
from daypass.portal.identity.store.users import UserStore
from daypass.portal.secret import Secret
from daypass.portal.storage.schema.identity import users
from tests.fakes import quick_hash
from tests.portal import password_sign_in
from tests.portal.http.client import Answer
from tests.portal.http.pages.test_administrator import sign_in
from tests.portal.http.world import ADMIN, DANA, DEV, World
from tests.portal.identity.test_usernames import ACCEPTED

OLD = "a/b@example.com"


def by_api(world: World, name: str) -> Answer:
    return world.client().post("/api/v1/users", world.tokens[ADMIN], {"username": name, "role": "User"})


def by_legacy_api(world: World, name: str) -> Answer:
    body = {"Username": name, "Roles": ["User"], "State": "added"}
    return world.client().post("/admin/UpdateUserRole", world.tokens[ADMIN], body)


def by_page(world: World, name: str) -> Answer:
    return sign_in(world, ADMIN).send("/administrator/users", username=name, role="User", sign_in="none")


def by_import(world: World, name: str) -> Answer:
    body = {"csv": f"username,role\n{name},User\n", "dry_run": False}
    return world.client().post("/api/v1/user-imports", world.tokens[ADMIN], body)


CREATORS = [by_api, by_legacy_api, by_page, by_import]


@pytest.mark.parametrize("create_user", CREATORS)
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Operator", "is reserved"),
        (OLD, "has no slash"),
        ("a\u034fdmin@example.com", "the character U+034F"),
        ("\u0430dmin@example.com", "mixes letters of Cyrillic and Latin"),
    ],
)
def test_no_channel_creates_a_user_with_a_misleading_name(
    quick_world: World, create_user: Callable[[World, str], Answer], name: str, says: str
) -> None:
    refused = create_user(quick_world, name)

    assert refused.status in {400, 422}, refused.body
    text = html.unescape(refused.body.decode("unicode_escape" if b"\\u" in refused.body else "utf-8"))
    assert says in text
    created_user = quick_world.client().get("/api/v1/users", quick_world.tokens[ADMIN]).json["users"]
    assert {one["username"] for one in created_user} == set(quick_world.users)


@pytest.mark.parametrize("create_user", [by_api, by_legacy_api, by_page])
def test_every_channel_refuses_another_spelling_of_an_existing_name(
    quick_world: World, create_user: Callable[[World, str], Answer]
) -> None:
    refused = create_user(quick_world, DANA.upper())

    assert refused.status == 409
    said = html.unescape(refused.body.decode())
    assert (
        f"The username “{DANA}” is already taken. “{DANA.upper()}” is another spelling of that name." in said
    )


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_accepted_name_is_addressable_on_every_channel(quick_world: World, name: str) -> None:
    client, token = quick_world.client(), quick_world.tokens[ADMIN]
    body = {"username": name, "role": "User"}
    created_user = client.post("/api/v1/users", token, body)
    assert created_user.status == 201, created_user.body
    member = f"/api/v1/tenants/{DEV.name}/members/{quote(name, safe='')}"
    joined = client.send(
        "PUT", member, token, body=b'{"access": "full"}', is_quoted=True, headers=[("If-None-Match", "*")]
    )

    user = f"/api/v1/users/{quote(name, safe='')}"
    legacy = f"/v3/admin/user/{quote(name, safe='')}/tenantAccess"
    shown = [
        client.send("GET", path, token, is_quoted=True)
        for path in (user, f"{user}/memberships", member, legacy)
    ]
    page = sign_in(quick_world, ADMIN)
    shown.append(
        client.send(
            "GET", f"/administrator/users/{quote(name, safe='')}", headers=page.headers(), is_quoted=True
        )
    )

    assert joined.status in {200, 201}, joined.body
    assert [answer.status for answer in shown] == [200] * 5
    assert shown[0].json["username"] == created_user.json["username"]


def test_a_user_whose_name_predates_the_rules_is_addressed_by_id(quick_world: World) -> None:
    row = {
        "id": "f" * 32,
        "username": OLD,
        "role": "User",
        "password_hash": None,
        "created_at": quick_world.clock(),
    }
    with quick_world.database.writing() as connection:
        connection.execute(insert(users), row)
    client, token = quick_world.client(), quick_world.tokens[ADMIN]

    shown = client.get(f"/api/v1/users/{'f' * 32}", token)
    access = client.get(f"/v3/admin/user/{'f' * 32}/tenantAccess", token)
    imported = client.post(
        "/api/v1/user-imports", token, {"csv": f"username,role,tenants\n{OLD},,dev01\n", "dry_run": True}
    )

    assert (shown.status, shown.json["username"]) == (200, OLD)
    assert access.status == 200
    assert imported.status == 200, imported.body
    assert imported.json["lines"][0]["problem"] is None


def by_operator(world: World, name: str) -> Answer:
    try:
        world.identity.create_user(name, Role.ADMINISTRATOR, None, OPERATOR)
    except InvalidRequest as refusal:
        return Answer(422, [], refusal.reason.encode())
    return Answer(201, [], b"")


@pytest.mark.parametrize("create", [*CREATORS, by_operator])
@pytest.mark.parametrize(
    ("name", "says"),
    [("\u0251dmin@example.com", "U+0251"), ("ci\u2010bot", "U+2010"), ("adm\u0131n@example.com", "Write i.")],
)
def test_a_name_that_looks_like_another_is_refused_on_every_channel(
    quick_world: World, create: Callable[[World, str], Answer], name: str, says: str
) -> None:
    answer = create(quick_world, name)

    assert says in answer.body.decode()
    with quick_world.database.reading() as connection:
        assert not UserStore(connection).is_taken(name)
    assert create(quick_world, "admin-2@example.com").status < 400
    with quick_world.database.reading() as connection:
        assert UserStore(connection).is_taken("admin-2@example.com")


def test_a_user_whose_name_predates_the_rules_signs_in_and_is_administered(quick_world: World) -> None:
    name, password = "\u0131\u015f\u0131k\u2010\u0251@example.com", Secret("correct horse")
    row = {
        "id": "e" * 32,
        "username": name,
        "role": "User",
        "password_hash": quick_hash(password),
        "created_at": quick_world.clock(),
    }
    with quick_world.database.writing() as connection:
        connection.execute(insert(users), row)
    client, token = quick_world.client(), quick_world.tokens[ADMIN]
    browser_sessions = BrowserSessions(
        quick_world.database, quick_world.identity.committer, quick_world.clock
    )

    signed_in = password_sign_in.sign_in(browser_sessions, name, password, address="192.0.2.7")
    legacy = {"Username": name, "Roles": ["Administrator"], "State": "updated"}
    imported = {"csv": f"username,role,tenants\n{name},,dev01\n", "dry_run": True}

    assert signed_in.user.username == name
    shown = client.send("GET", f"/api/v1/users/{quote(name, safe='')}", token, is_quoted=True)
    assert shown.json["username"] == name
    assert client.post("/admin/UpdateUserRole", token, legacy).status == 200
    assert client.post("/api/v1/user-imports", token, imported).json["lines"][0]["problem"] is None
