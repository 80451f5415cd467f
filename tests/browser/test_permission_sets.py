"""Permission sets in a browser: made by keyboard on a phone, given to a member, chosen for a session."""

from playwright.sync_api import expect

from tests.browser.test_every_page import find_no_barrier
from tests.fixtures.browser import DESK, PHONE, Chromium, User, new_user
from tests.fixtures.demo import Demo


def test_a_set_is_made_by_keyboard_on_a_phone_given_and_deleted(admin: User) -> None:
    page = admin.page
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    admin.visit("/administrator/permission-sets")
    page.get_by_role("link", name="Add", exact=True).press("Enter")
    page.get_by_label("Name", exact=True).fill("no-keys")
    denies = page.get_by_label("Deny statements")
    denies.fill('[\n{"Effect": "Deny", "Action": "kms:Gte*", "Resource": "*"}]')
    page.get_by_role("button", name="Create", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Line 2, statement 1: AWS has no action “kms:Gte*”.")
    for width, height in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        admin.assert_no_sideways_scrolling()
    find_no_barrier(page, "the form of a permission set with an error")
    # Chromium logs the status 422 of that answer.
    assert all("422" in error for error in admin.errors)
    admin.errors.clear()
    denies.fill('[{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]')
    page.get_by_role("button", name="Create", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("no-keys")
    expect(page.get_by_text("kms:* on every resource.")).to_be_visible()

    admin.visit("/administrator/tenants/dev01")
    for permission_set in ("no-keys", "full"):
        page.get_by_role("button", name="Actions for ci@example.com").press("Enter")
        page.get_by_role("menuitem", name="Change permission set").press("Enter")
        pane = page.get_by_role("dialog", name="Change permission set")
        pane.get_by_label("Permission Set").select_option(permission_set)
        find_no_barrier(page, "the pane that changes a set")
        pane.get_by_role("button", name="Change").press("Enter")
        row = page.get_by_role("row").filter(has_text="ci@example.com")
        expect(row.get_by_role("link", name=permission_set)).to_be_visible()

    admin.visit("/administrator/permission-sets/no-keys")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    pane = page.get_by_role("dialog", name="Delete permission set")
    pane.get_by_role("button", name="Delete permission set").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("no-keys is deleted")
    admin.assert_no_errors()


def test_a_role_of_its_own_hides_the_policies_and_keeps_what_was_typed(admin: User) -> None:
    page = admin.page
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    admin.visit("/administrator/add-permission-set")
    page.get_by_label("Name", exact=True).fill("a-name-of-20-letters")
    role, denies = page.get_by_label("Access comes from"), page.get_by_label("Deny statements")
    expect(page.get_by_text("daypass-set-TENANT.NAME")).to_be_hidden()
    denies.fill("typed before")
    role.focus()
    role.press("ArrowDown")
    expect(denies).to_be_hidden()
    expect(page.get_by_text("daypass-set-TENANT.NAME")).to_be_visible()
    admin.assert_no_sideways_scrolling()
    find_no_barrier(page, "the form of a set with a role of its own")
    page.get_by_role("button", name="Create", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("has at most 19 characters")
    expect(role).to_have_value("own")
    role.select_option("tenant")
    expect(denies).to_have_value("typed before")
    # Chromium logs the status 422 of that answer.
    admin.errors[:] = [error for error in admin.errors if "422" not in error]
    admin.assert_no_errors()


def test_a_lower_set_is_chosen_for_a_session(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo) as dana:
        dana.open_signed_in("dana@example.com")
        page = dana.visit("/profile")
        page.get_by_label("Permission set").select_option("no-deploy")
        expect(page.get_by_text("in dev01, with the permission set no-deploy.")).to_be_visible()
        page.get_by_role("button", name="More ways into AWS").click()
        page.get_by_role("menuitem", name="Temporary AWS Credentials").click()
        expect(page.locator("#keys [data-given]")).to_be_visible()
        page.keyboard.press("Escape")

        dana.visit("/sessions")
        expect(page.locator("tbody tr").filter(has_text="no-deploy").first).to_be_visible()
        dana.assert_no_errors()
