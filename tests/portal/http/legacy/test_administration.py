"""The legacy calls of Administrators, in the formats of duploctl and the Terraform provider."""

import json

import pytest

from daypass.portal.settings.registry import ENABLE_ADMIN_JIT_ON_UI, TENANT_VALIDITY
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, PROD, World

ACCESS = "/admin/UpdateUserAccess"
ROLE = "/admin/UpdateUserRole"
CONFIG = "/v3/admin/systemSettings/config"
NOTE, NOTES = "/admin/UpdateTenantConfigData", f"/admin/GetTenantConfigData/{DEV.id}"
METADATA = f"/v3/admin/tenant/{DEV.id}/metadata"


def call(world: World, method: str, path: str, requested: object = None, token: str | None = None) -> Answer:
    body = b"" if requested is None else json.dumps(requested).encode()
    return world.client().send(method, path, token or world.tokens[ADMIN], body=body)


def usernames(world: World) -> dict[str, list[str]]:
    listed = call(world, "GET", "/admin/GetAllUserRoles").json
    return {user["Username"]: user["Roles"] for user in listed}


@pytest.mark.parametrize("policy", [{"IsReadOnly": None}, {"IsReadOnly": True}, {"IsReadOnly": False}, {}])
def test_the_legacy_call_does_not_replace_a_custom_permission_set(
    world: World, policy: dict[str, object]
) -> None:
    created = world.client().send(
        "PUT",
        "/api/v1/permission-sets/operator",
        world.tokens[ADMIN],
        body=b'{"rank": 500, "policies": ["aws:ReadOnlyAccess"]}',
        headers=[("If-None-Match", "*")],
    )
    assert created.status == 200
    member = f"/api/v1/tenants/{DEV.id}/members/{DANA}"
    given = world.client().send(
        "PUT",
        member,
        world.tokens[ADMIN],
        body=b'{"permission_set": "operator"}',
        headers=[("If-Match", "*")],
    )
    assert given.status == 200

    refused = call(world, "POST", ACCESS, {"TenantId": DEV.id, "Username": DANA, "Policy": policy})

    assert refused.status == 409
    assert "“operator”" in refused.json["Message"]
    assert call(world, "GET", member).json["permission_set"] == "operator"
    listed = call(world, "GET", f"/v3/admin/user/{DANA}/tenantAccess").json
    assert [one["Policy"] for one in listed if one["TenantId"] == DEV.id] == [{"IsReadOnly": True}]
    gone = {"TenantId": DEV.id, "Username": DANA, "State": "deleted"}
    assert call(world, "POST", ACCESS, gone).status == 204


def test_duploctl_creates_and_deletes_a_user(world: World) -> None:
    created = call(world, "POST", ROLE, {"Username": "rita@example.com", "Roles": ["User"], "State": "added"})
    assert (created.status, created.json["Username"], created.json["Roles"]) == (
        200,
        "rita@example.com",
        ["User"],
    )

    more = {"Username": "rita@example.com", "Roles": ["User", "Administrator"], "State": "updated"}
    assert call(world, "POST", ROLE, more).json["Roles"] == ["Administrator"]
    ended = call(world, "POST", ROLE, {"Username": "rita@example.com", "State": "deleted"})
    assert (ended.status, ended.json) == (200, None)
    assert usernames(world) == {ADMIN: ["Administrator"], DANA: ["User"], NOOR: ["User"]}
    assert call(world, "POST", ROLE, {"Username": "rita@example.com", "State": "deleted"}).status == 404


def test_the_terraform_provider_creates_a_user(quick_world: World) -> None:
    requested = {"Username": "rita@example.com", "Roles": ["User"], "IsReadOnly": False, "VpnStaticIp": ""}

    assert call(quick_world, "POST", ROLE, requested).status == 200
    assert call(quick_world, "POST", ROLE, {**requested, "Roles": ["Administrator"]}).status == 200
    assert usernames(quick_world)["rita@example.com"] == ["Administrator"]


