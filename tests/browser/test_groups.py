"""The pages about groups in a browser: without JavaScript, and by keyboard alone."""

import re

from tests.fixtures.browser import Chromium, User, new_user
from tests.fixtures.demo import Demo

ADMIN, NOOR = "admin@example.com", "noor@example.com"
GROUPS = "/administrator/groups"


def test_a_group_is_managed_without_javascript(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo, has_script=False) as user:
        # A sign-in of its own: adding members and access needs a recent one.
        user.sign_in_by_request(ADMIN)
        page = user.visit(GROUPS)
        page.get_by_role("link", name="Add").click()
        page.get_by_label("Name", exact=True).fill("auditors")
        # Without a space, at which a line could break.
        page.get_by_label("Description", exact=True).fill("d" * 500)
        page.get_by_role("button", name="Create").click()
        page.get_by_role("heading", name="auditors").wait_for()
        user.assert_no_sideways_scrolling()

        page.get_by_role("link", name="Add").click()
        page.locator("#tenant-name").fill("data01")
        page.get_by_label("Permission Set").select_option("read-only")
        page.get_by_label("Ends at").fill("2999-12-31T18:00")
        page.get_by_role("button", name="Add").click()
        assert page.get_by_role("row", name=re.compile("data01 read-only 31 Dec 2999")).is_visible()

        page.get_by_role("navigation", name="Group").get_by_role("link", name="Members").click()
        page.get_by_label("Username").fill(NOOR)
        page.get_by_role("button", name="Add").click()
        page.get_by_role("button", name=f"Actions for {NOOR}").click()
        page.get_by_role("menuitem", name="Remove").click()
        page.get_by_role("button", name="Remove member").click()
        assert page.get_by_role("heading", name="No members").is_visible()

        page.get_by_role("button", name="Actions", exact=True).click()
        page.get_by_role("menuitem", name="Delete").click()
        page.get_by_role("button", name="Delete group").click()
        page.get_by_text("auditors is deleted").wait_for()
        user.assert_no_errors()


def test_a_group_is_found_and_left_by_keyboard(admin: User) -> None:
    page = admin.visit(GROUPS)
    page.keyboard.press("/")
    page.keyboard.type("On-Call")
    page.keyboard.press("Enter")
    page.get_by_text("1 of 1").wait_for()
    page.get_by_role("link", name="on-call").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="on-call").wait_for()
    page.wait_for_load_state()

    page.get_by_role("button", name="Actions", exact=True).focus()
    page.keyboard.press("Enter")
    # The menu takes the focus after it has opened.
    page.locator("#actions [role=menuitem]:focus").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Delete on-call?").wait_for()
    page.get_by_role("link", name="Cancel").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Tenant Access").wait_for()
    admin.assert_no_errors()
