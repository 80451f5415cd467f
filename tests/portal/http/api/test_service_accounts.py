"""Service accounts over the API: kind, owner and description."""

import json
from typing import Any

from sqlalchemy import select, update

from daypass.portal.audit.event import OPERATOR
from daypass.portal.identity.model import Role
from daypass.portal.secret import Secret
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import users
from tests.portal.http.client import Answer
from tests.portal.http.world import ADMIN, DANA, World

SAM, BOT = "sam@example.com", "shop-deployer"


def call(world: World, method: str, path: str, **body: Any) -> Answer:  # noqa: ANN401  any JSON value
    raw, headers = json.dumps(body).encode(), [("If-Match", "*")]
    return world.client().send(method, f"/api/v1{path}", world.tokens[ADMIN], body=raw, headers=headers)


def with_person(world: World) -> World:
    world.users[SAM] = world.identity.create_user(SAM, Role.USER, Secret("correct horse battery"), OPERATOR)
    return world


def test_a_service_account_has_an_owner_and_a_description(quick_world: World) -> None:
    world = with_person(quick_world)

    made = call(world, "POST", "/users", username=BOT, kind="service", owner=SAM, description="Deploys.")

    assert made.status == 201, made.body
    assert {name: made.json[name] for name in ("kind", "owner", "description", "has_password")} == {
        "kind": "service",
        "owner": SAM,
        "description": "Deploys.",
        "has_password": False,
    }
    changed = call(world, "PATCH", f"/users/{BOT}", description="Deploys the shop.")
    assert (changed.json["owner"], changed.json["description"]) == (SAM, "Deploys the shop.")
    assert changed.header("etag") != made.header("etag")
    assert call(world, "PATCH", f"/users/{BOT}", owner="").json["owner"] is None
    with world.database.reading() as connection:
        details = connection.scalars(
            select(audit_events.c.detail)
            .where(audit_events.c.action == "user.update", audit_events.c.subject == BOT)
            .order_by(audit_events.c.position)
        ).all()
    assert json.loads(details[0])["new.description"] == "Deploys the shop."
    assert json.loads(details[1])["new.owner"] is None


def test_only_service_accounts_have_an_owner_who_is_a_person(quick_world: World) -> None:
    world = with_person(quick_world)

    for path, body, status in (
        (f"/users/{SAM}", {"owner": SAM}, 422),
        (f"/users/{SAM}", {"description": "x"}, 422),
        (f"/users/{DANA}", {"owner": DANA}, 422),
        (f"/users/{DANA}", {"owner": "nobody@example.com"}, 404),
        (f"/users/{DANA}", {"description": "x" * 501}, 422),
        (f"/users/{DANA}", {"description": "x\x00"}, 422),
    ):
        assert call(world, "PATCH", path, **body).status == status, body
    refused = call(world, "POST", "/users", username="b", kind="service", password="correct horse battery")
    assert (refused.status, "never signs in" in refused.json["detail"]) == (422, True)


def test_the_list_filters_by_kind_and_rows_of_earlier_releases_count(quick_world: World) -> None:
    world = with_person(quick_world)
    with world.database.writing() as connection:
        connection.execute(update(users).where(users.c.username == DANA).values(kind=None))

    def names(kind: str) -> set[str]:
        query = f"kind={kind}"
        listed = world.client().get("/api/v1/users", world.tokens[ADMIN], query=query).json["users"]
        return {each["username"] for each in listed}

    assert names("person") == {SAM}
    assert DANA in names("service")
    person = call(world, "POST", "/users", username="new@example.com", kind="person")
    assert (person.status, person.json["kind"], person.json["has_password"]) == (201, "person", False)


def test_an_owner_who_is_deleted_leaves_the_account_without_one(quick_world: World) -> None:
    world = with_person(quick_world)
    call(world, "POST", "/users", username=BOT, owner=SAM)
    call(world, "DELETE", f"/users/{SAM}")

    assert call(world, "GET", f"/users/{BOT}").json["owner"] is None


def test_a_service_account_that_gets_a_password_is_a_person_without_a_description(quick_world: World) -> None:
    world = with_person(quick_world)
    call(world, "POST", "/users", username=BOT, owner=SAM, description="x")

    person = call(world, "PUT", f"/users/{BOT}/password", password="correct horse battery").json

    assert (person["kind"], person["owner"], person["description"]) == ("person", None, "")
