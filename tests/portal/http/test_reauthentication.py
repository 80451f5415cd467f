"""The administrative actions that need reauthentication, on every channel and for each kind of token."""

import json
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from daypass.portal.admin.groups.model import group_version, membership_version
from daypass.portal.audit.event import OPERATOR
from daypass.portal.groups.model import GroupMembership
from daypass.portal.groups.store import add_group_membership
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.http.layout.csrf import csrf_token
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.permission_sets.model import READ_ONLY
from daypass.portal.storage.schema.identity import api_tokens
from tests.fakes import NOON
from tests.portal.groups.examples import DEVELOPERS, PLATFORM, add
from tests.portal.http.client import Answer
from tests.portal.http.oauth.test_endpoints import Browser, code_of, pushed, redeem, send
from tests.portal.http.world import ADMIN, DANA, DATA, DEV, NOOR, PROD, PUBLIC_URL, World

AMIR, BOT, GONE = "amir@example.com", "bot", "gone@example.com"
FIVE_MINUTES = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
PASSWORD = "correct horse battery"
ARN = "arn:aws:iam::123456789012:role/other"
SOON = "2026-12-24T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Act:
    """An administrative action on one channel."""

    path: str
    body: dict[str, object]
    needs_proof: bool
    method: str = "POST"

    def __str__(self) -> str:
        return f"{self.method} {self.path} {json.dumps(self.body)}"[:90]


def api(method: str, path: str, needs_proof: bool, **body: object) -> Act:
    return Act(f"/api/v1{path}", body, needs_proof, method)


def legacy(path: str, needs_proof: bool, **body: object) -> Act:
    return Act(path, body, needs_proof)


def page(path: str, needs_proof: bool, **body: object) -> Act:
    return Act(f"/administrator{path}", body, needs_proof)


