"""The page layout: tenant selector, navigation, theme, keyboard use, phones, and tokens."""

import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from daypass.portal.clock import utc_now
from daypass.portal.tenants.model import Access, Tenant, TenantId
from daypass.portal.tenants.store import TenantStore
from tests.fixtures.browser import PHONE, Chromium, User, new_user
from tests.fixtures.demo import Demo

DANA, ADMIN = "dana@example.com", "admin@example.com"


def test_the_selected_tenant_is_remembered_on_every_page(user: User) -> None:
    page = user.open_signed_in(DANA)
    page.get_by_role("combobox", name="Tenant:").select_option(label="prod01")
    expect(page.locator("#main")).to_contain_text("in prod01, with read-only access.")

    user.visit("/sessions")

    expect(page.get_by_role("combobox", name="Tenant:").locator("option:checked")).to_have_text("prod01")


def test_the_navigation_collapses_and_stays_collapsed(user: User) -> None:
    page = user.open_signed_in(DANA)
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="My sessions")
    wide = link.bounding_box()
    page.get_by_role("button", name="Collapse").click()
    page.reload()

    narrow = link.bounding_box()

    assert wide is not None
    assert narrow is not None
    assert narrow["width"] < 60 < wide["width"]
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My sessions")
    page.get_by_role("button", name="Collapse").click()
    expect(page.locator("html")).to_have_attribute("data-nav", "open")


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_the_theme_follows_the_system_and_the_user_menu(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo, scheme="dark") as user:
        page = user.open_signed_in(DANA)
        assert background(page) == "rgb(15, 17, 21)"

        page.get_by_role("button", name=DANA).click()
        page.get_by_role("menuitemradio", name="Light").click()
        assert background(page) == "rgb(246, 247, 249)"
        page.reload()
        assert background(page) == "rgb(246, 247, 249)"

        page.get_by_role("button", name=DANA).click()
        expect(page.get_by_role("menuitemradio", name="Light")).to_be_checked()
        page.get_by_role("menuitemradio", name="System").click()
        assert background(page) == "rgb(15, 17, 21)"


def test_the_jit_menu_works_by_keyboard_alone(user: User) -> None:
    page = user.visit("/profile")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type(DANA)
    page.keyboard.press("Tab")
    page.keyboard.type(user.demo.password(DANA))
    page.keyboard.press("Enter")
    page.wait_for_url("**/profile")

    more = page.get_by_role("button", name="More ways into AWS")
    for _ in range(40):
        page.keyboard.press("Tab")
        if more.evaluate("(button) => button === document.activeElement"):
            break
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Open JIT AWS Console")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="AWS Access from my Workstation")).to_be_focused()
    page.keyboard.press("t")
    expect(page.get_by_role("menuitem", name="Temporary AWS Credentials")).to_be_focused()
    page.keyboard.press("Enter")
    pane = page.get_by_role("dialog", name="Temporary AWS Credentials")
    expect(pane.get_by_role("heading", level=2)).to_be_focused()
    page.locator("#keys [data-given]").wait_for()
    page.keyboard.press("Escape")
    expect(pane).to_be_hidden()
    expect(more).to_be_focused()

    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="JIT AWS Console", exact=True)).to_be_focused()
    with user.context.expect_page() as opened:
        page.keyboard.press("Enter")
    expect(opened.value.locator("body")).to_contain_text(f"duploservices-dev01/{DANA}")


def test_slash_focuses_the_search_field(user: User) -> None:
    assert user.demo.visitor(user.demo.token(DANA)).session(tenant="dev01").status == 201
    page = user.open_signed_in(DANA, "/sessions")
    page.keyboard.press("/")
    page.keyboard.type("no such tenant")
    page.keyboard.press("Enter")

    expect(page.locator("#main")).to_contain_text("No matching sessions")
    page.get_by_role("link", name="Show all sessions").click()
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_on_a_phone_the_navigation_is_a_drawer(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo, PHONE) as user:
        page = user.open_signed_in(DANA)
        link = page.get_by_role("link", name="My sessions")
        expect(link).to_be_hidden()
        page.get_by_role("button", name="Navigation").click()
        link.click()

        expect(page.get_by_role("heading", level=1)).to_have_text("My sessions")


