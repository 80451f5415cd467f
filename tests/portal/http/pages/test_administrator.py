"""The Administrator pages, through the whole portal: the effect and the refusals of each form."""

import html
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from daypass.portal.audit.event import OPERATOR
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.errors import RoleNotFound
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.http.layout.csrf import check_token, csrf_token
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.secret import Secret
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import ACCOUNT, ADMIN, DANA, DEV, NOOR, PROD, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

CONFIG, TENANTS, USERS = (f"/administrator/{name}" for name in ("system-settings", "tenants", "users"))
FORM = ("Content-Type", "application/x-www-form-urlencoded")
IMPORT = "/administrator/import-users"
ROLE_MAXIMUM = {"config_type": "AppConfig", "key:AppConfig": "MaximumSessionDuration"}
ROLE_MAXIMUM_HOURS = "value:AppConfig/MaximumSessionDuration"
ROLE_MAXIMUM_CUSTOM = "custom:AppConfig/MaximumSessionDuration"
ADMIN_SESSION = {"config_type": "Other", "other_type": "AppConfig", "other_key": "AdminJitSessionDuration"}
FRESH_ENOUGH = timedelta(minutes=5)
PASSWORD = Secret("correct horse battery")


def validity_of(seconds: str) -> dict[str, str]:
    """Return the fields that add or change a tenant's validity."""
    key = "aws_access_token_validity"
    return {"key": key, f"value:{key}": seconds}


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser with a signed-in user."""

    client: Client
    cookie: str

    def see(self, address: str) -> str:
        """Return the text of a page."""
        path, _, query = address.partition("?")
        answer = self.client.get(path, headers=self.headers(), query=query)
        assert answer.status == 200, answer.body
        # CSRF tokens are masked differently on each page.
        page = re.sub(r'(name="csrf" value=")[0-9a-f]+', r"\1", answer.body.decode())
        return html.unescape(page)

    def send(self, address: str, fields: object = (), **more: str) -> Answer:
        """Submit a form as its page would."""
        form = [
            ("csrf", csrf_token(self.cookie)),
            *(fields if isinstance(fields, list) else []),
            *more.items(),
        ]
        headers = [
            *self.headers(),
            FORM,
            ("Origin", PUBLIC_URL),
            ("Referer", f"{PUBLIC_URL}{address}"),
        ]
        return self.client.send("POST", address, headers=headers, body=urlencode(form).encode())

    def do(self, address: str, fields: object = (), **more: str) -> str:
        """Submit a form that succeeds, and return the address of the redirect."""
        answer = self.send(address, fields, **more)
        assert answer.status == 303, text(answer)
        return answer.header("location") or ""

    def headers(self) -> list[tuple[str, str]]:
        return [("Accept", "text/html"), ("Cookie", f"{SESSION}={self.cookie}")]


def text(answer: Answer) -> str:
    return html.unescape(answer.body.decode())


def alert(answer: Answer) -> str:
    """Return the error that a page shows."""
    found = re.search(r'role="alert">.*?<p>(.*?)</p>', answer.body.decode(), re.DOTALL)
    assert found, text(answer)
    return html.unescape(found[1])


def field_error(answer: Answer, field: str) -> str:
    """Return the error beside a field, given by its id, which the field points to."""
    page = answer.body.decode()
    found = re.search(rf'id="{field}-error" role="alert">(.*?)</p>', page)
    assert found, text(answer)
    assert f'aria-describedby="{field}-error" aria-invalid="true"' in page
    return html.unescape(found[1])


def shown_once(answer: Answer) -> str:
    """Return the secret in the pane that opens with the page."""
    found = re.search(
        r'<dialog class="pane" id="made".*?data-copy="([^"]+)"', answer.body.decode(), re.DOTALL
    )
    assert found, text(answer)
    return html.unescape(found[1])


def sign_in(world: World, username: str) -> Browser:
    ends = world.clock() + timedelta(hours=12)
    user = world.users[username]
    token = world.identity.new_token(user, TokenKind.BROWSER, "", expires_at=ends, grant_ends_at=ends)
    return Browser(world.client(), world.identity.add_token(token, user, OPERATOR).reveal())


def test_tenant_metadata_is_added_changed_removed_and_audited(quick_world: World, admin: Browser) -> None:
    here = f"{TENANTS}/{DEV.id}/metadata"
    assert "No metadata" in admin.see(here)
    lines = "team blue\r\non call: 4711\r\n"

    assert admin.do(here, key=" owner ", kind="text", value=lines).startswith(here)
    admin.do(here, key="links/board", kind="url", value="https://grafana.example.com/?a=1&b=2")
    page = admin.see(here)
    pane = admin.see(f"{here}?key=owner")
    version = re.search(r'name="version" value="([^"]+)"', pane)
    assert version
    admin.do(f"{here}/change", key="owner", kind="text", value="team <green>", version=version[1])
    late = admin.send(f"{here}/change", key="owner", kind="text", value="team red", version=version[1])
    found = admin.see(f"{here}?search=green")
    admin.do(f"{here}/remove", key="links/board")

    link = '<a href="https://grafana.example.com/?a=1&b=2" target="_blank" rel="noopener noreferrer">'
    assert "team blue\non call: 4711</td>" in page
    assert link in page
    assert ">\nteam blue\non call: 4711</textarea>" in pane
    assert late.status == 412
    assert "was changed in the meantime" in alert(late)
    assert "team red</textarea>" in text(late)
    assert "team <green></td>" in found
    assert "links/board" not in found
    assert "links/board" not in admin.see(here)
    record = [
        quick_world.client().get("/api/v1/audit", quick_world.tokens[ADMIN], query=f"action={action}").json
        for action in ("metadata.put", "metadata.remove")
    ]
    assert [len(found["events"]) for found in record] == [3, 1]


def test_the_remove_pane_says_how_much_of_the_metadata_the_audit_log_keeps(
    quick_world: World, admin: Browser
) -> None:
    here = f"{TENANTS}/{DEV.id}/metadata"
    admin.do(here, key="long", kind="text", value="x" * 4000)

    page = admin.see(here)
    admin.do(f"{here}/remove", key="long")

    query = {"query": "action=metadata.remove"}
    found = quick_world.client().get("/api/v1/audit", quick_world.tokens[ADMIN], **query).json["events"]
    (kept,) = [event["detail"]["old.value"] for event in found if event["subject"] == "long"]
    assert f"up to the first {len(kept):,} characters" in page


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"key": " "}, "key", "Enter a Key."),
        ({"key": "x" * 129}, "key", "A key has 1 to 128"),
        ({"key": "/owner"}, "key", "does not begin with a slash"),
        ({"value": " \r\n"}, "value", "Enter a Value."),
        ({"value": "\x07"}, "value", "printable characters"),
        ({"kind": "colour"}, "kind", "Select a Kind."),
        ({"kind": "url", "value": "javascript:alert(1)"}, "value", "begins with https://"),
        ({"key": "owner"}, "key", "with this Key already"),
    ],
)
def test_invalid_metadata_is_refused_in_the_pane_with_the_input_kept(
    admin: Browser, change: dict[str, str], field: str, says: str
) -> None:
    here = f"{TENANTS}/{DEV.id}/metadata"
    admin.do(here, key="owner", kind="text", value="team blue")

    refused = admin.send(here, **{"key": "board", "kind": "text", "value": "typed before", **change})

    assert refused.status in {412, 422}
    assert says in field_error(refused, field)
    assert f">\n{change.get('value', 'typed before').strip()}</textarea>" in text(refused)
    assert "team blue</td>" in text(refused)


class NoRoles:
    """An IAM with no role in it."""

    def read(self, role_arn: str) -> RoleState:
        """Refuse."""
        raise RoleNotFound(f"There is no role {role_arn}.")

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Refuse."""
        raise RoleNotFound(f"There is no role {role_arn} of {maximum}.")

    def set_services(self, role_arn: str, services: Collection[str] | None) -> None:
        """Refuse."""
        raise RoleNotFound(f"There is no role {role_arn} of {services}.")

    def make(self, tenant: Tenant) -> None:
        """Refuse."""
        raise RoleNotFound(f"There is no role of {tenant.name}.")

    def empty(self, tenant: Tenant) -> bool:
        """Refuse."""
        raise RoleNotFound(f"There is no role of {tenant.name}.")

    def restore(self, tenant: Tenant) -> bool:
        """Refuse."""
        raise RoleNotFound(f"There is no role of {tenant.name}.")