RULE = {
    "kind": "github",
    "claims": {"repository_id": "1", "repository_owner_id": "2", "environment": "production"},
    "service_account": BOT,
}
MEMBERS = f"/tenants/{DEV.id}/members"
DEVELOPERS_READ = membership_version(GroupMembership(DEVELOPERS, DEV, READ_ONLY, NOON))
API = [
    api("POST", "/users", False, username="new@example.com", role="User"),
    api("POST", "/users", True, username="new@example.com", role="User", password=PASSWORD),
    api("POST", "/users", True, username="new@example.com", role="Administrator"),
    api("PATCH", f"/users/{DANA}", True, role="Administrator"),
    api("PATCH", f"/users/{DANA}", False, disabled=True),
    api("PATCH", f"/users/{GONE}", True, disabled=False),
    api("PATCH", f"/users/{AMIR}", True, role="User"),
    api("PATCH", f"/users/{AMIR}", True, disabled=True),
    api("PUT", f"/users/{DANA}/password", True, password=PASSWORD),
    api("PUT", f"/users/{BOT}/password", True, password=PASSWORD),
    api("PUT", f"/users/{AMIR}/password", True, password=PASSWORD),
    api("DELETE", f"/users/{DANA}", False),
    api("DELETE", f"/users/{AMIR}", True),
    api("POST", "/user-imports", True, dry_run=False, csv=f"username,role\n{AMIR},User\n"),
    api("POST", "/user-imports", True, dry_run=False, csv=f"username,tenants\n{NOOR},dev01\n"),
    api("POST", "/user-imports", False, dry_run=False, csv=f"username,read_only_tenants\n{DANA},dev01\n"),
    api("PUT", f"{MEMBERS}/{NOOR}", True, access="read-only"),
    api("PUT", f"/tenants/{PROD.id}/members/{DANA}", True, access="full"),
    api("PUT", f"{MEMBERS}/{DANA}", False, access="read-only"),
    api("DELETE", f"{MEMBERS}/{DANA}", False),
    api("PUT", f"{MEMBERS}/{NOOR}", True, permission_set="read-only"),
    api("POST", "/groups", False, name="readers"),
    api("PUT", f"/groups/developers/members/{DANA}", True),
    api("DELETE", f"/groups/developers/members/{BOT}", False),
    api("PUT", f"/groups/developers/memberships/{PROD.id}", True, permission_set="read-only"),
    api("PUT", f"/groups/developers/memberships/{DEV.id}", True, permission_set="full"),
    api("PUT", f"/groups/developers/memberships/{DEV.id}", False, permission_set="read-only", ends_at=SOON),
    api("DELETE", f"/groups/developers/memberships/{DEV.id}", False),
    api("PATCH", "/groups/platform", True, makes_administrators=False),
    api("PATCH", "/groups/platform", False, description="The platform team."),
    api("DELETE", "/groups/platform", True),
    api("DELETE", "/groups/developers", False),
    api("PUT", "/permission-sets/operator", True, rank=500, policies=["aws:ReadOnlyAccess"]),
    api("PUT", "/workload-rules/shop", True, **RULE),
    api("PUT", "/workload-rules/shop", True, **RULE, disabled=True),
    api("POST", "/tenants", True, name="team01", region="eu-west-1"),
    api("PATCH", f"/tenants/{DEV.id}", True, role_arn=ARN),
    api("PATCH", f"/tenants/{DEV.id}", True, external_id="another"),
    api("PATCH", f"/tenants/{DEV.id}", False, region="eu-west-2"),
    api("DELETE", f"/tenants/{DATA.id}", True),
    api("PUT", "/settings/Flags/EnableAwsAdminJitAccess", True, value="true"),
    api("PUT", "/settings/Flags/DisableAwsNonAdminJitAccess", False, value="true"),
    api("PUT", f"/tenants/{DEV.id}/settings/aws_access_token_validity", True, value="7200"),
    api("PUT", f"/tenants/{DEV.id}/settings/aws_access_token_validity", False, value="900"),
    api("PUT", f"/tenants/{DEV.id}/metadata/owner", False, value="team blue"),
    api("POST", "/tokens", True, user=DANA, name="ci", days=365),
    api("POST", "/tokens", True, user=BOT, name="ci"),
    api("DELETE", "/tokens/{token}", False),
]
LEGACY = [
    legacy("/admin/UpdateUserRole", True, Username=DANA, Roles=["Administrator"], State="updated"),
    legacy("/admin/UpdateUserRole", True, Username=AMIR, Roles=["User"], State="updated"),
    legacy("/admin/UpdateUserRole", True, Username=AMIR, State="deleted"),
    legacy("/admin/UpdateUserRole", False, Username=DANA, State="deleted"),
    legacy("/admin/UpdateUserRole", False, Username="new@example.com", Roles=["User"], State="added"),
    legacy("/admin/UpdateUserAccess", True, Username=NOOR, TenantId=DEV.id, Policy={"IsReadOnly": True}),
    legacy("/admin/UpdateUserAccess", False, Username=DANA, TenantId=DEV.id, State="deleted"),
    legacy("/admin/AddTenant", True, AccountName="team01"),
    legacy(f"/admin/DeleteTenant/{DATA.id}", True),
    legacy(
        "/v3/admin/systemSettings/config", True, Type="Flags", Key="EnableAwsAdminJitAccess", Value="true"
    ),
]
PAGES = [
    page("/users", False, username="new-bot", role="User", sign_in="none"),
    page("/users", False, username="new@example.com", role="User", sign_in="provider"),
    page("/users", True, username="new@example.com", role="User", sign_in="password"),
    page("/users/{dana}/password", True),
    page("/users/{bot}/password", True),
    page("/users/{dana}/tokens", True, name="ci"),
    page("/users/{amir}/update", True, role="User", state="enabled", version="{amir_version}"),
    page("/users/{dana}/update", False, role="User", state="disabled", version="{dana_version}"),
    page("/delete-user", True, id="{amir}", typed=AMIR),
    page("/delete-user", False, id="{dana}", typed=DANA),
    page("/delete-tenant", True, id=DATA.id, typed=DATA.name),
    page(f"/tenants/{DEV.id}/remove", False, user="{dana}"),
    page(f"/tenants/{DEV.id}", True, user=NOOR),
    page("/groups/create", False, name="readers"),
    page("/groups/developers/members", True, user=NOOR),
    page("/groups/developers/members/{bot}/remove", False),
    page("/groups/developers/add-tenant", True, tenant="prod01", permission_set="read-only"),
    page(f"/groups/developers/tenants/{DEV.id}/remove", False, version=DEVELOPERS_READ),
    page("/groups/platform/edit", True, name="platform", version=group_version(PLATFORM)),
    page("/groups/platform/delete", True, version=group_version(PLATFORM)),
    page("/groups/developers/delete", False, version=group_version(DEVELOPERS)),
]


