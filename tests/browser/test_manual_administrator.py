"""The manual's numbered steps for Administrators, word for word, in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Locator, Page, expect

from daypass.demo.aws import Keys
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.secret import Secret
from daypass.portal.settings.registry import TENANT_VALIDITY
from tests.browser.channels import ALL_CHANNELS, PAGES, AccessChannels
from tests.fixtures.browser import Chromium, User, new_user
from tests.fixtures.demo import Demo

ADMIN, DANA = "admin@example.com", "dana@example.com"


@pytest.fixture
def administrator(chromium: Chromium, troubled: Demo) -> Iterator[User]:
    """The Administrator of a portal whose settings no other test uses."""
    with new_user(chromium, troubled) as user:
        user.sign_in_by_request(ADMIN)
        yield user
        user.assert_no_errors()
        user.assert_no_sideways_scrolling()


def navigate(user: User, *labels: str) -> Page:
    """Use the navigation on the left, as the manual says."""
    side = user.page.get_by_role("navigation", name="Main")
    expect(side.get_by_text("Administrator", exact=True)).to_be_visible()
    side.get_by_role("link", name=labels[-1], exact=True).click()
    return user.page


def field(pane: Locator, label: str) -> Locator:
    """Return the visible field with that label; hidden ones belong to other options."""
    return pane.get_by_label(label, exact=True).locator("visible=true")


@contextmanager
def adding(page: Page, tab: str, title: str) -> Iterator[Locator]:
    """Select a tab, click **Add**, and yield the pane."""
    page.get_by_role("link", name=tab, exact=True).click()
    page.get_by_role("button", name="Add", exact=True).click()
    pane = page.get_by_role("dialog", name=title)
    expect(pane).to_be_visible()
    yield pane
    expect(pane).to_be_hidden()


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=name))


def remove(page: Page, name: str, entry: str = "Remove") -> None:
    """Remove a setting by the menu of its row."""
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=entry).click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(row(page, name)).to_have_count(0)


@contextmanager
def ahead(demo: Demo, by: timedelta) -> Iterator[None]:
    """Move the clock of AWS ahead within the context."""
    demo.control.move_clock(by)
    try:
        yield
    finally:
        demo.control.move_clock(-by)


def assert_lasts(demo: Demo, seconds: int, username: str, **asked: object) -> None:
    """Check that AWS itself ends a session after exactly that time, and not before."""
    answer = demo.visitor(demo.token(username)).session(**asked)
    assert (answer.status, answer.body.get("validity")) == (201, seconds), answer.body
    given = answer.body["credentials"]
    keys = Keys(given["access_key_id"], Secret(given["secret_access_key"]), Secret(given["session_token"]))
    sts, length = demo.root.with_keys(keys).sts, timedelta(seconds=seconds)
    # The time since the keys were issued is part of their lifetime.
    with ahead(demo, length - timedelta(minutes=2)):
        assert sts.get_caller_identity()["Arn"].endswith(f"/{username}")
    with ahead(demo, length + timedelta(seconds=1)), pytest.raises(ClientError) as refused:
        sts.get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "ExpiredToken"


@contextmanager
def roles_as_before(demo: Demo) -> Iterator[None]:
    """Restore the maximum of every role to one hour, in AWS and in the portal."""
    try:
        yield
    finally:
        iam = demo.root.iam
        with demo.database() as database, database.writing() as connection:
            for role in iam.list_roles()["Roles"]:
                iam.update_role(RoleName=role["RoleName"], MaxSessionDuration=3600)
                CachedRoleStore(connection).forget(role["Arn"])


_OVERFLOWING = "values => values.filter(v => v.scrollWidth > v.clientWidth).map(v => v.textContent)"


def wait_for_roles(user: User, result: str) -> None:
    """Wait for the result of the role changes on the page AWS Roles."""
    page = navigate(user, "Administrator", "System Settings")
    page.get_by_role("link", name="AWS Roles").click()
    for _ in range(50):
        if page.get_by_text(result).count():
            break
        page.reload()
    expect(page.get_by_text(result)).to_be_visible()


def test_enabling_administrator_jit_access_in_the_ui(
    administrator: User, chromium: Chromium, tmp_path: Path
) -> None:
    with new_user(chromium, administrator.demo) as admin:
        admin.open_signed_in(ADMIN)
        assert (
            AccessChannels(admin, ADMIN, tmp_path / "admin", None).granting_access() == ALL_CHANNELS - PAGES
        )
    expect(administrator.page.get_by_text("JIT Admin AWS Console")).to_have_count(0)
    page = navigate(administrator, "Administrator", "System Settings")
    with adding(page, "System Config", "Add Config") as pane:
        field(pane, "Config Type").select_option("Flags")
        field(pane, "Key").select_option(label="Enable Admin AWS JIT Access On UI")
        field(pane, "Value").select_option("true")
        pane.get_by_role("button", name="Submit").click()

    expect(row(page, "Enable Admin AWS JIT Access On UI")).to_contain_text("true")
    administrator.visit("/profile")
    page.get_by_role("button", name="More ways into AWS").click()
    expect(page.get_by_role("menuitem", name="JIT Admin AWS Console")).to_be_visible()
    assert AccessChannels(administrator, ADMIN, tmp_path, None).granting_access(PAGES) == PAGES
    with new_user(chromium, administrator.demo) as dana:
        dana.open_signed_in(DANA)
        assert AccessChannels(dana, DANA, tmp_path / "dana", None).granting_access() == set()
    administrator.visit("/profile")
    navigate(administrator, "Administrator", "System Settings")
    remove(page, "Enable Admin AWS JIT Access On UI")


def test_disabling_jit_access_for_non_admin_users(
    administrator: User, chromium: Chromium, tmp_path: Path
) -> None:
    page = navigate(administrator, "Administrator", "System Settings")
    with adding(page, "System Config", "Add Config") as pane:
        field(pane, "Config Type").select_option("Flags")
        field(pane, "Key").select_option(label="Disable Non-Admin AWS JIT Access On UI")
        field(pane, "Value").select_option("true")
        pane.get_by_role("button", name="Submit").click()

    expect(row(page, "Disable Non-Admin AWS JIT Access On UI")).to_contain_text("true")
    with new_user(chromium, administrator.demo) as dana:
        dana.open_signed_in(DANA)
        assert AccessChannels(dana, DANA, tmp_path / "off", "dev01").granting_access() == set()
        demo = administrator.demo
        assert demo.visitor(demo.token(ADMIN)).session(tenant="dev01").status == 201
        # Resource pages remain, without **Console**.
        dana.visit("/resources")
        expect(dana.page.get_by_role("table")).to_contain_text("duploservices-dev01-reports")
        expect(dana.page.get_by_role("button", name="Console")).to_have_count(0)
        remove(page, "Disable Non-Admin AWS JIT Access On UI")
        assert AccessChannels(dana, DANA, tmp_path, "dev01").granting_access(PAGES | {"API"}) == PAGES | {
            "API"
        }


def test_configuring_jit_timeout_for_tenants(administrator: User) -> None:
    demo = administrator.demo
    page = navigate(administrator, "Administrator", "Tenants")
    page.get_by_role("link", name="dev01", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("dev01")
    with adding(page, "Settings", "Add Tenant Feature") as pane:
        field(pane, "Select Feature").select_option(label="AWS Access Token Validity")
        field(pane, "Value").fill("1800")
        pane.get_by_role("button", name="Update").click()

    expect(row(page, "AWS Access Token Validity")).to_contain_text("1800")
    assert_lasts(demo, 1800, DANA, tenant="dev01")
    page.get_by_role("button", name="Actions for AWS Access Token Validity").click()
    page.get_by_role("menuitem", name="Edit Setting").click()
    pane = page.get_by_role("dialog", name="Update Tenant Feature")
    expect(field(pane, "Value")).to_have_value("1800")
    field(pane, "Value").fill("900")
    pane.get_by_role("button", name="Update").click()
    expect(row(page, "AWS Access Token Validity")).to_contain_text("15 min")
    assert_lasts(demo, 900, DANA, tenant="dev01")
    remove(page, "AWS Access Token Validity", "Remove Setting")


def test_beyond_an_hour_the_roles_maximum_must_be_raised_too(administrator: User) -> None:
    demo = administrator.demo
    page = navigate(administrator, "Administrator", "Tenants")
    page.get_by_role("link", name="prod01", exact=True).click()
    with adding(page, "Settings", "Add Tenant Feature") as pane:
        field(pane, "Select Feature").select_option(label="AWS Access Token Validity")
        field(pane, "Value").fill("7200")
        pane.get_by_role("button", name="Update").click()
    capped = demo.visitor(demo.token(ADMIN)).session(tenant="prod01").body
    assert (capped["validity"], capped["capped_by"]) == (3600, "role_maximum")

    # The manual's warning appears at the setting: the value is kept and marked with its remedy.
    expect(page.get_by_text("The role's own maximum is shorter.")).to_be_visible()
    with roles_as_before(demo):
        with adding(page, "Settings", "Add Tenant Feature") as pane:
            field(pane, "Select Feature").select_option(label="AWS Role Max Session Duration")
            field(pane, "Select Duration Hour").select_option(label="2 Hours")
            pane.get_by_role("button", name="Update").click()
        wait_for_roles(administrator, "1 done")
        assert_lasts(demo, 7200, ADMIN, tenant="prod01")
        page = navigate(administrator, "Administrator", "Tenants")
        page.get_by_role("link", name="prod01", exact=True).click()
        page.get_by_role("link", name="Settings", exact=True).click()
        for name in ("AWS Access Token Validity", "AWS Role Max Session Duration"):
            remove(page, name, "Remove Setting")
        # The role keeps its maximum, which is reported once, in its own state.
        wait_for_roles(administrator, "1 no longer set")
        expect(page.get_by_text("until a value is set again")).to_have_count(1)
        expect(page.locator("main")).not_to_contain_text("0 done")


def test_configuring_jit_timeout_for_the_aws_master_iam_role(administrator: User) -> None:
    demo = administrator.demo
    page = navigate(administrator, "Administrator", "System Settings")
    with adding(page, "System Config", "Add Config") as pane:
        field(pane, "Config Type").select_option("Other")
        field(pane, "Other Config Type").fill("AppConfig")
        field(pane, "Key").fill("AdminJitSessionDuration")
        field(pane, "Value").fill("7200")
        pane.get_by_role("button", name="Submit").click()

    with roles_as_before(demo):
        expect(row(page, "AdminJitSessionDuration")).to_contain_text("7200")
        wait_for_roles(administrator, "1 done")
        assert_lasts(demo, 7200, ADMIN, admin=True)
        navigate(administrator, "Administrator", "System Settings")
        remove(page, "AdminJitSessionDuration")


@pytest.mark.parametrize(("chosen", "seconds"), [("2 Hours", 7200), ("Custom", 5400)])
def test_configuring_global_jit_timeout_for_all_tenants(
    administrator: User, chosen: str, seconds: int
) -> None:
    demo = administrator.demo
    page = navigate(administrator, "Administrator", "System Settings")
    with adding(page, "System Config", "Add Config") as pane:
        field(pane, "Config Type").select_option("AppConfig")
        field(pane, "Key").select_option(label="AWS Role Max Session Duration")
        field(pane, "Value").select_option(label=chosen)
        if chosen == "Custom":
            field(pane, "Custom Duration").fill(str(seconds))
        pane.get_by_role("button", name="Submit").click()

    with roles_as_before(demo):
        expect(row(page, "AWS Role Max Session Duration")).to_contain_text(str(seconds))
        wait_for_roles(administrator, f"{len(demo.tenants)} done")
        # No longer than the roles allow, whatever the tenant's own validity is.
        with demo.setting(TENANT_VALIDITY, "43200", demo.tenants["dev01"]["id"]):
            assert_lasts(demo, seconds, DANA, tenant="dev01")
        page.goto(f"{demo.portal_url}/administrator/tenants/dev01/aws")
        assert page.locator(".ruler .value").evaluate_all(_OVERFLOWING) == []
        navigate(administrator, "Administrator", "System Settings")
        remove(page, "AWS Role Max Session Duration")
