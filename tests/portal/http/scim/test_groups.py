"""Groups by SCIM, with the requests that Okta and Entra ID send."""

from collections.abc import Mapping

import pytest
from sqlalchemy import Engine, event

from tests.portal.http.api.test_administration import Administrator
from tests.portal.http.scim.conftest import OKTA, provider
from tests.portal.http.scim.provider import GROUP, Provider
from tests.portal.http.scim.test_users import refused
from tests.portal.http.world import ADMIN, DANA, World

ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


@pytest.fixture
def people(okta: Provider) -> tuple[str, str, str]:
    """The ids of three users whom the provider made."""
    names = ("ann", "ben", "cleo")
    ann, ben, cleo = (
        okta.create(userName=f"{name}@okta.example.com", externalId=name)["id"] for name in names
    )
    return ann, ben, cleo


def test_okta_pushes_a_group_after_it_looked_for_it(okta: Provider, people: tuple[str, ...]) -> None:
    ann, ben, _ = people
    before = okta.send("GET", "/Groups", filter='displayName eq "Platform"', startIndex="1", count="100")
    content = {"schemas": [GROUP], "displayName": "Platform", "members": [{"value": ann, "display": "ann"}]}
    created = okta.send("POST", "/Groups", content)
    group = created.json
    added = okta.patch_group(group["id"], {"op": "add", "path": "members", "value": [{"value": ben}]})

    assert (before.status, before.json["totalResults"], before.json["Resources"]) == (200, 0, [])
    assert created.status == 201
    assert created.header("location") == group["meta"]["location"]
    assert created.header("etag") == group["meta"]["version"] == 'W/"1"'
    assert (group["schemas"], group["displayName"], "externalId" in group) == ([GROUP], "Platform", False)
    user = okta.send("GET", f"/Users/{ann}").json
    assert group["members"] == [{"value": ann, "$ref": user["meta"]["location"], "type": "User"}]
    assert (added.status, added.body, added.header("etag")) == (204, b"", 'W/"2"')
    assert okta.members(group["id"]) == {ann, ben}


def test_entra_creates_a_group_without_members_and_adds_them_later(
    okta: Provider, people: tuple[str, ...]
) -> None:
    ann, ben, _ = people
    group = okta.create_group(
        "Platform",
        schemas=[GROUP, ENTRA_GROUP],
        externalId="8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        meta={"resourceType": "Group"},
    )
    for user_id in (ann, ben):
        answer = okta.patch_group(
            group["id"], {"op": "Add", "path": "members", "value": [{"$ref": None, "value": user_id}]}
        )
        assert answer.status == 204
    rename = okta.patch_group(group["id"], {"op": "Replace", "path": "displayName", "value": "Platform 2"})
    lean = okta.send(
        "GET",
        "/Groups",
        excludedAttributes="members",
        filter='externalId eq "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159" and displayName eq "platform 2"',
    ).json

    assert rename.status == 204
    assert okta.members(group["id"]) == {ann, ben}
    assert (lean["totalResults"], lean["Resources"][0]["id"]) == (1, group["id"])
    assert "members" not in lean["Resources"][0]


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        # Entra ID without the flag aadOptscim062020: by RFC 7644 it would empty the group.
        ({"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "ANN"}]}, "BEN CLEO"),
        ({"op": "Remove", "path": "members", "value": [{"value": "ANN"}, {"value": "BEN"}]}, "CLEO"),
        ({"op": "Remove", "path": "members", "value": [{"value": "ANN", "display": "x"}]}, "BEN CLEO"),
        ({"op": "Remove", "path": "members", "value": []}, "ANN BEN CLEO"),
        ({"op": "Remove", "path": "members", "value": [{"value": "a user who is gone"}]}, "ANN BEN CLEO"),
        ({"op": "Remove", "path": 'members[value eq "ANN"]'}, "BEN CLEO"),
        ({"op": "remove", "path": f'{GROUP}:members[VALUE EQ "ANN"]'}, "BEN CLEO"),
        ({"op": "remove", "path": 'members[value eq "nobody"]'}, "ANN BEN CLEO"),
        ({"op": "remove", "path": "members"}, ""),
        # Okta replaces all members, and adds without a path.
        ({"op": "replace", "path": "members", "value": [{"value": "BEN", "display": "b"}]}, "BEN"),
        ({"op": "replace", "path": "members", "value": []}, ""),
        ({"op": "add", "value": {"members": [{"value": "ANN"}]}}, "ANN BEN CLEO"),
        ({"op": "add", "path": "members", "value": []}, "ANN BEN CLEO"),
    ],
)
def test_members_after_the_operations_of_okta_and_entra(
    okta: Provider, people: tuple[str, ...], operation: Mapping[str, object], left: str
) -> None:
    ids = dict(zip(("ANN", "BEN", "CLEO"), people, strict=True))
    group = okta.create_group("Platform", *people)

    answer = okta.patch_group(group["id"], _with_ids(operation, ids))

    assert answer.status == 204, answer.body
    assert okta.members(group["id"]) == {ids[name] for name in left.split()}
    unchanged = left == "ANN BEN CLEO"
    assert answer.header("etag") == ('W/"1"' if unchanged else 'W/"2"')