@pytest.fixture
def admin(quick_world: World) -> Browser:
    return sign_in(quick_world, ADMIN)


def validity(world: World, username: str, **ask: object) -> int:
    answer = world.client().post("/api/v1/sessions", world.tokens[username], ask)
    assert answer.status == 201, answer.body
    seconds = answer.json["validity"]
    assert isinstance(seconds, int)
    return seconds


def test_a_config_applies_immediately_until_it_is_removed(quick_world: World, admin: Browser) -> None:
    before = validity(quick_world, ADMIN, admin=True)

    admin.do(CONFIG, **ADMIN_SESSION, other_value="7200")
    longer = validity(quick_world, ADMIN, admin=True)
    page = admin.see(CONFIG)
    admin.do(f"{CONFIG}/remove", type="AppConfig", key="AdminJitSessionDuration")

    assert (before, longer, validity(quick_world, ADMIN, admin=True)) == (3600, 7200, 3600)
    assert "AdminJitSessionDuration" in page
    assert "2 h" in page
    assert f'<span class="meta">{ADMIN}</span>' in page


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({}, "config_type", "Select a Config Type."),
        ({"config_type": "Flags"}, "add-key:Flags", "Select a Key."),
        (
            {"config_type": "Flags", "key:Flags": "EnableAwsAdminJitAccess"},
            "add-value:Flags/EnableAwsAdminJitAccess",
            "Select or enter a Value.",
        ),
        (
            {**ROLE_MAXIMUM, ROLE_MAXIMUM_HOURS: "custom"},
            f"add-{ROLE_MAXIMUM_HOURS}-custom",
            "Select or enter a Value.",
        ),
        (
            {**ROLE_MAXIMUM, ROLE_MAXIMUM_HOURS: "custom", ROLE_MAXIMUM_CUSTOM: "60"},
            f"add-{ROLE_MAXIMUM_HOURS}-custom",
            "from 3600 to 43200",
        ),
        # The fields of other settings are not considered.
        (
            {**ROLE_MAXIMUM, "value:AppConfig/TokenSessionDuration": "7200"},
            f"add-{ROLE_MAXIMUM_HOURS}",
            "Select or enter a Value.",
        ),
        ({"config_type": "Other"}, "other_type", "Enter the Other Config Type."),
        ({"config_type": "Other", "other_type": "AppConfig"}, "other_key", "Enter a Key."),
        (
            {"config_type": "Other", "other_type": "AppConfig", "other_key": "/k", "other_value": "v"},
            "other_key",
            "does not begin with a slash",
        ),
        (
            {
                "config_type": "Other",
                "other_type": "AppConfig",
                "other_key": "AdminJitSessionDuration",
                "other_value": "9",
            },
            "other_value",
            "from 900 to 43200",
        ),
        (
            {"config_type": "Other", "other_type": "x" * 65, "other_key": "k", "other_value": "v"},
            "other_type",
            "1 to 64",
        ),
    ],
    ids=lambda value: str(value)[-60:],
)
def test_an_invalid_config_is_refused_beside_its_field(
    admin: Browser, fields: dict[str, str], field: str, says: str
) -> None:
    answer = admin.send(CONFIG, **fields)

    assert answer.status == 422
    assert says in field_error(answer, field)
    # The input is kept in the open pane.
    assert re.search(r'<dialog class="pane" id="add"[^>]* data-open>', text(answer))
    if "other_type" in fields:
        assert f'value="{fields["other_type"]}"' in text(answer)


