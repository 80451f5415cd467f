"""The access of a legacy token that its user authorized: JIT access only."""

from datetime import timedelta

import pytest

from daypass.portal.audit.event import OPERATOR
from daypass.portal.config.model import LegacyLoopback
from daypass.portal.http.core.authentication import Permission
from daypass.portal.identity.legacy_consent import USE_WITHIN, LegacyConsents
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.scopes import consented_scopes
from tests.fakes import NOON
from tests.portal.http.client import Client
from tests.portal.http.test_every_route import OWN_FORM, filled, method_of, routes
from tests.portal.http.world import ADMIN, DANA, DEV, World

REACHED = {
    "GET /adminproxy/GetJITAwsConsoleAccessUrl",
    "GET /v3/admin/aws/jitAccess/{role}",
    "GET /subscriptions/{tenant}/GetAwsConsoleTokenUrl",
    "GET /adminproxy/GetTenantNames",
    "GET /admin/GetTenantsForUser",
    "GET /v3/features/tenant/{tenant}",
    "GET /v3/features/system",
}


def approval(world: World, username: str, *, wants_admin: bool = False) -> str:
    """Return a legacy token that *username* authorized in a browser with a recent sign-in."""
    user, identity, ends_at = world.users[username], world.identity, NOON + timedelta(hours=12)
    sign_in = identity.new_token(user, TokenKind.BROWSER, "", expires_at=ends_at, grant_ends_at=ends_at)
    identity.add_token(sign_in, user, OPERATOR)
    secret, _ = LegacyConsents(identity, LegacyLoopback.ON).approve(
        sign_in,
        user,
        "duplo-jit",
        consent="",
        scopes=consented_scopes(with_admin=wants_admin),
        address="",
        request_id="",
    )
    return secret.reveal()


def test_a_legacy_token_is_accepted_for_jit_access_only(quick_world: World, quick_client: Client) -> None:
    token = approval(quick_world, ADMIN, wants_admin=True)
    reached = set()
    for route in routes(quick_world):
        if route.permission is not Permission.PUBLIC:
            answer = quick_client.send(method_of(route), filled(route.path), token, headers=OWN_FORM)
            if answer.status != 401:
                reached.add(f"{method_of(route)} {route.path}")

    assert reached == REACHED


def test_a_legacy_token_without_admin_consent_gives_tenant_access_only(
    quick_world: World, quick_client: Client
) -> None:
    tenant_only, admin_too = approval(quick_world, ADMIN), approval(quick_world, ADMIN, wants_admin=True)

    def is_otp_needed(token: str) -> object:
        return quick_client.get("/v3/features/system", token).json["IsOtpNeeded"]

    assert [is_otp_needed(token) for token in (tenant_only, admin_too, quick_world.tokens[ADMIN])] == [
        True,
        False,
        False,
    ]
    assert quick_client.get(f"/subscriptions/{DEV.id}/GetAwsConsoleTokenUrl", tenant_only).status == 200
    for path in ("/adminproxy/GetJITAwsConsoleAccessUrl", "/v3/admin/aws/jitAccess/admin"):
        assert quick_client.get(path, tenant_only).status == 403
        assert quick_client.get(path, admin_too).status == 200


def test_a_legacy_token_lists_the_tenants_that_it_can_access(
    quick_world: World, quick_client: Client
) -> None:
    listed = quick_client.get("/admin/GetTenantsForUser", approval(quick_world, DANA)).json

    assert [tenant["AccountName"] for tenant in listed] == ["dev01", "prod01"]


@pytest.mark.parametrize("path", ["/v3/features/system", "/adminproxy/GetTenantNames"])
def test_a_legacy_token_is_void_unless_used_within_a_minute(
    quick_world: World, quick_client: Client, path: str
) -> None:
    used, unused = approval(quick_world, DANA), approval(quick_world, ADMIN)
    assert quick_client.get(path, used).status == 200

    quick_world.clock.move(USE_WITHIN)

    assert quick_client.get(path, used).status == 200
    answer = quick_client.get(path, unused)
    assert answer.status == 401
    assert "within a minute" in answer.json["Message"]