@pytest.fixture
def world(quick_world: World) -> World:
    """A portal with a second Administrator, a service account and a disabled user."""
    identity = quick_world.identity
    for name, role in ((AMIR, Role.ADMINISTRATOR), (BOT, Role.USER), (GONE, Role.USER)):
        quick_world.users[name] = identity.create_user(name, role, None, OPERATOR)
    admin = quick_world.tokens[ADMIN]
    answer = call(quick_world, admin, api("PATCH", f"/users/{GONE}", True, disabled=True))
    assert answer.status == 200
    with quick_world.database.writing() as connection:
        add(connection, PLATFORM)
        add(connection, DEVELOPERS, quick_world.users[BOT])
        row = add_group_membership(DEVELOPERS.id, DEV.id, READ_ONLY, None, at=NOON)
        row.apply(connection)
    return quick_world


def call(world: World, token: str, act: Act) -> Answer:
    """Make the action through the API or the legacy API."""
    path = act.path.replace("{token}", world.identity.authenticate(world.tokens[DANA])[0].id)
    headers = [("If-None-Match", "*")] if act.path.endswith(f"members/{NOOR}") else [("If-Match", "*")]
    return world.client().send(act.method, path, token, body=json.dumps(act.body).encode(), headers=headers)


def command_line(world: World) -> str:
    """Return the token of a command line whose admin access was authorized just now."""
    answer = Browser(world, ADMIN).authorize(pushed(world, scope="tenants admin"))
    return str(redeem(world, code_of(answer)).json["access_token"])


def refused(answer: Answer) -> bool:
    """Return whether the answer requires reauthentication; every other answer must be a success."""
    if answer.status == 403 and b"recent sign-in" in answer.body:
        if "code" in answer.json:
            assert answer.json["code"] == "fresh_sign_in_needed"
        challenge = answer.header("www-authenticate") or ""
        assert 'error="insufficient_user_authentication"' in challenge
        assert 'max_age="300"' in challenge
        return True
    assert answer.status < 300, answer.body
    return False


@pytest.mark.parametrize("act", [*API, *LEGACY], ids=str)
def test_a_command_line_needs_no_reauthentication_for_five_minutes_after_its_authorization(
    world: World, act: Act
) -> None:
    token = command_line(world)
    world.clock.move(FIVE_MINUTES + SECOND)
    is_refused = refused(call(world, token, act))

    assert is_refused == act.needs_proof
    if is_refused:
        world.clock.move(-SECOND)
        assert not refused(call(world, token, act))


@pytest.mark.parametrize("act", [one for one in [*API, *LEGACY] if one.needs_proof], ids=str)
def test_an_exempt_permanent_token_never_needs_reauthentication(world: World, act: Act) -> None:
    world.clock.move(timedelta(days=364))

    assert not refused(call(world, world.tokens[ADMIN], act))


@pytest.mark.parametrize("act", [*API, *LEGACY], ids=str)
def test_the_token_of_a_promoted_user_is_not_exempt_from_reauthentication(world: World, act: Act) -> None:
    promoted = api("PATCH", f"/users/{NOOR}", True, role="Administrator")
    assert not refused(call(world, world.tokens[ADMIN], promoted))
    if act.path.endswith(f"members/{NOOR}"):
        assert act.needs_proof
    assert refused(call(world, world.tokens[NOOR], act)) == act.needs_proof


def test_a_token_refresh_does_not_count_as_reauthentication(world: World) -> None:
    answer = Browser(world, ADMIN).authorize(pushed(world, scope="tenants admin"))
    given = redeem(world, code_of(answer)).json
    world.clock.move(FIVE_MINUTES + SECOND)
    renewed = send(
        world.client(),
        "/oauth/token",
        grant_type="refresh_token",
        client_id="daypass-cli",
        refresh_token=given["refresh_token"],
    ).json["access_token"]

    assert refused(call(world, renewed, api("POST", "/tokens", True, user=DANA, name="ci")))


