"""User administration in a browser: create a user, grant access, issue a token, delete the user."""

from playwright.sync_api import expect

from tests.fixtures.browser import DESK, PHONE, Chromium, User, new_user
from tests.fixtures.demo import Demo


def test_a_user_is_created_signs_in_and_is_deleted(chromium: Chromium, demo: Demo) -> None:
    name = "lena.lake@example.com"
    with new_user(chromium, demo) as admin:
        admin.sign_in("admin@example.com", "/administrator/users")
        page = admin.page
        page.get_by_role("button", name="Add", exact=True).click()
        pane = page.get_by_role("dialog", name="Create User")
        pane.get_by_label("Username").fill(name)
        pane.get_by_label("dev01").check()
        pane.get_by_label("Read Only Access").check()
        pane.get_by_role("button", name="Submit").click()
        made = page.get_by_role("dialog", name="Password")
        made.get_by_role("button", name="Copy password").click()
        password = admin.clipboard()
        page.keyboard.press("Escape")
        expect(made).to_be_hidden()

        with new_user(chromium, demo) as lena:
            lena.visit("/sign-in")
            lena.page.get_by_label("Username").fill(name)
            lena.page.get_by_label("Password").fill(password)
            lena.page.get_by_role("button", name="Sign in").click()
            lena.page.wait_for_url("**/profile")
            expect(lena.page.get_by_label("Tenant:", exact=True)).to_contain_text("dev01")

            page.get_by_role("link", name=name).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(name)
            page.get_by_role("button", name="Actions", exact=True).click()
            page.get_by_role("menuitem", name="Delete").click()
            pane = page.get_by_role("dialog", name="Delete user")
            pane.get_by_label("Type the username to delete it").fill(name)
            pane.get_by_role("button", name="Delete user").click()
            expect(page.get_by_role("status")).to_contain_text("is deleted")
            expect(page.get_by_role("link", name=name)).to_have_count(0)

            lena.visit("/profile")
            expect(lena.page).to_have_url(f"{demo.portal_url}/sign-in?ended=1")
        admin.assert_no_errors()


def test_a_pipeline_token_is_created_shown_once_and_revoked(admin: User) -> None:
    page = admin.visit("/administrator/users?search=ci@")
    page.get_by_role("link", name="ci@example.com").click()
    page.get_by_role("link", name="Tokens", exact=True).click()
    page.get_by_role("button", name="Add", exact=True).click()
    pane = page.get_by_role("dialog", name="Create a new token")
    pane.get_by_label("Token Name").fill("nightly")
    pane.get_by_role("button", name="Create", exact=True).click()
    made = page.get_by_role("dialog", name="Token created")
    made.get_by_role("button", name="Copy").click()
    token = admin.clipboard()
    page.keyboard.press("Escape")
    before = admin.demo.visitor(token).session(tenant="dev01").status
    page.get_by_role("button", name="Actions for nightly").click()
    page.get_by_role("menuitem", name="Revoke").click()
    page.get_by_role("dialog", name="Revoke token").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("Token revoked")

    assert (before, admin.demo.visitor(token).session(tenant="dev01").status) == (201, 401)
    admin.assert_no_errors()


def test_the_pages_fit_a_phone(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo, scheme="dark") as admin:
        admin.open_signed_in("admin@example.com")
        for address in ("users", "import-users", "tenants", "system-settings"):
            admin.visit(f"/administrator/{address}")
            for width, height in (PHONE, DESK):
                admin.page.set_viewport_size({"width": width, "height": height})
                admin.assert_no_sideways_scrolling()
        admin.assert_no_errors()