@pytest.mark.parametrize(("policy", "access"), [(None, "full"), (False, "full"), (True, "read-only")])
def test_changes_of_tenant_access_answer_204(quick_world: World, policy: bool | None, access: str) -> None:
    requested = {"Policy": {"IsReadOnly": policy}, "Username": NOOR, "TenantId": DATA.id}
    given = call(quick_world, "POST", ACCESS, requested)
    assert (given.status, given.body) == (204, b"")
    (tenant,) = quick_world.client().get("/api/v1/tenants", quick_world.tokens[NOOR]).json["tenants"]
    assert (tenant["name"], tenant["access"]) == ("data01", access)

    taken = {"Policy": {}, "Username": NOOR, "TenantId": DATA.id, "State": "deleted"}
    for _ in range(2):
        assert call(quick_world, "POST", ACCESS, taken).status == 204
    assert quick_world.client().get("/api/v1/tenants", quick_world.tokens[NOOR]).json["tenants"] == []


def test_tenant_access_is_listed_by_tenant_and_by_user(quick_world: World) -> None:
    listed = call(quick_world, "GET", "/admin/GetAllTenantAuthInfo").json
    assert sorted(listed, key=lambda one: str(one["TenantId"])) == [
        {"TenantId": DEV.id, "UserAccess": [{"Username": DANA, "Policy": {"IsReadOnly": False}}]},
        {"TenantId": PROD.id, "UserAccess": [{"Username": DANA, "Policy": {"IsReadOnly": True}}]},
    ]

    own = call(quick_world, "GET", f"/v3/admin/user/{DANA}/tenantAccess").json
    assert own[0] == {"TenantId": DEV.id, "AccountName": "dev01", "Policy": {"IsReadOnly": False}}
    path = f"/v3/admin/user/{ADMIN}/tenantAccess"
    assert len(call(quick_world, "GET", path).json) == 3
    answer = quick_world.client().get(path, quick_world.tokens[ADMIN], query="adminAccess=false")
    assert answer.json == []


def test_the_clients_create_and_delete_a_tenant(world: World) -> None:
    created = call(world, "POST", "/admin/AddTenant", {"AccountName": "team01", "PlanID": "default"})
    assert (created.status, created.json) == (200, None)
    listed = call(world, "GET", "/adminproxy/GetTenantNames").json
    (team,) = [one for one in listed if one["AccountName"] == "team01"]
    assert team["PlanID"] == "default"
    for path in ("/v2/admin/TenantV2", "/v3/admin/tenant"):
        assert call(world, "GET", f"{path}/{team['TenantId']}").json["AccountName"] == "team01"

    # The Terraform provider sends an empty string, duploctl omits the field.
    ended = call(world, "POST", f"/admin/DeleteTenant/{team['TenantId']}", "")
    assert (ended.status, ended.json) == (200, None)
    assert call(world, "GET", f"/v3/admin/tenant/{team['TenantId']}").status == 404


def test_the_clients_write_and_delete_system_settings(world: World) -> None:
    setting = {"Type": "Flags", "Key": ENABLE_ADMIN_JIT_ON_UI.key, "Value": "true"}
    assert call(world, "POST", CONFIG, setting).json == setting
    assert call(world, "POST", CONFIG, {**setting, "Type": "AppConfig", "Value": "x"}).status == 200
    assert setting in call(world, "GET", CONFIG).json
    system = call(world, "GET", "/v3/features/system").json
    assert system["IsAwsAdminJITEnabled"]
    assert system["EnabledFlags"] == [ENABLE_ADMIN_JIT_ON_UI.key]
    assert system["AppConfigs"] == [{**setting, "Type": "AppConfig", "Value": "x"}]
    assert call(world, "GET", "/v3/features/system", token=world.tokens[DANA]).json["AppConfigs"] == []

    gone = call(world, "DELETE", f"{CONFIG}/{ENABLE_ADMIN_JIT_ON_UI.key}")
    assert (gone.status, gone.json) == (200, None)
    assert call(world, "GET", CONFIG).json == []
    assert call(world, "DELETE", f"{CONFIG}/{ENABLE_ADMIN_JIT_ON_UI.key}").status == 404
    assert call(world, "GET", "/v3/admin/systemSettings").json == {"AwsServicesTagBasedOwnershipEnabled": []}