def filled(world: World, act: Act) -> tuple[str, dict[str, str]]:
    """Return a page's path and form with the ids of existing resources."""
    usernames = {"dana": DANA, "amir": AMIR, "bot": BOT}
    facts = {
        name: world.client().get(f"/api/v1/users/{user}", world.tokens[ADMIN]).json
        for name, user in usernames.items()
    }
    places = {f"{{{name}}}": one["id"] for name, one in facts.items()}
    places |= {f"{{{name}_version}}": one["version"] for name, one in facts.items()}
    path = act.path
    for place, value in places.items():
        path = path.replace(place, value)
    return path, {key: places.get(str(value), str(value)) for key, value in act.body.items()}


@pytest.mark.parametrize("act", PAGES, ids=str)
def test_a_page_asks_for_the_password_and_preserves_the_form(world: World, act: Act) -> None:
    browser = Browser(world, ADMIN)
    path, fields = filled(world, act)
    form = urlencode({**fields, "csrf": csrf_token(browser.cookie)}).encode()

    def sent() -> Answer:
        headers = [
            ("Cookie", f"{SESSION}={browser.cookie}"),
            ("Accept", "text/html"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", PUBLIC_URL),
        ]
        return world.client().send("POST", path, headers=headers, body=form)

    world.clock.move(FIVE_MINUTES + SECOND)
    answer = sent()
    is_asked = answer.status == 403 and b"Confirm your password" in answer.body

    assert is_asked == act.needs_proof, answer.body
    if is_asked:
        assert b'name="waiting"' in answer.body
        world.clock.move(-SECOND * 2)
        answer = sent()
    # A password or a token is shown on the page that answers.
    assert answer.status in {200, 303}, answer.body


def test_an_exempt_token_cannot_create_another_one_for_an_administrator(world: World) -> None:
    for_admin = api("POST", "/tokens", True, user=AMIR, name="another")

    assert refused(call(world, world.tokens[ADMIN], for_admin))
    made = call(world, command_line(world), for_admin)
    assert made.status == 201
    world.clock.move(timedelta(days=30))
    assert not refused(call(world, made.json["token"], api("POST", "/tokens", True, user=DANA, name="ci")))


def test_demotion_ends_the_exemption_of_a_user_s_tokens(world: World) -> None:
    automated = call(world, command_line(world), api("POST", "/tokens", True, user=AMIR, name="ci")).json
    for role in ("User", "Administrator"):
        assert not refused(call(world, world.tokens[ADMIN], api("PATCH", f"/users/{AMIR}", True, role=role)))

    assert refused(call(world, automated["token"], api("POST", "/tokens", True, user=DANA, name="ci")))


def test_revoking_another_administrator_s_token_needs_reauthentication_and_the_own_does_not(
    world: World,
) -> None:
    made = {name: world.token(name)[1].id for name in (ADMIN, AMIR, DANA)}
    token = command_line(world)
    world.clock.move(FIVE_MINUTES + SECOND)
    needed = {
        n: refused(call(world, token, api("DELETE", f"/tokens/{id_}", n == AMIR))) for n, id_ in made.items()
    }

    assert needed == {ADMIN: False, AMIR: True, DANA: False}


def test_demotion_ends_admin_access_of_the_command_line_until_it_is_authorized_again(world: World) -> None:
    client, of_amir = world.client(), Browser(world, AMIR)
    given = redeem(world, code_of(of_amir.authorize(pushed(world, scope="tenants admin")))).json
    for role in ("User", "Administrator"):
        assert not refused(call(world, world.tokens[ADMIN], api("PATCH", f"/users/{AMIR}", True, role=role)))
    refresh = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    renewed = send(client, "/oauth/token", **refresh).json

    assert renewed["scope"] == "tenants"
    for token in (given["access_token"], renewed["access_token"]):
        assert client.get("/api/v1/users", token).json["code"] == "insufficient_scope"
        assert client.get("/api/v1/me", token).status == 200


@pytest.mark.parametrize("kind", [TokenKind.TEMPORARY])
def test_a_temporary_token_is_not_exempt_from_reauthentication(world: World, kind: TokenKind) -> None:
    revealed, _ = world.token(ADMIN, kind)

    assert refused(call(world, revealed, api("POST", "/tokens", True, user=DANA, name="ci")))


def test_a_token_created_before_the_exemption_existed_needs_reauthentication(world: World) -> None:
    with world.database.writing() as connection:
        connection.execute(update(api_tokens).values(reauthentication_exempt=False))

    assert refused(call(world, world.tokens[ADMIN], api("POST", "/tokens", True, user=DANA, name="ci")))
