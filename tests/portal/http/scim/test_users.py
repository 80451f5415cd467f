"""Users by SCIM, with the requests that Okta and Entra ID send."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daypass.portal.identity.model import Role
from daypass.portal.identity.store.users import UserStore
from tests.portal.http.client import Answer
from tests.portal.http.scim.provider import ENTERPRISE, ERROR, USER, Provider, okta_user
from tests.portal.http.world import ADMIN, DANA, World


def refused(answer: Answer, status: int, scim_type: str | None = None) -> None:
    """Check that an answer is an error in the format of SCIM."""
    assert answer.status == status, answer.body
    assert answer.header("content-type") == "application/scim+json"
    content = answer.json
    assert content["schemas"] == [ERROR]
    assert content["status"] == str(status)
    assert content.get("scimType") == scim_type
    assert content["detail"]


def test_okta_creates_a_user_after_it_looked_for_them(okta: Provider) -> None:
    before = okta.send(
        "GET", "/Users", filter='userName eq "dana@okta.example.com"', startIndex="1", count="100"
    )
    created = okta.send("POST", "/Users", okta_user())
    after = okta.send("GET", "/Users", filter='userName eq "Dana@okta.example.com"')

    assert (before.status, before.json["totalResults"], before.json["Resources"]) == (200, 0, [])
    assert created.status == 201
    user = created.json
    assert created.header("location") == user["meta"]["location"]
    assert created.header("etag") == user["meta"]["version"] == 'W/"1"'
    assert user["schemas"] == [USER]
    assert (user["userName"], user["externalId"]) == ("dana@okta.example.com", "00ujl29u0le5T6Aj10h7")
    assert user["name"] == {"givenName": "Dana", "familyName": "Berg"}
    assert user["emails"] == [{"primary": True, "value": "dana@okta.example.com", "type": "work"}]
    assert user["active"] is True
    assert "password" not in user
    assert after.json["Resources"] == [user]
    assert okta.send("GET", f"/Users/{user['id']}").json == user


def test_entra_creates_a_user_with_an_extension(okta: Provider) -> None:
    body = okta_user(
        externalId="0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", meta={"resourceType": "User"}, roles=[]
    )
    body |= {"schemas": [USER, ENTERPRISE], ENTERPRISE: {"department": "Sales", "manager": {"value": "7"}}}

    answer = okta.send("POST", "/Users", body)

    assert answer.status == 201
    assert answer.json["schemas"] == [USER]


def test_a_role_in_the_body_gives_none(okta: Provider, scim_world: World) -> None:
    user = okta.create(
        roles=[{"value": "Administrator", "primary": True}],
        entitlements=[{"value": "admin"}],
        role="Administrator",
        id=scim_world.users[ADMIN].id,
        externalId="1",
    )
    okta.patch(user["id"], {"op": "add", "path": "roles", "value": [{"value": "Administrator"}]})
    okta.patch(user["id"], {"op": "add", "value": {"role": "Administrator", "roles": ["Administrator"]}})

    with scim_world.database.reading() as connection:
        stored = UserStore(connection).find("dana@okta.example.com")
    assert stored is not None
    assert (stored.id, stored.role) == (user["id"], Role.USER)
    assert stored.id != scim_world.users[ADMIN].id


def test_users_of_the_portal_are_out_of_reach(okta: Provider, scim_world: World) -> None:
    for name in (ADMIN, DANA):
        user_id = scim_world.users[name].id
        refused(okta.send("GET", f"/Users/{user_id}"), 404)
        refused(okta.send("PUT", f"/Users/{user_id}", okta_user()), 404)
        refused(okta.patch(user_id, {"op": "replace", "value": {"active": False}}), 404)
        refused(okta.send("DELETE", f"/Users/{user_id}"), 404)
        refused(okta.send("POST", "/Users", okta_user(userName=name.upper())), 409, "uniqueness")
    assert okta.send("GET", "/Users").json["totalResults"] == 0


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "value": {"active": False}},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Replace", "path": "active", "value": False},
        {"op": "Replace", "value": {"active": "False", "name.givenName": "D"}},
    ],
)
def test_a_user_is_deactivated_in_the_forms_of_okta_and_entra(
    okta: Provider, operation: dict[str, object]
) -> None:
    user = okta.create()

    answer = okta.patch(user["id"], operation)

    assert answer.status == 200
    assert answer.json["active"] is False
    assert okta.send("GET", f"/Users/{user['id']}").json["active"] is False


def test_a_put_without_active_enables_nobody(okta: Provider) -> None:
    user = okta.create(active=False)
    without = okta_user(displayName="Dana B.")
    del without["active"]

    put = okta.send("PUT", f"/Users/{user['id']}", without)

    assert (put.json["active"], put.json["displayName"]) == (False, "Dana B.")
    assert okta.send("PUT", f"/Users/{user['id']}", okta_user(active=True)).json["active"] is True


def test_the_patches_of_entra(okta: Provider) -> None:
    user = okta.create(emails=[])

    answer = okta.patch(
        user["id"],
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "dana@corp.local"},
        {"op": "Replace", "path": "name.familyName", "value": "Berger"},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Support"},
        {"op": "Replace", "path": "userName", "value": "dana.berger@okta.example.com"},
    )

    assert answer.status == 200
    assert answer.json["emails"] == [{"type": "work", "value": "dana@corp.local"}]
    assert answer.json["name"]["familyName"] == "Berger"
    assert answer.json["userName"] == "dana.berger@okta.example.com"


def test_a_wrong_patch_changes_nothing(okta: Provider) -> None:
    user = okta.create()
    rename = {"op": "replace", "path": "displayName", "value": "X"}

    refused(
        okta.patch(user["id"], rename, {"op": "replace", "path": "active", "value": "perhaps"}),
        400,
        "invalidValue",
    )
    refused(okta.patch(user["id"], rename, {"op": "replace", "value": {"id": "other"}}), 400, "mutability")
    refused(okta.patch(user["id"], {"op": "explode"}), 400, "invalidValue")
    refused(okta.send("PUT", f"/Users/{user['id']}", okta_user(id="other")), 400, "mutability")
    refused(okta.send("PATCH", f"/Users/{user['id']}", ["no object"]), 400, "invalidSyntax")
    refused(okta.send("POST", "/Users", {"schemas": [USER]}), 400, "invalidValue")
    refused(okta.send("POST", "/Users", okta_user(userName="a/b")), 400, "invalidValue")

    assert okta.send("GET", f"/Users/{user['id']}").json == user


def test_a_stale_if_match_is_refused(okta: Provider) -> None:
    user = okta.create()
    operation = {"op": "replace", "path": "displayName", "value": "D"}
    content = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}

    first = okta.send("PATCH", f"/Users/{user['id']}", content, if_match='W/"1"')

    assert first.header("etag") == 'W/"2"'
    for method, body in (("PATCH", content), ("PUT", okta_user()), ("DELETE", None)):
        refused(okta.send(method, f"/Users/{user['id']}", body, if_match='W/"1"'), 412)
    assert okta.send("DELETE", f"/Users/{user['id']}", if_match="*").status == 204


def test_a_deleted_user_is_gone_and_can_be_created_again(okta: Provider) -> None:
    user = okta.create()

    assert okta.send("DELETE", f"/Users/{user['id']}").status == 204

    refused(okta.send("GET", f"/Users/{user['id']}"), 404)
    refused(okta.send("DELETE", f"/Users/{user['id']}"), 404)
    assert okta.create()["id"] != user["id"]


def test_pages_are_numbered_from_one_and_limited(okta: Provider) -> None:
    made = {okta.create(userName=f"u{n}@example.com", externalId=str(n))["id"] for n in range(5)}

    pages = [okta.send("GET", "/Users", startIndex=str(start), count="2").json for start in (1, 3, 5, 7)]

    assert [page["itemsPerPage"] for page in pages] == [2, 2, 1, 0]
    assert {page["totalResults"] for page in pages} == {5}
    assert {user["id"] for page in pages for user in page["Resources"]} == made
    assert okta.send("GET", "/Users", startIndex="-3", count="-1").json["itemsPerPage"] == 0
    filtered = okta.send("GET", "/Users", filter="active eq true", startIndex="2", count="3").json
    assert (filtered["totalResults"], filtered["itemsPerPage"]) == (5, 3)
    refused(okta.send("GET", "/Users", count="many"), 400, "invalidValue")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('externalId eq "00ujl29u0le5T6Aj10h7"', 1),
        ('externalId eq "00UJL29U0LE5T6AJ10H7"', 0),
        ('USERNAME eq "DANA@okta.example.com"', 1),
        ('userName sw "dana" and active eq true', 1),
        ('emails[type eq "work"].value co "okta"', 1),
        ('emails.value eq "nobody@example.com"', 0),
        ('displayName eq "dana berg"', 1),
        ('userName eq "\\"; DROP TABLE users; --"', 0),
        ("userName eq \"' OR '1'='1\"", 0),
    ],
)
def test_filters(okta: Provider, text: str, found: int) -> None:
    okta.create()

    answer = okta.send("GET", "/Users", filter=text)

    assert (answer.status, answer.json["totalResults"]) == (200, found)


@pytest.mark.parametrize(
    "text", ["nonsense", 'roles eq "x"', 'userName eq "x" or 1 eq 1', "(" * 990, "a" * 2000]
)
def test_a_wrong_filter_is_refused(okta: Provider, text: str) -> None:
    refused(okta.send("GET", "/Users", filter=text), 400, "invalidFilter")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=20).map(lambda value: f'userName eq "{value}"'),
        st.text(max_size=20).map(lambda value: f'externalId eq "{value}" and active eq true'),
    )
)
def test_no_filter_finds_another_s_user_or_breaks_the_answer(okta: Provider, text: str) -> None:
    answer = okta.send("GET", "/Users", filter=text)

    assert answer.status in {200, 400}, answer.body
    if answer.status == 200:
        assert answer.json["Resources"] == []
    else:
        assert answer.json["scimType"] == "invalidFilter"


def test_attributes_can_be_left_out(okta: Provider) -> None:
    user = okta.create()

    chosen = okta.send("GET", f"/Users/{user['id']}", attributes="userName").json
    without = okta.send("GET", "/Users", excludedAttributes="emails,meta").json["Resources"][0]

    assert chosen.keys() == {"schemas", "id", "userName"}
    assert without.keys() == user.keys() - {"emails", "meta"}


def test_a_body_beyond_the_limit_is_refused(okta: Provider) -> None:
    refused(okta.send("POST", "/Users", okta_user(displayName="x" * 1024 * 1024)), 413)
    refused(okta.send("POST", "/Users", okta_user(displayName="x" * 20_000)), 400, "invalidValue")