def test_the_clients_write_and_delete_tenant_settings_as_metadata(world: World) -> None:
    entry = {"Key": TENANT_VALIDITY.key, "Value": "7200"}
    assert call(world, "POST", METADATA, entry).json == entry
    changed = {**entry, "Value": "1800"}
    assert call(world, "PUT", f"{METADATA}/{TENANT_VALIDITY.key}", changed).json == changed
    assert call(world, "GET", METADATA).json == [changed]
    listed = call(world, "GET", "/adminproxy/GetTenantNames").json
    assert {one["AccountName"]: one["Metadata"] for one in listed}["dev01"] == [changed]
    for_member = call(world, "GET", "/adminproxy/GetTenantNames", token=world.tokens[DANA]).json
    assert [one["Metadata"] for one in for_member] == [[], []]

    assert call(world, "DELETE", f"{METADATA}/{TENANT_VALIDITY.key}").json is None
    assert call(world, "GET", METADATA).json == []


def test_the_clients_write_and_delete_tenant_metadata_as_configuration_data(world: World) -> None:
    note = {"ComponentId": DEV.id, "Type": "url", "Key": "dashboard", "Value": "https://a.example"}
    created = call(world, "POST", NOTE, note)
    assert (created.status, created.json) == (200, None)
    changed = {**note, "Type": "text", "Value": "none"}
    assert call(world, "POST", NOTE, changed).json is None
    assert call(world, "GET", NOTES).json == [changed]
    refused = call(world, "POST", NOTE, {**note, "Key": "links//board"})
    assert (refused.status, "no two in a row" in refused.json["Message"]) == (422, True)
    # The portal stores them as metadata, not as settings.
    assert call(world, "GET", METADATA).json == []

    assert call(world, "POST", NOTE, {**changed, "State": "delete"}).json is None
    assert call(world, "GET", NOTES).json == []
    assert call(world, "POST", NOTE, {**changed, "State": "delete"}).status == 404


def test_there_is_exactly_one_plan_and_one_infrastructure(quick_world: World) -> None:
    assert call(quick_world, "GET", "/adminproxy/GetPlans").json[0]["Name"] == "default"
    path = f"/subscriptions/{DEV.id}/GetTenantPlan"
    assert call(quick_world, "GET", path, token=quick_world.tokens[DANA]).json["Name"] == "default"
    for path in ("/adminproxy/GetInfrastructureConfigs/true", "/adminproxy/GetInfrastructureConfigs"):
        (one,) = call(quick_world, "GET", path).json
        assert (one["Name"], one["Cloud"], one["AzCount"]) == ("default", 0, 2)
    for path in ("/adminproxy/GetInfrastructureConfig", "/v3/admin/infrastructure"):
        assert call(quick_world, "GET", f"{path}/default").json["ProvisioningStatus"] == "Complete"
        assert call(quick_world, "GET", f"{path}/other").status == 404
    for path in ("CreateInfrastructureConfig", "DeleteInfrastructureConfig/default"):
        assert call(quick_world, "POST", f"/adminproxy/{path}", {}).status == 403