def test_an_unknown_key_is_stored_and_marked_as_unused(admin: Browser) -> None:
    admin.do(
        CONFIG, config_type="Other", other_type="AppConfig", other_key="DUPLO_CUSTOM_TAGS", other_value="<b>&"
    )
    page = admin.client.get(CONFIG, headers=admin.headers()).body.decode()

    assert "This portal does not use this key." in page
    assert "&lt;b&gt;&amp;" in page
    assert "<b>&" not in page


def test_an_unknown_key_is_edited_in_the_pane(admin: Browser) -> None:
    ref = {"type": "AppConfig", "key": "Some Key/x"}
    admin.do(CONFIG, config_type="Other", other_type=ref["type"], other_key=ref["key"], other_value="before")
    page = admin.see(f"{CONFIG}?{urlencode(ref)}")
    field = re.search(r'id="change-value" name="([^"]+)"[^>]* value="before"', page)
    version = re.search(r'name="version" value="([^"]+)"', page)
    assert field
    assert version

    admin.do(f"{CONFIG}/change", **ref, version=version[1], **{field[1]: "after"})

    assert "<code>after</code>" in admin.see(CONFIG)


@pytest.mark.parametrize("key", ["Some Key/x", "AdminJitSessionDuration"])
def test_a_form_without_the_field_of_the_value_changes_nothing(admin: Browser, key: str) -> None:
    ref = {"type": "AppConfig", "key": key}
    admin.do(CONFIG, config_type="Other", other_type="AppConfig", other_key=key, other_value="1800")
    version = re.search(r'name="version" value="([^"]+)"', admin.see(f"{CONFIG}?{urlencode(ref)}"))
    assert version

    late = admin.send(f"{CONFIG}/change", **ref, version=version[1], flag="3600")

    assert late.status == 422
    assert "another version of the portal" in alert(late)
    assert "<code>1800</code>" in admin.see(CONFIG)


def test_the_form_of_the_previous_release_for_an_unknown_key_is_read(admin: Browser) -> None:
    ref = {"type": "AppConfig", "key": "Some Key/x"}
    admin.do(CONFIG, config_type="Other", other_type=ref["type"], other_key=ref["key"], other_value="before")
    version = re.search(r'name="version" value="([^"]+)"', admin.see(f"{CONFIG}?{urlencode(ref)}"))
    assert version

    admin.do(f"{CONFIG}/change", **ref, version=version[1], value="after")

    assert "<code>after</code>" in admin.see(CONFIG)


def test_a_stored_text_is_kept_as_written_and_its_option_is_selected(admin: Browser) -> None:
    key = {"other_type": "Flags", "other_key": "DisableAwsNonAdminJitAccess"}
    admin.do(CONFIG, config_type="Other", **key, other_value="TRUE")

    assert "<code>TRUE</code>" in admin.see(CONFIG)
    pane = admin.see(f"{CONFIG}?type=Flags&key=DisableAwsNonAdminJitAccess").partition('id="change"')[2]
    assert '<option value="true" selected>' in pane


def test_a_change_of_an_outdated_version_is_refused(admin: Browser, quick_world: World) -> None:
    admin.do(CONFIG, **ADMIN_SESSION, other_value="1800")
    page = admin.see(f"{CONFIG}?type=AppConfig&key=AdminJitSessionDuration")
    version = re.search(r'name="version" value="([^"]+)"', page)
    assert version
    quick_world.clock.move(timedelta(seconds=1))
    admin.do(CONFIG, **ADMIN_SESSION, other_value="900")

    change = {
        "type": "AppConfig",
        "key": "AdminJitSessionDuration",
        "value:AppConfig/AdminJitSessionDuration": "3600",
    }
    late = admin.send(f"{CONFIG}/change", **change, version=version[1])

    assert late.status == 412
    assert "was changed in the meantime" in alert(late)
    assert validity(quick_world, ADMIN, admin=True) == 900


