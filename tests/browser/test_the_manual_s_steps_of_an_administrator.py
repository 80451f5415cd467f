"""The numbered lists of the manual that an Administrator follows, word for word, in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser_fixture import Chromium, Person, somebody
from tests.demo_fixture import Demo

ADMIN, DANA = "admin@example.com", "dana@example.com"


@pytest.fixture
def administrator(chromium: Chromium, troubled: Demo) -> Iterator[Person]:
    """The Administrator of a portal whose settings are this test's alone."""
    with somebody(chromium, troubled) as person:
        person.sign_in(ADMIN)
        yield person
        person.find_nothing_wrong()
        person.find_no_sideways_scrolling()


def navigate(person: Person, *labels: str) -> Page:
    """Go by the navigation at the left, as the manual says."""
    side = person.page.get_by_role("navigation", name="Main")
    expect(side.get_by_text("Administrator", exact=True)).to_be_visible()
    side.get_by_role("link", name=labels[-1], exact=True).click()
    return person.page


def field(pane: Locator, label: str) -> Locator:
    """The field of that label that is shown; others of that label belong to what was not chosen."""
    return pane.get_by_label(label, exact=True).locator("visible=true")


@contextmanager
def adding(page: Page, tab: str, title: str) -> Iterator[Locator]:
    """Select a tab, click Add, and see the pane."""
    page.get_by_role("link", name=tab, exact=True).click()
    page.get_by_role("button", name="Add", exact=True).click()
    pane = page.get_by_role("dialog", name=title)
    expect(pane).to_be_visible()
    yield pane
    expect(pane).to_be_hidden()


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=name))


def remove(page: Page, name: str, entry: str = "Remove") -> None:
    """Take a setting away again, by the menu of its row."""
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=entry).click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(row(page, name)).to_have_count(0)


def test_enabling_administrator_jit_access_in_the_ui(administrator: Person) -> None:
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
    page.keyboard.press("Escape")
    navigate(administrator, "Administrator", "System Settings")
    remove(page, "Enable Admin AWS JIT Access On UI")


def test_disabling_jit_access_for_non_admin_users(administrator: Person) -> None:
    demo = administrator.demo
    page = navigate(administrator, "Administrator", "System Settings")
    with adding(page, "System Config", "Add Config") as pane:
        field(pane, "Config Type").select_option("Flags")
        field(pane, "Key").select_option(label="Disable Non-Admin AWS JIT Access On UI")
        field(pane, "Value").select_option("true")
        pane.get_by_role("button", name="Submit").click()

    expect(row(page, "Disable Non-Admin AWS JIT Access On UI")).to_contain_text("true")
    refused = demo.visitor(demo.token(DANA)).session(tenant="dev01")
    issued = demo.visitor(demo.token(ADMIN)).session(tenant="dev01")
    remove(page, "Disable Non-Admin AWS JIT Access On UI")
    again = demo.visitor(demo.token(DANA)).session(tenant="dev01")

    assert (refused.status, refused.body["code"]) == (403, "jit_disabled")
    assert (issued.status, again.status) == (201, 201)


