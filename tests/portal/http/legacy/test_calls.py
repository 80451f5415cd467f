"""The legacy API, through the whole portal: the paths, formats and errors that clients expect."""

import re
from datetime import datetime, timedelta

import pytest

from daypass.portal.errors import AwsThrottled, AwsTrustRefused, AwsUnavailable
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT, ENABLE_ADMIN_JIT_ON_UI
from tests.fakes import NOON
from tests.portal.http.client import Client
from tests.portal.http.world import ACCOUNT, ADMIN, DANA, DATA, DEV, NOOR, World

TENANT_KEYS = f"/subscriptions/{DEV.id}/GetAwsConsoleTokenUrl"
ADMIN_KEYS = "/adminproxy/GetJITAwsConsoleAccessUrl"
ADMIN_ROLES = ("/v3/admin/aws/jitAccess/admin", "/v3/admin/aws/jitAccess/duplo-ops")
LISTS = ("/adminproxy/GetTenantNames", "/admin/GetTenantsForUser")
PROBES = (
    "/build-metadata.json",
    "/frontdoor/build-metadata.json",
    "/v3/version",
    "/v3/auth/version",
    "/v3/katkit/version",
    "/v3/billing/version",
    "/v3/security/version",
)


def test_keys_for_a_tenant_come_with_a_console_link(world: World, client: Client) -> None:
    answer = client.get(TENANT_KEYS, world.tokens[DANA])

    given = world.broker.issued_credentials[0]
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert answer.json == {
        "AccessKeyId": given.access_key_id,
        "SecretAccessKey": given.secret_access_key.reveal(),
        "SessionToken": given.session_token.reveal(),
        "ConsoleUrl": f"https://signin.example/federation?SigninToken={given.access_key_id}",
        "Region": DEV.target.region,
        "Validity": 3600,
        "Expiration": "2026-11-24T13:00:00+00:00",
    }
    # Go clients require an integer, and duploctl requires an offset.
    assert type(answer.json["Validity"]) is int
    assert datetime.fromisoformat(answer.json["Expiration"]).utcoffset() == timedelta()


@pytest.mark.parametrize("path", [ADMIN_KEYS, *ADMIN_ROLES])
def test_admin_keys_are_of_the_master_role_although_pages_do_not_offer_it(
    quick_world: World, quick_client: Client, path: str
) -> None:
    quick_world.set(ENABLE_ADMIN_JIT_ON_UI, "false")

    answer = quick_client.get(path, quick_world.tokens[ADMIN])

    assert (answer.status, answer.json["Region"]) == (200, "us-west-2")
    assert quick_world.broker.assumed[0][0].role_arn == f"arn:aws:iam::{ACCOUNT}:role/duplomaster"


def test_validity_is_the_remaining_time(quick_world: World, quick_client: Client) -> None:
    quick_world.broker.during_assume = lambda: quick_world.clock.move(timedelta(seconds=2))
    quick_world.broker.skew = timedelta(seconds=-3)

    answer = quick_client.get(TENANT_KEYS, quick_world.tokens[DANA]).json

    left = datetime.fromisoformat(answer["Expiration"]) - quick_world.clock()
    assert answer["Validity"] == left // timedelta(seconds=1) == 3597


def test_without_a_console_link_the_keys_are_still_returned(quick_world: World, quick_client: Client) -> None:
    quick_world.broker.console_error = AwsUnavailable("The sign-in endpoint is away.")

    answer = quick_client.get(TENANT_KEYS, quick_world.tokens[DANA])

    assert (answer.status, answer.json["ConsoleUrl"]) == (200, "")
    assert answer.json["AccessKeyId"] == quick_world.broker.issued_credentials[0].access_key_id


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("username", "names"),
    [(DANA, ["dev01", "prod01"]), (NOOR, []), (ADMIN, ["data01", "dev01", "prod01"])],
)
def test_both_tenant_lists_are_bare_arrays_of_the_visible_tenants(
    still_world: World, still_client: Client, path: str, username: str, names: list[str]
) -> None:
    answer = still_client.get(path, still_world.tokens[username])

    assert answer.status == 200
    assert [one["AccountName"] for one in answer.json] == names
    assert all(one["TenantId"] and one["PlanID"] for one in answer.json)