TENANT_SHAPE = {"TenantId": str, "AccountName": str, "PlanID": str}
SHAPES: dict[str, object] = {
    "/admin/GetUserRoleInfo": {"Username": str, "Roles": list, "IsReadOnly": bool},
    "/admin/GetTenantsForUser": [{**TENANT_SHAPE, "Metadata": list}],
    "/v2/admin/TenantV2/{tenant}": {
        **TENANT_SHAPE,
        "ExistingK8sNamespace": str,
        "TenantPolicy": {"AllowVolumeMapping": bool, "BlockExternalEp": bool},
        "Tags": [{"Key": str, "Value": str}],
    },
    "/v3/features/tenant/{tenant}": {
        "Cloud": int,
        "Region": str,
        "IsKubernetesEnabled": bool,
        "UseLbIndex": bool,
    },
    "/v3/features/system": {
        "IsOtpNeeded": bool,
        "AwsRegions": [str],
        "EnabledFlags": list,
        "AppConfigs": list,
        "DefaultAwsAccount": str,
        "DefaultAwsRegion": str,
        "DefaultAwsPartition": str,
        "EksVersions": {"DefaultVersion": str, "SupportedVersions": list},
        "TenantNameMaxLength": int,
    },
    "/subscriptions/{tenant}/GetAwsRegionId": str,
    "/subscriptions/{tenant}/GetTenantAwsAccountId": str,
    "/adminproxy/GetAwsAccountId": str,
    "/subscriptions/{tenant}/GetTenantPlan": {"Name": str},
    "/adminproxy/GetPlans": [{"Name": str}],
    "/adminproxy/GetInfrastructureConfigs": [{"Name": str, "Cloud": int, "AzCount": int, "Vnet": dict}],
    "/v3/admin/infrastructure/default": {"Name": str, "ProvisioningStatus": str, "CustomData": list},
    "/adminproxy/GetJITAwsConsoleAccessUrl": {
        "AccessKeyId": str,
        "SecretAccessKey": str,
        "SessionToken": str,
        "ConsoleUrl": str,
        "Region": str,
        "Validity": int,
    },
}
"""The fields that the Terraform provider reads, with their types, which it checks."""


def misfits(value: object, shape: object) -> list[str]:
    """Return the paths at which *value* differs from *shape*; additional fields are ignored."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), value
        return [
            f"{key}: {problem}"
            for key, inner in shape.items()
            for problem in (misfits(value[key], inner) if key in value else ["missing"])
        ]
    if isinstance(shape, list):
        assert isinstance(value, list), value
        return [problem for one in value for problem in misfits(one, shape[0])] if value else ["empty"]
    return [] if type(value) is shape else [f"{value!r}"]


def test_answers_have_the_types_that_the_terraform_provider_reads(quick_world: World) -> None:
    for path, shape in SHAPES.items():
        answer = call(quick_world, "GET", path.replace("{tenant}", DEV.id))
        assert (answer.status, misfits(answer.json, shape)) == (200, []), path


BAD = (
    (ROLE, {"Username": "x@example.com", "State": "gone"}),
    (ROLE, {"Roles": ["User"]}),
    (ROLE, {"Username": 7}),
    (ROLE, {"Username": "x@example.com", "Roles": "User"}),
    (ROLE, ["Username"]),
    (ACCESS, {"Username": DANA, "TenantId": DEV.id, "Policy": "read"}),
    (ACCESS, {"Username": DANA, "TenantId": DEV.id, "Policy": {"IsReadOnly": "yes"}}),
    ("/admin/AddTenant", {"AccountName": "a b", "PlanID": "default"}),
    ("/admin/AddTenant", {"AccountName": "team01", "PlanID": "gold"}),
    (CONFIG, {"Type": "Flags", "Key": ENABLE_ADMIN_JIT_ON_UI.key, "Value": "maybe"}),
    (CONFIG, {"Type": "Flags", "Key": "x", "Value": True}),
    (METADATA, {"Key": TENANT_VALIDITY.key, "Value": "1"}),
    (NOTE, {"ComponentId": DEV.id, "Type": "image", "Key": "x", "Value": "y"}),
    (NOTE, {"ComponentId": DEV.id, "Type": "url", "Key": "x", "Value": "javascript:x"}),
    (NOTE, {"ComponentId": DEV.id, "Type": "text", "Key": "x", "Value": "y", "State": "gone"}),
    (NOTE, {"Type": "text", "Key": "x", "Value": "y"}),
)


def test_invalid_requests_are_refused_with_a_message(quick_world: World) -> None:
    for path, requested in BAD:
        answer = call(quick_world, "POST", path, requested)
        assert answer.status == 422, (path, requested, answer.body)
        assert answer.json["Message"]
    answer = quick_world.client().send("POST", ROLE, quick_world.tokens[ADMIN], body=b"{")
    assert answer.status == 400


def test_users_cannot_make_administrative_legacy_calls(quick_world: World, quick_client: Client) -> None:
    for path, requested in BAD:
        refused = call(quick_world, "POST", path, requested, quick_world.tokens[DANA])
        assert (refused.status, refused.json["Message"]) == (403, "This is for Administrators.")
        assert quick_client.send("POST", path).status == 401