def test_a_temporary_token_is_revealed_copied_and_ends_with_the_session(user: User) -> None:
    page = user.sign_in(DANA)
    page.get_by_role("button", name="Show token").click()
    token = page.locator("#temporary-token")
    expect(token).to_have_text(re.compile("^daypass_tmp_"))
    text = token.inner_text()
    page.get_by_role("button", name="Copy token").click()
    expect(page.locator("#say")).to_have_text("Copied")

    assert user.clipboard() == text
    assert user.demo.visitor(text).session(tenant="dev01").status == 201
    page.get_by_role("button", name=DANA).click()
    page.get_by_role("menuitem", name="Logout").click()
    page.wait_for_url("**/sign-in?out=1")
    assert user.demo.visitor(text).session(tenant="dev01").status == 401


def test_a_permanent_token_is_shown_once_and_can_be_revoked(admin: User) -> None:
    page, name = admin.page, f"pipeline {uuid.uuid4().hex[:8]}"
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_label("Token Name")).to_be_focused()
    page.get_by_label("Token Name").fill(name)
    page.get_by_role("button", name="Create").click()
    created = page.get_by_role("dialog", name="Token created")
    created.get_by_role("button", name="Copy the token").click()
    token = admin.clipboard()
    assert admin.demo.visitor(token).session(admin=True).status == 201

    admin.visit("/profile")
    assert token not in page.content()
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("Access revoked")

    assert admin.demo.visitor(token).session(admin=True).status == 401
    admin.assert_no_errors()


def test_a_user_cannot_add_a_token(user: User) -> None:
    page = user.open_signed_in(DANA)

    expect(page.get_by_role("button", name="Add")).to_have_count(0)


@pytest.fixture
def many_tenants(troubled: Demo) -> Iterator[Demo]:
    """A demo in which Dana is a member of forty more tenants."""
    with troubled.database() as database, database.writing() as connection:
        store = TenantStore(connection)
        dana = connection.exec_driver_sql(f"select id from users where username = '{DANA}'").scalar_one()  # noqa: S608  a name of ours
        arn = str(troubled.tenants["dev01"]["role_arn"])
        tenants = [
            Tenant.with_role(TenantId(str(uuid.uuid4())), f"team{number:02}", "us-east-1", arn, None)
            for number in range(40)
        ]
        for tenant in tenants:
            store.add(tenant, utc_now())
            store.add_member(tenant.id, dana, Access.FULL, utc_now())
    yield troubled
    with troubled.database() as database, database.writing() as connection:
        for tenant in tenants:
            connection.exec_driver_sql(f"delete from tenants where id = '{tenant.id}'")  # noqa: S608  an id of ours


def test_many_tenants_are_selected_by_search(chromium: Chromium, many_tenants: Demo) -> None:
    with new_user(chromium, many_tenants) as user:
        page = user.open_signed_in(DANA)
        box = page.get_by_role("combobox", name="Tenant:")
        box.click()
        box.fill("m37")
        page.get_by_role("option", name="team37").wait_for()
        page.keyboard.press("Enter")

        expect(page.locator("#main")).to_contain_text("in team37, with")
        expect(page.get_by_role("combobox", name="Tenant:")).to_have_value("team37")
        user.assert_no_errors()


def test_a_page_with_many_tabs_begins_at_its_top(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo) as user:
        page = user.open_signed_in("admin@example.com", "/administrator/add-workload-rule?kind=kubernetes")
        assert page.evaluate("scrollY") == 0
        expect(page.get_by_role("link", name="Another issuer")).to_be_in_viewport()