def test_configuring_jit_timeout_for_tenants(administrator: Person) -> None:
    demo = administrator.demo
    page = navigate(administrator, "Administrator", "Tenants")
    page.get_by_role("link", name="dev01", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("DEV01")
    with adding(page, "Settings", "Add Tenant Feature") as pane:
        field(pane, "Select Feature").select_option(label="AWS Access Token Validity")
        field(pane, "Value").fill("1800")
        pane.get_by_role("button", name="Update").click()

    expect(row(page, "AWS Access Token Validity")).to_contain_text("1800")
    session = demo.visitor(demo.token(DANA)).session(tenant="dev01").body
    page.get_by_role("button", name="Actions for AWS Access Token Validity").click()
    page.get_by_role("menuitem", name="Edit Setting").click()
    pane = page.get_by_role("dialog", name="Update Tenant Feature")
    expect(field(pane, "Value")).to_have_value("1800")
    field(pane, "Value").fill("900")
    pane.get_by_role("button", name="Update").click()
    expect(row(page, "AWS Access Token Validity")).to_contain_text("15 min")
    shorter = demo.visitor(demo.token(DANA)).session(tenant="dev01").body
    remove(page, "AWS Access Token Validity", "Remove Setting")

    assert (session["validity"], shorter["validity"]) == (1800, 900)


def test_beyond_an_hour_the_role_s_maximum_must_be_raised_too(administrator: Person) -> None:
    demo = administrator.demo
    page = navigate(administrator, "Administrator", "Tenants")
    page.get_by_role("link", name="prod01", exact=True).click()
    with adding(page, "Settings", "Add Tenant Feature") as pane:
        field(pane, "Select Feature").select_option(label="AWS Access Token Validity")
        field(pane, "Value").fill("7200")
        pane.get_by_role("button", name="Update").click()
    capped = demo.visitor(demo.token(ADMIN)).session(tenant="prod01").body

    # The manual's warning, where the setting is: what is configured is kept, and marked with the remedy.
    expect(page.get_by_text("The role's own maximum is shorter.")).to_be_visible()
    with adding(page, "Settings", "Add Tenant Feature") as pane:
        field(pane, "Select Feature").select_option(label="AWS Role Max Session Duration")
        field(pane, "Select Duration Hour").select_option(label="2 Hours")
        pane.get_by_role("button", name="Update").click()
    roles = navigate(administrator, "Administrator", "System Settings")
    roles.get_by_role("link", name="AWS Roles").click()
    for _ in range(50):
        if roles.get_by_text("1 done").count():
            break
        roles.reload()
    longer = demo.visitor(demo.token(ADMIN)).session(tenant="prod01").body
    page = navigate(administrator, "Administrator", "Tenants")
    page.get_by_role("link", name="prod01", exact=True).click()
    page.get_by_role("link", name="Settings", exact=True).click()
    for name in ("AWS Access Token Validity", "AWS Role Max Session Duration"):
        remove(page, name, "Remove Setting")

    assert (capped["validity"], capped["capped_by"]) == (3600, "role_maximum")
    assert (longer["validity"], longer["capped_by"]) == (7200, None)


def test_configuring_jit_timeout_for_the_aws_master_iam_role(administrator: Person) -> None:
    demo = administrator.demo
    page = navigate(administrator, "Administrator", "System Settings")
    with adding(page, "System Config", "Add Config") as pane:
        field(pane, "Config Type").select_option("Other")
        field(pane, "Other Config Type").fill("AppConfig")
        field(pane, "Key").fill("AdminJitSessionDuration")
        field(pane, "Value").fill("1800")
        pane.get_by_role("button", name="Submit").click()

    expect(row(page, "AdminJitSessionDuration")).to_contain_text("1800")
    session = demo.visitor(demo.token(ADMIN)).session(admin=True).body
    remove(page, "AdminJitSessionDuration")

    assert session["validity"] == 1800


@pytest.mark.parametrize("chosen", ["2 Hours", "Custom"])
def test_configuring_global_jit_timeout_for_all_tenants(administrator: Person, chosen: str) -> None:
    page = navigate(administrator, "Administrator", "System Settings")
    with adding(page, "System Config", "Add Config") as pane:
        field(pane, "Config Type").select_option("AppConfig")
        field(pane, "Key").select_option(label="AWS Role Max Session Duration")
        field(pane, "Value").select_option(label=chosen)
        if chosen == "Custom":
            field(pane, "Custom Duration").fill("7200")
        pane.get_by_role("button", name="Submit").click()

    expect(row(page, "AWS Role Max Session Duration")).to_contain_text("7200")
    expect(row(page, "AWS Role Max Session Duration")).to_contain_text("2 h")
    remove(page, "AWS Role Max Session Duration")