def test_a_tenant_s_features_region_and_account(still_world: World, still_client: Client) -> None:
    token = still_world.tokens[DANA]

    features = still_client.get(f"/v3/features/tenant/{DEV.id}", token).json

    assert features == {
        "Cloud": 0,
        "Region": DEV.target.region,
        "IsKubernetesEnabled": False,
        "UseLbIndex": False,
    }
    assert type(features["Cloud"]) is int
    assert still_client.get(f"/subscriptions/{DEV.id}/GetAwsRegionId", token).json == DEV.target.region
    assert still_client.get(f"/subscriptions/{DEV.id}/GetTenantAwsAccountId", token).json == ACCOUNT
    assert still_client.get("/adminproxy/GetAwsAccountId", token).json == ACCOUNT


def test_the_system_features_have_the_types_that_go_clients_read(
    still_world: World, still_client: Client
) -> None:
    features = still_client.get("/v3/features/system", still_world.tokens[NOOR]).json

    assert features["IsOtpNeeded"] is False
    assert features["IsAwsCloudEnabled"] is True
    assert (features["DefaultAwsAccount"], features["DefaultAwsRegion"]) == (ACCOUNT, "us-west-2")
    assert features["DefaultAwsPartition"] == "aws"
    assert features["AwsRegions"] == ["us-west-2"]
    assert features["DevopsManagerHostname"] == "portal.example.com"
    for name, value in features.items():
        assert not name.startswith("Is") or type(value) is bool, name
    for name in ("AwsRegions", "AzureRegions", "EnabledFlags", "AppConfigs"):
        assert type(features[name]) is list, name
    assert type(features["TenantNameMaxLength"]) is int


def test_the_system_features_say_whether_pages_offer_admin_access(
    quick_world: World, quick_client: Client
) -> None:
    token = quick_world.tokens[NOOR]
    before = quick_client.get("/v3/features/system", token).json["IsAwsAdminJITEnabled"]
    quick_world.set(ENABLE_ADMIN_JIT_ON_UI, "true")

    assert (before, quick_client.get("/v3/features/system", token).json["IsAwsAdminJITEnabled"]) == (
        False,
        True,
    )


@pytest.mark.parametrize(("username", "role"), [(DANA, "User"), (ADMIN, "Administrator")])
def test_the_caller_is_a_user_object(
    still_world: World, still_client: Client, username: str, role: str
) -> None:
    me = still_client.get("/admin/GetUserRoleInfo", still_world.tokens[username]).json

    assert (me["Username"], me["Roles"], me["IsReadOnly"]) == (username, [role], False)


@pytest.mark.parametrize("path", PROBES)
def test_every_version_probe_gets_an_object_with_a_tag(
    still_world: World, still_client: Client, path: str
) -> None:
    answer = still_client.get(path, still_world.tokens[NOOR])

    assert answer.status == 200
    assert answer.json["product"] == "daypass"
    assert re.match(r"[0-9]+\.[0-9]+", answer.json["tag"])


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.swapcase, lambda path: f"/{path}"])
@pytest.mark.parametrize("path", [*LISTS, *PROBES, "/admin/GetUserRoleInfo", "/v3/features/system"])
def test_paths_ignore_case_and_repeated_slashes(
    still_world: World, still_client: Client, path: str, spell: "type[str]"
) -> None:
    spelled = still_client.get(spell(path).replace("/", "//"), still_world.tokens[DANA])

    assert spelled.status == 200
    assert spelled.body == still_client.get(path, still_world.tokens[DANA]).body


def test_the_tenant_name_in_a_path_keeps_its_case(still_world: World, still_client: Client) -> None:
    known = still_client.get(f"/SUBSCRIPTIONS/{DEV.name}/GETAWSREGIONID", still_world.tokens[DANA])
    other = still_client.get(f"/subscriptions/{DEV.name.upper()}/GetAwsRegionId", still_world.tokens[DANA])

    assert (known.status, other.status) == (200, 404)