def _with_ids(operation: Mapping[str, object], ids: Mapping[str, str]) -> Mapping[str, object]:
    """Return an operation with the ids of users in the place of their names."""

    def changed(value: object) -> object:
        if isinstance(value, dict):
            return {name: changed(each) for name, each in value.items()}
        if isinstance(value, list):
            return [changed(each) for each in value]
        for name, user_id in ids.items():
            value = value.replace(name, user_id) if isinstance(value, str) else value
        return value

    return {name: changed(value) if name != "op" else value for name, value in operation.items()}


def test_a_rename_of_okta_has_the_id_and_one_with_another_id_is_refused(
    okta: Provider, people: tuple[str, ...]
) -> None:
    group = okta.create_group("Platform", *people)
    rename = {"op": "replace", "value": {"id": group["id"], "displayName": "Plattform"}}

    assert okta.patch_group(group["id"], rename).status == 204
    other = {"op": "replace", "value": {"id": "0" * 32, "displayName": "Other"}}
    refused(okta.patch_group(group["id"], other), 400, "mutability")
    put = {"schemas": [GROUP], "id": "0" * 32, "displayName": "Other"}
    refused(okta.send("PUT", f"/Groups/{group['id']}", put), 400, "mutability")

    renamed = okta.send("GET", f"/Groups/{group['id']}").json
    assert (renamed["id"], renamed["displayName"]) == (group["id"], "Plattform")
    assert okta.members(group["id"]) == set(people)


def test_a_put_replaces_name_and_members(okta: Provider, people: tuple[str, ...]) -> None:
    ann, ben, cleo = people
    group = okta.create_group("Platform", ann, ben, externalId="7")
    content = {"schemas": [GROUP], "displayName": "New", "members": [{"value": ben}, {"value": cleo}]}

    answer = okta.send("PUT", f"/Groups/{group['id']}", content)

    assert (answer.status, answer.header("etag")) == (200, 'W/"2"')
    assert (answer.json["id"], answer.json["displayName"]) == (group["id"], "New")
    assert "externalId" not in answer.json
    assert {each["value"] for each in answer.json["members"]} == {ben, cleo}


def test_only_users_of_the_same_provider_become_members(
    okta: Provider, scim_world: World, people: tuple[str, ...]
) -> None:
    ann, _, gone = people
    okta.send("DELETE", f"/Users/{gone}")
    group = okta.create_group("Platform", ann)
    nested = okta.create_group("Nested")
    foreign = [scim_world.users[ADMIN].id, scim_world.users[DANA].id, gone, nested["id"], "x\x00", "é" * 300]

    for user_id in foreign:
        value = [{"value": ann}, {"value": user_id}]
        content = {"schemas": [GROUP], "displayName": "Other", "members": value}
        refused(okta.send("POST", "/Groups", content), 400, "invalidValue")
        refused(okta.send("PUT", f"/Groups/{group['id']}", content), 400, "invalidValue")
        for op in ("add", "replace"):
            change = {"op": op, "path": "members", "value": value}
            refused(okta.patch_group(group["id"], change), 400, "invalidValue")

    unchanged = okta.send("GET", f"/Groups/{group['id']}").json
    assert unchanged == group