def test_a_tenants_setting_applies_to_that_tenant_only(quick_world: World, admin: Browser) -> None:
    here = f"{TENANTS}/{DEV.id}/settings"
    admin.do(here, **validity_of("1800"))

    assert "30 min" in admin.see(here)
    assert validity(quick_world, DANA, tenant="dev01") == 1800
    assert validity(quick_world, DANA, tenant="prod01") == 3600
    admin.do(f"{here}/remove", key="aws_access_token_validity")
    assert validity(quick_world, DANA, tenant="dev01") == 3600


def test_a_tenants_maximum_cannot_exceed_the_global_one(admin: Browser) -> None:
    here = f"{TENANTS}/{DEV.id}/settings"
    admin.do(CONFIG, **ROLE_MAXIMUM, **{ROLE_MAXIMUM_HOURS: "7200"})

    maximum = {"key": "aws_role_max_session_duration"}
    hours, custom = (f"{part}:aws_role_max_session_duration" for part in ("value", "custom"))
    refused = admin.send(here, **maximum, **{hours: "14400"})

    assert refused.status == 422
    assert "no tenant's may be longer" in field_error(refused, f"add-{hours}")
    admin.do(here, **maximum, **{hours: "custom", custom: "3600"})


def test_a_member_has_access_until_removed(quick_world: World, admin: Browser) -> None:
    def ask() -> tuple[int, str]:
        answer = quick_world.client().post("/api/v1/sessions", quick_world.tokens[NOOR], {"tenant": "dev01"})
        return answer.status, answer.json.get("access", "")

    here = f"{TENANTS}/{DEV.id}"
    seen = [ask()]
    admin.do(here, user=NOOR, read_only="true")
    seen.append(ask())
    page = admin.see(here)
    admin.do(here, user=NOOR)
    seen.append(ask())
    admin.do(f"{here}/remove", user=NOOR)
    seen.append(ask())

    assert seen == [(404, ""), (201, "read-only"), (201, "full"), (404, "")]
    assert re.search(rf"{NOOR}</a></td><td [^>]*>Yes</td>", page)


def test_an_unknown_user_cannot_become_a_member(admin: Browser) -> None:
    here = f"{TENANTS}/{DEV.id}"

    assert alert(admin.send(here, user="nobody@example.com")) == "There is no such user."
    assert alert(admin.send(here)) == "Select a User."


def test_a_tenant_is_created_and_deleted_by_typing_its_name(quick_world: World, admin: Browser) -> None:
    place = admin.do(TENANTS, name="lab01", region="eu-west-1")
    found = quick_world.client().get("/api/v1/tenants", quick_world.tokens[ADMIN]).json["tenants"]
    wrong = admin.send("/administrator/delete-tenant", id=place.rpartition("/")[2], typed="lab")
    admin.do("/administrator/delete-tenant", id=place.rpartition("/")[2], typed="lab01")

    assert ("lab01", "eu-west-1") in [(one["name"], one["region"]) for one in found]
    assert wrong.status == 422
    assert "lab01" not in admin.see(TENANTS)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "Dev 02", "region": "us-west-2"}, ""),
        ({"name": "dev01", "region": "us-west-2"}, "dev01"),
        ({"name": "dev01-x", "region": "us-west-2"}, "dev01"),
        ({"name": "lab01", "region": "moon"}, "A region looks like"),
        (
            {"name": "lab01", "region": "us-west-2", "role_arn": DEV.target.role_arn},
            "The tenant “dev01” has that role already",
        ),
        (
            {"name": "lab01", "region": "us-west-2", "role_arn": "arn:x"},
            "role must be in the portal's account",
        ),
    ],
)
def test_an_invalid_tenant_is_refused_in_the_pane(admin: Browser, fields: dict[str, str], says: str) -> None:
    answer = admin.send(TENANTS, **fields)

    assert answer.status == 422
    assert says in alert(answer)


def test_a_new_users_password_is_shown_once_and_works(admin: Browser) -> None:
    fields = {"username": "Lena@Example.com", "role": "User", "sign_in": "password", "read_only": "true"}
    answer = admin.send(USERS, [("tenants", DEV.id), ("tenants", PROD.id)], **fields)
    password = shown_once(answer)

    page = admin.client.get("/sign-in")
    visit = next(value for name, value in page.headers if name == "set-cookie").partition(";")[0]
    sent = {"csrf": csrf_token(visit.partition("=")[2]), "username": "lena@example.com", "password": password}
    headers = [("Cookie", visit), ("Origin", PUBLIC_URL), FORM]
    came = admin.client.send("POST", "/sign-in", headers=headers, body=urlencode(sent).encode())

    assert answer.status == 200
    assert came.status == 303
    assert password not in admin.see(USERS)
    listed = admin.see(f"{USERS}?search=lena")
    assert "just now" in listed
    user = re.search(rf'{USERS}/([0-9a-f]+)"', listed)
    assert user
    theirs = admin.see(f"{USERS}/{user[1]}")
    assert re.findall(r">(dev01|prod01)</a>", theirs) == ["dev01", "prod01"]
    assert "<dt>Read-Only</dt><dd>Yes</dd>" in theirs


def test_no_user_is_created_for_a_tenant_that_is_gone(admin: Browser) -> None:
    fields = {"username": "lena@example.com", "role": "User", "sign_in": "password"}

    answer = admin.send(USERS, [("tenants", DEV.id), ("tenants", "gone")], **fields)

    assert answer.status == 404
    assert "gone" in alert(answer)
    assert "lena@example.com" not in admin.see(f"{USERS}?search=lena").partition("<table")[2]


