"""Overview and Audit in a browser."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fixtures.browser import PHONE, Chromium, User, new_user
from tests.fixtures.demo import Demo

ADMIN = "admin@example.com"


@pytest.fixture
def administrator(chromium: Chromium, demo: Demo) -> Iterator[User]:
    with new_user(chromium, demo) as user:
        user.open_signed_in(ADMIN, "/administrator/overview")
        yield user
        user.assert_no_errors()
        user.assert_no_sideways_scrolling()


def picture(page: Page, name: str) -> None:
    """Save a screenshot if a folder for it is configured."""
    folder = os.environ.get("DAYPASS_PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def rows(page: Page, table: str) -> Locator:
    return page.get_by_role("table", name=table).locator("tbody").get_by_role("row")


def test_the_overview_shows_live_sessions_as_text_too(administrator: User) -> None:
    page = administrator.page
    # The demo's checks have issued sessions to dana and to the Administrator, and refused some.
    people = page.get_by_role("table", name="Live sessions by user")
    expect(people).to_contain_text("dana@example.com")
    expect(page.get_by_role("table", name="Live sessions by tenant")).to_contain_text("dev01")
    expect(page.get_by_role("table", name="Refusals by reason")).to_contain_text("Access denied")
    expect(page.get_by_text("No setting is limited by its role.")).to_be_visible()

    page.get_by_text("As a table").first.click()

    expect(page.get_by_role("cell", name="Sessions")).to_have_count(0)
    expect(page.get_by_role("columnheader", name="Sessions").first).to_be_visible()
    picture(page, "overview")


def test_the_audit_log_is_searched_read_and_verified(
    administrator: User,
) -> None:
    page = administrator.page
    page.get_by_role("link", name="Audit", exact=True).click()
    picture(page, "audit")
    search = page.get_by_role("search", name="Audit log")
    search.get_by_role("link", name="7 days").click()
    search.get_by_role("combobox", name="User", exact=True).fill("dana@example.com")
    search.get_by_role("combobox", name="Tenant", exact=True).fill("dev01")
    search.get_by_role("combobox", name="Outcome").select_option("issued")
    search.get_by_role("button", name="Search").click()
    expect(search.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")

    found = rows(page, "Events, newest first")
    expect(found.first).to_contain_text("dana@example.com")
    for text in found.all_inner_texts():
        assert "dana@example.com" in text
        assert "dev01" in text
        assert "issued" in text

    found.first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="session.issue")).to_be_visible()
    expect(page.get_by_role("table", name="Details")).to_contain_text("session_name")
    picture(page, "event")

    page.get_by_role("link", name="Audit", exact=True).first.click()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("status")).to_contain_text("The audit log is intact")


def test_the_audit_log_is_exported_as_json_lines_and_csv(administrator: User) -> None:
    page = administrator.page
    page.goto(f"{administrator.demo.portal_url}/administrator/audit?action=session.issue&outcome=issued")

    with page.expect_download() as lines:
        page.get_by_role("link", name="Export JSON lines").click()
    with page.expect_download() as table:
        page.get_by_role("link", name="Export CSV").click()

    events = [json.loads(line) for line in Path(lines.value.path()).read_text().splitlines()]
    (heading, *cells) = csv.reader(Path(table.value.path()).read_text("utf-8-sig").splitlines())
    assert events
    assert {event["action"] for event in events} == {"session.issue"}
    assert heading[0] == "id"
    # With a byte order mark Excel reads the file as UTF-8, including non-ASCII names.
    assert Path(table.value.path()).read_bytes().startswith(b"\xef\xbb\xbf")
    assert Path(lines.value.path()).read_bytes().startswith(b"{")
    assert len(cells) >= len(events)


def test_an_invalid_date_is_refused_with_a_reason(administrator: User) -> None:
    page = administrator.page
    page.goto(f"{administrator.demo.portal_url}/administrator/audit?since=yesterday")

    expect(page.get_by_role("alert")).to_contain_text("Enter dates in the form 2026-11-24.")
    # Chromium logs the error status, which the page explains.
    administrator.errors.clear()


def test_audit_pages_fit_a_phone(administrator: User) -> None:
    page = administrator.page
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for address in ("overview", "audit"):
        page.goto(f"{administrator.demo.portal_url}/administrator/{address}")
        administrator.assert_no_sideways_scrolling()
        picture(page, f"{address}-phone")