def test_other_groups_do_not_exist_for_a_provider(okta: Provider, scim_world: World) -> None:
    admin = Administrator(scim_world)
    local = admin("POST", "/groups", {"name": "local"})
    claim = admin("POST", "/groups", {"name": "readers", "provider": "claims", "value": "readers"})

    for group_id in (local.json["id"], claim.json["id"], "local", "x\x00"):
        refused(okta.send("GET", f"/Groups/{group_id}"), 404)
        refused(okta.send("PUT", f"/Groups/{group_id}", {"schemas": [GROUP], "displayName": "X"}), 404)
        refused(okta.patch_group(group_id, {"op": "replace", "path": "displayName", "value": "X"}), 404)
        refused(okta.send("DELETE", f"/Groups/{group_id}"), 404)
    assert okta.send("GET", "/Groups").json["totalResults"] == 0


def test_a_wrong_body_changes_nothing(okta: Provider, people: tuple[str, ...]) -> None:
    group = okta.create_group("Platform", *people, externalId="7")
    okta.create_group("Other", externalId="8")
    add = {"op": "add", "path": "members"}

    for operation, kind in (
        (add, "invalidValue"),
        ({**add, "value": ["an id"]}, "invalidValue"),
        ({**add, "value": [{"display": "x"}]}, "invalidValue"),
        ({"op": "Remove", "path": "members", "value": None}, "invalidValue"),
        ({"op": "explode", "path": "members", "value": []}, "invalidValue"),
        ({"op": "remove", "path": 'members[display eq "x"]'}, "invalidPath"),
        ({"op": "remove", "path": 'members[value eq "\\x"]'}, "invalidPath"),
        ({"op": "replace", "path": "members.value", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "displayName", "value": ""}, "invalidValue"),
        ({"op": "remove", "path": "displayName"}, "mutability"),
        ("no object", "invalidValue"),
    ):
        remove = {"op": "remove", "path": "members"}
        refused(okta.patch_group(group["id"], remove, operation), 400, kind)  # type: ignore[arg-type]  # wrong on purpose
    refused(okta.send("PATCH", f"/Groups/{group['id']}", {"Operations": []}), 400, "invalidValue")
    refused(okta.send("POST", "/Groups", {"schemas": [GROUP]}), 400, "invalidValue")
    refused(okta.send("POST", "/Groups", {"schemas": [GROUP], "displayName": " x"}), 400, "invalidValue")
    refused(okta.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "Other"}), 409, "uniqueness")
    taken = {"schemas": [GROUP], "displayName": "New", "externalId": "8"}
    refused(okta.send("PUT", f"/Groups/{group['id']}", taken), 409, "uniqueness")

    assert okta.send("GET", f"/Groups/{group['id']}").json == group


def test_a_stale_if_match_is_refused(okta: Provider) -> None:
    group = okta.create_group("Platform")
    path = f"/Groups/{group['id']}"
    rename = {"op": "replace", "path": "displayName", "value": "D"}
    assert okta.patch_group(group["id"], rename, if_match='W/"1"').status == 204

    refused(okta.patch_group(group["id"], rename, if_match='W/"1"'), 412)
    refused(okta.send("PUT", path, {"schemas": [GROUP], "displayName": "E"}, if_match='W/"1"'), 412)
    refused(okta.send("DELETE", path, if_match='W/"1"'), 412)
    assert okta.send("DELETE", path, if_match='W/"2"').status == 204
    refused(okta.send("GET", path), 404)


def test_pages_and_filters(okta: Provider, people: tuple[str, ...]) -> None:
    ann = people[0]
    made = [okta.create_group(f"Group {n}", *people[: n % 2], externalId=str(n))["id"] for n in range(5)]

    pages = [okta.send("GET", "/Groups", startIndex=str(start), count="2").json for start in (1, 3, 5, 7)]
    assert [page["itemsPerPage"] for page in pages] == [2, 2, 1, 0]
    assert {page["totalResults"] for page in pages} == {5}
    assert {group["id"] for page in pages for group in page["Resources"]} == set(made)
    for text, found in (
        ('displayName eq "group 3"', 1),
        ('displayName eq "Group 3" and externalId eq "4"', 0),
        ('externalId eq "3"', 1),
        (f'members[value eq "{ann}"]', 2),
        (f'id eq "{made[1]}" and members eq "{ann}"', 1),
        ('displayName eq "\\"; DROP TABLE groups; --"', 0),
    ):
        for more in ({}, {"excludedAttributes": "members"}):
            answer = okta.send("GET", "/Groups", filter=text, **more)
            assert (answer.status, answer.json["totalResults"]) == (200, found), text
    for text in ("nonsense", 'source eq "local"', "a" * 2000):
        refused(okta.send("GET", "/Groups", filter=text), 400, "invalidFilter")