def test_a_service_accounts_token_is_shown_once_and_can_be_revoked(
    quick_world: World, admin: Browser
) -> None:
    place = admin.do(USERS, username="robot@example.com", role="User", sign_in="none")
    made = admin.send(f"{place}/tokens", name="pipeline")
    token = shown_once(made)
    counts = quick_world.client().get("/api/v1/me", token)
    page = admin.see(f"{place}/tokens")
    admin.do(f"{place}/tokens/revoke", id=counts.json["token"]["id"])

    assert counts.json["user"]["username"] == "robot@example.com"
    assert "pipeline" in page
    assert token not in page
    assert quick_world.client().get("/api/v1/me", token).status == 401
    assert alert(admin.send(f"{place}/tokens")) == "Enter a Token Name."


def test_every_kind_of_token_has_a_label(quick_world: World, admin: Browser) -> None:
    dana = quick_world.users[DANA]
    ends = quick_world.clock() + timedelta(hours=1)
    for kind in TokenKind:
        token = quick_world.identity.new_token(dana, kind, kind.value, expires_at=ends, grant_ends_at=ends)
        quick_world.identity.add_token(token, dana, OPERATOR)

    page = admin.see(f"{USERS}/{dana.id}/tokens")

    cells = re.findall(r'<tr role="row"><td.*?</tr>', page, re.DOTALL)
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in cells]
    labels = {row[0]: " ".join(row[1:]) for row in rows}
    assert {kind.value for kind in TokenKind} <= labels.keys()
    assert labels["cli"].startswith("CLI access token ")
    assert labels["refresh"].startswith("CLI ")
    assert labels["approval"].startswith("Application ")


def test_a_disabled_or_deleted_user_loses_access_immediately(quick_world: World, admin: Browser) -> None:
    def me(username: str) -> int:
        return quick_world.client().get("/api/v1/me", quick_world.tokens[username]).status

    dana, noor = (f"{USERS}/{quick_world.users[name].id}" for name in (DANA, NOOR))
    version = re.search(r'name="version" value="([^"]+)"', admin.see(dana))
    assert version
    admin.do(f"{dana}/update", role="User", state="disabled", version=version[1])
    wrong = admin.send("/administrator/delete-user", id=noor.rpartition("/")[2], typed="noor")
    still = me(NOOR)
    admin.do("/administrator/delete-user", id=noor.rpartition("/")[2], typed=NOOR)

    assert (me(DANA), wrong.status, still, me(NOOR)) == (401, 422, 200, 401)
    assert "Disabled" in admin.see(dana)
    assert NOOR not in admin.see(USERS)


def test_the_last_administrator_cannot_be_demoted_or_deleted(quick_world: World, admin: Browser) -> None:
    here = f"{USERS}/{quick_world.users[ADMIN].id}"
    version = re.search(r'name="version" value="([^"]+)"', admin.see(here))
    assert version

    demoted = admin.send(f"{here}/update", role="User", state="enabled", version=version[1])
    deleted = admin.send("/administrator/delete-user", id=here.rpartition("/")[2], typed=ADMIN)

    assert "last Administrator" in alert(demoted)
    assert deleted.status >= 400
    assert "last Administrator" in text(deleted)


def test_users_are_searched_sorted_and_paginated(admin: Browser) -> None:
    lines = "\n".join(f"person{number:02}@example.com" for number in range(30))
    imported(admin, f"username\n{lines}")

    def names(page: str) -> list[str]:
        return re.findall(r"<a href=\"/administrator/users/[0-9a-f]+\">([^<]+)</a>", page)

    first = admin.see(USERS)
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following
    second = admin.see(following[1])
    backwards = admin.see(f"{USERS}?sort=-username")
    found = admin.see(f"{USERS}?search=PERSON2")

    assert (len(names(first)), len(names(second))) == (25, 8)
    assert names(first) + names(second) == sorted(names(first) + names(second))
    assert names(backwards)[0] == "person29@example.com"
    assert len(names(found)) == 10
    assert 'aria-sort="descending"' in backwards


def multipart(
    admin: Browser, content: bytes, token: str | None = None
) -> tuple[list[tuple[str, str]], bytes]:
    """Return the headers and body of a form with a file, as a browser sends it."""
    csrf = csrf_token(admin.cookie) if token is None else token
    parts = (
        b'Content-Disposition: form-data; name="csrf"\r\n\r\n' + csrf.encode(),
        b'Content-Disposition: form-data; name="table"\r\n\r\n',
        b'Content-Disposition: form-data; name="file"; filename="people.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n" + content,
    )
    body = b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts) + b"--frontier--\r\n"
    kind = ("Content-Type", "multipart/form-data; boundary=frontier")
    return [*admin.headers(), kind, ("Origin", PUBLIC_URL)], body


def choose(admin: Browser, content: bytes, token: str | None = None) -> Answer:
    """Upload a file for preview."""
    headers, body = multipart(admin, content, token)
    return admin.client.send("POST", IMPORT, headers=headers, body=body)


def import_fields(answer: Answer) -> dict[str, str]:
    """Return the fields that the **Import** button would submit."""
    found = re.findall(r'name="(table_id|seen)" value="([^"]*)"', text(answer))
    assert found, text(answer)
    return dict(found)


