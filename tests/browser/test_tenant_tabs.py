"""The tabs of a tenant: metadata by keyboard, and the layout on a phone."""

from playwright.sync_api import Locator, expect

from tests.browser.test_every_page import find_no_barrier
from tests.fixtures.browser import DESK, PHONE, User


def test_metadata_is_added_edited_and_removed_by_keyboard_on_any_screen(admin: User) -> None:
    page = admin.visit("/administrator/tenants/dev01")
    page.get_by_role("link", name="Metadata", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="No metadata")).to_be_visible()
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    expect(page.get_by_role("dialog", name="Add Metadata").get_by_label("Key")).to_be_focused()
    page.keyboard.type("dashboard")
    page.keyboard.press("Tab")
    page.keyboard.type("URL")
    page.keyboard.press("Tab")
    page.keyboard.type(f"https://grafana.example.com/{'d' * 200}")
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Add", exact=True).last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("dashboard is added")

    for width, height in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": height})
        admin.assert_no_sideways_scrolling()
    find_no_barrier(page, "a tenant's metadata")

    page.get_by_role("button", name="Actions for dashboard").press("Enter")
    page.get_by_role("menuitem", name="Edit").press("Enter")
    pane = page.get_by_role("dialog", name="Edit Metadata")
    pane.get_by_label("Value").fill("see the wiki,\nor ask dana")
    pane.get_by_label("Kind").select_option("Text")
    find_no_barrier(page, "the pane of a note")
    pane.get_by_role("button", name="Update").press("Enter")
    expect(page.get_by_role("cell", name="see the wiki, or ask dana")).to_be_visible()

    page.get_by_role("button", name="Actions for dashboard").press("Enter")
    page.get_by_role("menuitem", name="Remove").press("Enter")
    page.get_by_role("dialog", name="Remove metadata").get_by_role("button", name="Remove").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("dashboard is removed")
    admin.assert_no_errors()


def test_the_current_tab_is_in_view_on_a_phone(admin: User) -> None:
    admin.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

    page = admin.visit("/administrator/tenants/dev01/aws")

    expect(page.locator(".tabs [aria-current]")).to_have_text("AWS")
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)


def test_tabs_align_with_the_text_below_on_a_phone(admin: User) -> None:
    admin.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

    page = admin.visit("/administrator/tenants/dev01")

    expect(page.locator(".tabs [aria-current]")).to_have_text("User Access")
    assert left(page.locator(".tabs [aria-current]")) == left(page.locator("section.card").first)


def left(place: Locator) -> float:
    box = place.bounding_box()
    assert box
    return box["x"]