def test_a_value_of_another_type_is_named_by_its_place(okta: Provider) -> None:
    group = okta.create_group("Platform")
    answer = okta.patch_group(group["id"], {"op": "replace", "path": "displayName", "value": 5})

    refused(answer, 400, "invalidValue")
    # In our words: those of the library have several lines, and an address of its own documentation.
    assert answer.json["detail"] == "The request has invalid values: display_name."


def test_a_lookup_reads_the_members_of_no_group_but_the_found_ones(
    okta: Provider, people: tuple[str, ...]
) -> None:
    found, other = okta.create_group("Platform", *people), okta.create_group("Other", *people)
    read: list[str] = []

    def record(_connection: object, _cursor: object, text: str, parameters: object, *_: object) -> None:
        if text.startswith("SELECT group_members.group_id"):
            read.append(str(parameters))

    event.listen(Engine, "before_cursor_execute", record)
    try:
        answer = okta.send("GET", "/Groups", filter='displayName eq "Platform"')
        every = okta.send("POST", "/.search", {"filter": 'displayName eq "Platform"'})
    finally:
        event.remove(Engine, "before_cursor_execute", record)

    for each in (answer.json["Resources"], every.json["Resources"]):
        assert [{member["value"] for member in group["members"]} for group in each] == [set(people)]
    assert [found["id"] in text for text in read] == [True, True]
    assert other["id"] not in str(read)


def test_attributes_of_the_answer_are_chosen(okta: Provider, people: tuple[str, ...]) -> None:
    group = okta.create_group("Platform", *people)
    path = f"/Groups/{group['id']}"

    lean = okta.send("GET", path, excludedAttributes="members").json
    only = okta.send("GET", "/Groups", attributes="displayName").json["Resources"][0]
    after = okta.send(
        "PATCH",
        path,
        {"Operations": [{"op": "remove", "path": f'members[value eq "{people[0]}"]'}]},
        attributes="members.value",
    )

    assert lean.keys() == group.keys() - {"members"}
    assert only.keys() == {"schemas", "id", "displayName"}
    assert (after.status, len(after.json["members"])) == (200, 2)


def test_a_search_finds_users_and_groups(okta: Provider, people: tuple[str, ...]) -> None:
    okta.create_group("Platform", *people)

    def found(path: str, text: str) -> list[str]:
        answer = okta.send("POST", path, {"filter": text} if text else {})
        assert answer.status == 200, answer.body
        return [each["meta"]["resourceType"] for each in answer.json["Resources"]]

    assert found("/.search", "") == ["User", "User", "User", "Group"]
    assert found("/.search", 'displayName eq "Platform"') == ["Group"]
    assert found("/.search", 'userName sw "ann"') == ["User"]
    assert found("/Groups/.search", "") == ["Group"]
    refused(okta.send("POST", "/.search", {"filter": "nonsense"}), 400, "invalidFilter")


def test_the_discovery_documents_name_groups(okta: Provider) -> None:
    types = okta.send("GET", "/ResourceTypes").json["Resources"]
    schema = okta.send("GET", f"/Schemas/{GROUP}").json

    assert {each["name"]: each["endpoint"] for each in types} == {"User": "/Users", "Group": "/Groups"}
    assert {each["name"] for each in schema["attributes"]} == {"displayName", "members"}
    assert schema["meta"]["location"].endswith(f"/Schemas/{GROUP}")


def test_a_token_of_another_provider_reaches_no_group(scim_world: World, okta: Provider) -> None:
    group = okta.create_group("Platform")

    refused(provider(scim_world, "claims").send("GET", f"/Groups/{group['id']}"), 401)
    assert OKTA.name == "okta"