def imported(admin: Browser, table: str) -> str:
    return admin.do(f"{IMPORT}/do", **import_fields(admin.send(IMPORT, table=table)))


HEAD = "username,role,tenants,read_only_tenants"
GOOD = f"{HEAD}\nlena@example.com,,dev01,prod01\ndana@example.com,User,dev01,"


def test_an_import_is_previewed_and_then_done_completely_or_not_at_all(admin: Browser) -> None:
    planned = admin.send(IMPORT, table=GOOD)
    bad = admin.send(IMPORT, table=f"{GOOD}\nx@example.com,Boss,,")
    untouched = "lena" not in admin.see(USERS)
    # Only the table of the last preview is stored.
    outdated = admin.send(f"{IMPORT}/do", **import_fields(planned))
    imported(admin, GOOD)

    assert (planned.status, "Import 2 lines" in text(planned), untouched) == (200, True, True)
    assert "A role is User or Administrator" in text(bad)
    assert "table_id" not in text(bad)
    assert (outdated.status, "import has expired" in text(outdated)) == (422, True)
    assert "lena@example.com" in admin.see(USERS)


def test_a_file_of_thousands_of_lines_is_previewed(admin: Browser) -> None:
    lines = "".join(f"person{number:05}@example.com,User,dev01,\n" for number in range(4000))
    planned = choose(admin, f"\ufeff{HEAD}\r\n{lines}".encode())
    assert (planned.status, "Import 4,000 lines" in text(planned)) == (200, True), text(planned)
    assert len(planned.body) < 500_000
    assert "4,000 new" in text(planned)


def test_an_import_is_refused_if_users_changed_since_the_preview(quick_world: World, admin: Browser) -> None:
    planned = choose(admin, GOOD.encode())
    admin.do(f"{TENANTS}/{DEV.id}", user=DANA, read_only="true")

    changed = admin.send(f"{IMPORT}/do", **import_fields(planned))
    still_untouched = "lena" not in admin.see(USERS)
    admin.do(f"{IMPORT}/do", **import_fields(changed))

    assert (changed.status, "have changed since you reviewed the table" in alert(changed)) == (412, True)
    assert still_untouched
    assert quick_world.client().get("/api/v1/users/lena@example.com", quick_world.tokens[ADMIN]).status == 200


def test_an_import_that_leaves_no_administrator_is_refused_on_its_page(admin: Browser) -> None:
    planned = admin.send(IMPORT, table=f"{HEAD}\n{ADMIN},User,,")

    refused = admin.send(f"{IMPORT}/do", **import_fields(planned))

    assert (refused.status, "would have no Administrator left" in alert(refused)) == (409, True)
    assert 'name="table"' in text(refused)


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 422, "The first line names the columns"),
        (b"username\n\xff\xfe", 422, "CSV UTF-8"),
        (b"username\nx\n" + b" " * (6 * 1024 * 1024), 413, "larger than the limit of"),
        (b"username\n" + b"x\n" * 50_001, 422, "at most 50000 lines"),
    ],
    ids=["empty", "no text", "too large", "too long"],
)
def test_an_invalid_file_is_refused_with_a_reason(
    admin: Browser, content: bytes, status: int, says: str
) -> None:
    answer = choose(admin, content)

    assert (answer.status, says in text(answer)) == (status, True), text(answer)[:2000]


def test_a_file_without_authorization_or_of_another_site_is_not_read(
    quick_world: World, admin: Browser
) -> None:
    forged = choose(admin, GOOD.encode(), token="0" * 64)
    headers, body = multipart(sign_in(quick_world, DANA), GOOD.encode())
    large = [{"type": "http.request", "body": body, "more_body": True}]
    theirs = admin.client.send("POST", IMPORT, headers=headers, body=large)
    headers, body = multipart(admin, GOOD.encode())
    foreign = [one for one in headers if one[0] != "Origin"] + [("Origin", "https://evil.example")]
    elsewhere = admin.client.send("POST", IMPORT, headers=foreign, body=body)

    assert (forged.status, theirs.status, elsewhere.status) == (403, 403, 403)
    assert "for Administrators" in text(theirs)


WIDENING = [
    (
        CONFIG,
        {
            "config_type": "Flags",
            "key:Flags": "EnableAwsAdminJitAccess",
            "value:Flags/EnableAwsAdminJitAccess": "true",
        },
    ),
    (f"{TENANTS}/{DEV.id}/settings", validity_of("7200")),
    (f"{TENANTS}/{DEV.id}", {"user": NOOR}),
    (USERS, {"username": "boss@example.com", "role": "Administrator", "sign_in": "none"}),
    (USERS, {"username": "lena@example.com", "role": "User", "sign_in": "none", "tenants": DEV.id}),
]


@pytest.mark.parametrize(("address", "fields"), WIDENING, ids=lambda value: str(value)[:50])
def test_a_change_that_grants_access_requires_reauthentication(
    quick_world: World, admin: Browser, address: str, fields: dict[str, str]
) -> None:
    quick_world.clock.move(FRESH_ENOUGH + timedelta(seconds=1))
    users = admin.see(USERS)

    answer = admin.send(address, **fields)

    assert answer.status == 403
    assert "Confirm your password" in text(answer)
    assert "Your input is not lost" in text(answer)
    # Nothing was changed, not even partially.
    assert admin.see(USERS) == users
    assert "EnableAwsAdminJitAccess" not in re.sub(
        r"<dialog.*</dialog>", "", admin.see(CONFIG), flags=re.DOTALL
    )