@pytest.mark.parametrize(
    ("path", "username", "status", "says"),
    [
        (ADMIN_KEYS, DANA, 403, "Administrators"),
        ("/v3/admin/aws/jitAccess/admin", DANA, 403, "Administrators"),
        ("/v3/admin/aws/jitAccess/root", ADMIN, 404, "no such admin role"),
        (f"/subscriptions/{DATA.id}/GetAwsConsoleTokenUrl", DANA, 404, "no tenant"),
        (f"/subscriptions/{'x' * 300}/GetAwsConsoleTokenUrl", DANA, 404, "no tenant"),
        ("/subscriptions/\x00/GetAwsConsoleTokenUrl", DANA, 404, "no tenant"),
        ("/subscriptions/ünïcødé-🦊/GetAwsConsoleTokenUrl", DANA, 404, "no tenant"),
        ("/subscriptions/\ud800/GetAwsConsoleTokenUrl", DANA, 404, "no tenant"),
        (f"/v3/features/tenant/{DATA.id}", DANA, 404, "no tenant"),
        (f"/subscriptions/{DATA.id}/GetAwsRegionId", DANA, 404, "no tenant"),
        (f"/subscriptions/{DATA.id}/GetTenantAwsAccountId", DANA, 404, "no tenant"),
        ("/adminproxy/NoSuchCall", ADMIN, 404, "does not support this call"),
        ("/v3/unknown", ADMIN, 404, "does not support this call"),
    ],
    ids=lambda value: str(value)[:60].encode("ascii", "backslashreplace").decode(),
)
def test_an_error_is_a_message_and_never_a_redirect(
    still_world: World, still_client: Client, path: str, username: str, status: int, says: str
) -> None:
    answer = still_client.get(path, still_world.tokens[username])

    assert answer.status == status, answer.body
    assert set(answer.json) == {"Message"}
    assert says in answer.json["Message"]
    assert answer.header("content-type") == "application/json"
    assert answer.header("location") is None


@pytest.mark.parametrize("path", ["\x00", "ünïcødé-🦊", "'; DROP TABLE tenants; --", "%", "x" * 300])
def test_an_impossible_tenant_name_is_not_found_on_every_database(
    world: World, client: Client, path: str
) -> None:
    for call in ("subscriptions/{}/GetAwsConsoleTokenUrl", "v3/features/tenant/{}"):
        answer = client.get("/" + call.format(path), world.tokens[DANA])

        assert (answer.status, set(answer.json)) == (404, {"Message"})


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AwsThrottled("AWS asks to slow down."), 503),
        (AwsUnavailable("AWS is away."), 503),
        (AwsTrustRefused("The role does not trust the portal."), 502),
    ],
    ids=lambda value: str(value),
)
def test_errors_of_aws_are_passed_on_with_their_message(
    quick_world: World, quick_client: Client, error: AwsThrottled, status: int
) -> None:
    quick_world.broker.assume_error = error

    answer = quick_client.get(TENANT_KEYS, quick_world.tokens[DANA])

    assert (answer.status, answer.json) == (status, {"Message": error.reason})


def test_users_are_refused_while_jit_is_turned_off(quick_world: World, quick_client: Client) -> None:
    quick_world.set(DISABLE_NON_ADMIN_JIT, "true")

    refused = quick_client.get(TENANT_KEYS, quick_world.tokens[DANA])
    issued = quick_client.get(TENANT_KEYS, quick_world.tokens[ADMIN])

    assert (refused.status, issued.status) == (403, 200)
    assert "Administrator turned JIT AWS access off" in refused.json["Message"]


def test_a_legacy_session_is_recorded_with_the_legacy_channel(
    quick_world: World, quick_client: Client
) -> None:
    quick_client.get(TENANT_KEYS, quick_world.tokens[DANA])

    (record,) = quick_client.get("/api/v1/sessions", quick_world.tokens[DANA]).json["sessions"]

    assert (record["door"], record["purpose"], record["asked_at"]) == ("legacy", "both", NOON.isoformat())