@pytest.fixture
def boss(quick_world: World) -> Browser:
    """An Administrator with a password, whose last authentication is not recent."""
    user = quick_world.identity.create_user("boss@example.com", Role.ADMINISTRATOR, PASSWORD, OPERATOR)
    quick_world.users["boss@example.com"] = user
    signed_in = sign_in(quick_world, "boss@example.com")
    quick_world.clock.move(FRESH_ENOUGH + timedelta(seconds=1))
    return signed_in


def fields_of(answer: Answer) -> list[tuple[str, str]]:
    """Return the hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.body.decode())
    return [(name, html.unescape(value)) for name, value in found]


def test_the_deferred_form_survives_reauthentication(boss: Browser) -> None:
    typed = {"username": "lenä+x&y@example.com", "role": "Administrator", "sign_in": "none"}
    asked = boss.send(USERS, [("tenants", DEV.id), ("tenants", PROD.id)], **typed)
    waiting = [one for one in fields_of(asked) if one[0] != "csrf"]

    wrong = boss.send("/confirm", waiting, password="wrong")
    again = [one for one in fields_of(wrong) if one[0] != "csrf"]
    right = boss.send("/confirm", again, password=PASSWORD.reveal())
    cookie = next(value for name, value in right.headers if name == "set-cookie" and SESSION in value)
    fresh = Browser(boss.client, cookie.partition(";")[0].partition("=")[2])
    place = fresh.do(USERS, [one for one in fields_of(right) if one[0] != "csrf"])

    assert (asked.status, wrong.status, right.status) == (403, 401, 200)
    assert f'action="{USERS}"' in text(right)
    assert {name for name, _ in fields_of(right)} == {"csrf", "tenants", *typed}
    check_token(fresh.cookie, dict(fields_of(right))["csrf"])
    assert PASSWORD.reveal() not in text(wrong) + text(right)
    assert typed["username"] in fresh.see(place)
    assert re.findall(r">(dev01|prod01)</a>", fresh.see(place)) == ["dev01", "prod01"]


def test_a_forged_deferred_form_is_refused(boss: Browser) -> None:
    asked = boss.send(USERS, username="lena@example.com", role="Administrator", sign_in="none")
    waiting = dict(fields_of(asked))
    other = json.dumps(["https://evil.example/", []])

    for forged in ({**waiting, "waiting": other}, {**waiting, "seal": "0" * 64}):
        del forged["csrf"]
        assert boss.send("/confirm", password=PASSWORD.reveal(), **forged).status == 403


def test_a_form_too_large_to_defer_redirects_to_confirmation(boss: Browser) -> None:
    answer = boss.send(USERS, username="x@example.com", role="Administrator", more="x" * 21_000)

    assert (answer.status, answer.header("location")) == (303, "/confirm?next=/administrator/users")


@pytest.mark.parametrize("address", [USERS, f"{USERS}/x", CONFIG, "/administrator/audit"])
def test_a_refused_administrator_page_is_audited_once_a_minute(quick_world: World, address: str) -> None:
    dana = sign_in(quick_world, DANA)

    def denied() -> list[tuple[str, str]]:
        answer = quick_world.client().get(
            "/api/v1/audit", quick_world.tokens[ADMIN], query="action=administration.enter"
        )
        return [(one["actor"], one["subject"]) for one in answer.json["events"]]

    for _ in range(3):
        assert dana.client.get(address, headers=dana.headers()).status == 403
    first = denied()
    dana.client.get(f"{USERS}/another", headers=dana.headers())
    dana.client.get(f"{USERS}/yet-another", headers=dana.headers())
    others = len(denied())
    quick_world.clock.move(timedelta(minutes=1))
    dana.client.get(address, headers=dana.headers())

    assert first == [(DANA, address)]
    # Refusals are counted per route, whatever its parameters.
    assert others == (1 if address == f"{USERS}/x" else 2)
    assert len(denied()) == others + 1


def test_a_refused_api_call_is_audited(quick_world: World) -> None:
    client = quick_world.client()
    for path in ("/api/v1/users", "/admin/GetAllUserRoles", "/api/v1/users"):
        assert client.get(path, quick_world.tokens[DANA]).status in {403, 404}

    answer = client.get(
        "/api/v1/audit", quick_world.tokens[ADMIN], query="action=administration.enter&outcome=denied"
    )
    (event,) = [one for one in answer.json["events"] if one["subject"] == "/api/v1/users"]
    assert event["actor"] == DANA
    assert (event["detail"]["method"], event["detail"]["door"]) == ("GET", "api")


def test_a_change_that_removes_access_requires_no_reauthentication(
    quick_world: World, admin: Browser
) -> None:
    quick_world.clock.move(FRESH_ENOUGH + timedelta(seconds=1))

    admin.do(f"{TENANTS}/{DEV.id}/remove", user=DANA)
    admin.do("/administrator/delete-user", id=quick_world.users[NOOR].id, typed=NOOR)
    admin.do(f"{TENANTS}/{DEV.id}/settings", **validity_of("900"))


@pytest.mark.parametrize("address", [CONFIG, TENANTS, USERS, "/administrator/import-users"])
def test_other_users_can_neither_view_nor_use_administrator_pages(quick_world: World, address: str) -> None:
    dana = sign_in(quick_world, DANA)

    assert dana.client.get(address, headers=dana.headers()).status == 403
    assert dana.send(address, username="x@example.com", role="Administrator").status == 403


@pytest.mark.parametrize(
    "address", [f"{TENANTS}/no-such", f"{TENANTS}/no-such/settings", f"{USERS}/no-such", f"{CONFIG}?key=no"]
)
def test_an_unknown_object_gets_a_not_found_page(admin: Browser, address: str) -> None:
    path, _, query = address.partition("?")
    answer = admin.client.get(path, headers=admin.headers(), query=query)

    assert answer.status == 404
    assert "Not found" in text(answer)


def test_a_tenants_sessions_include_all_users(quick_world: World, admin: Browser) -> None:
    ask = {"tenant": "dev01", "reason": "ticket 4711"}
    quick_world.client().post("/api/v1/sessions", quick_world.tokens[DANA], ask)
    quick_world.client().post("/api/v1/sessions", quick_world.tokens[ADMIN], {"tenant": "prod01"})

    page = admin.see(f"{TENANTS}/{DEV.id}/sessions")

    assert f"{DANA}<span" in page
    assert "ticket 4711" in page
    assert "Live" in page
    assert "canary" not in page
    assert page.count('<tr role="row"><td') == 1


def test_the_duration_chart_marks_the_role_maximum_that_limits_sessions(
    quick_world: World, admin: Browser
) -> None:
    here = f"{TENANTS}/{DEV.id}"
    quick_world.broker.maximum = timedelta(hours=1)
    free = admin.see(f"{here}/aws")
    admin.do(f"{here}/settings", **validity_of("7200"))

    capped = admin.see(f"{here}/settings")

    assert DEV.target.role_arn in free
    assert "row limits" not in free
    assert 'class="row limits"><div class="label">Maximum session duration of the IAM role' in capped
    assert "The role's own maximum is shorter." in capped
    # The setting is kept, and the session lasts as long as the role allows.
    assert validity(quick_world, DANA, tenant="dev01") == 3600


def test_a_finding_about_a_tenants_role_is_shown_with_its_fix(quick_world: World, admin: Browser) -> None:
    sentence = "The trust policy lets any AWS account assume the role."
    quick_world.doctor.findings = [Finding("open", Level.ERROR, "dev01", sentence, "aws iam mend it")]

    page = admin.see(f"{TENANTS}/{DEV.id}/aws")

    assert 'role="alert"' in page
    assert sentence in page
    assert "aws iam mend it" in page


def test_creating_a_tenant_with_a_broken_role_leads_to_the_fix(quick_world: World, admin: Browser) -> None:
    sentence, patch = "The trust policy is wrong: it asks for another ExternalId.", "aws iam mend it"
    quick_world.doctor.findings = [Finding("trust", Level.ERROR, "team01", sentence, patch)]

    made = admin.send(TENANTS, name="team01", region="eu-central-1")
    page = admin.see(made.header("location") or "")

    assert (made.header("location") or "").endswith("/aws")
    assert "cannot%20issue%20sessions%20yet" in (made.header("set-cookie") or "")
    assert sentence in page
    assert patch in page


def test_the_roles_page_shows_the_admin_session_duration(admin: Browser) -> None:
    page = admin.see(f"{CONFIG}/roles")

    assert "Admin session duration" in page


def test_a_missing_role_is_shown_with_how_to_create_it(sqlite_url: str) -> None:
    with make_world(sqlite_url, roles=NoRoles()) as made:
        admin = sign_in(made, ADMIN)
        admin.do(CONFIG, **ROLE_MAXIMUM, **{ROLE_MAXIMUM_HOURS: "7200"})
        admin.do(CONFIG, **ADMIN_SESSION, other_value="7200")
        while "waiting" in (page := admin.see(f"{CONFIG}/roles")):
            pass
        overview = admin.see("/administrator/overview")

    assert "4 missing" in page
    assert "0 done" not in page
    assert f"There is no role {DEV.target.role_arn}" in page
    assert "update-role" not in page
    assert f'<a href="{TENANTS}/{DEV.id}/aws">How to create it</a>' in page
    assert f"daypass portal aws-setup --format cli --account {ACCOUNT}" in page
    assert "4 configured roles do not exist" in overview


def test_the_services_of_a_tenant_are_set_and_their_failure_is_shown(sqlite_url: str) -> None:
    field = {"key": "aws_services"}
    here = f"{TENANTS}/{DEV.id}/settings"
    with make_world(sqlite_url, roles=NoRoles()) as made:
        admin = sign_in(made, ADMIN)
        refused = admin.send(here, **field, **{"value:aws_services": "s3,iam"})
        admin.do(here, **field, **{"value:aws_services": "sqs,s3"})
        while "Waiting" in (page := admin.see(f"{CONFIG}/roles")):
            pass

    assert refused.status == 422
    reason = "Tenants cannot use iam. The services are: lambda, s3, sqs."
    assert f'id="add-value:aws_services-error" role="alert">{reason}</p>' in text(refused)
    assert 'aria-describedby="add-value:aws_services-error"' in text(refused)
    assert "s3, sqs</td>" in page
    assert f"There is no role {DEV.target.role_arn}" in page
