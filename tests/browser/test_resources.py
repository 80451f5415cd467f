"""A tenant's resources in a browser: the console link of each, and permalinks."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fixtures.browser import PHONE, Chromium, User, new_user
from tests.fixtures.demo import Demo

DANA, NOOR, ADMIN = "dana@example.com", "noor@example.com", "admin@example.com"


def arns(tenant: dict[str, Any]) -> dict[str, str]:
    """Return the ARN of one resource of each kind in the demo's tenant, by the title of its page."""
    place = ":".join(tenant["topic_arn"].split(":")[3:5])
    prefix = f"duploservices-{tenant['name']}"
    return {
        "S3 Bucket": f"arn:aws:s3:::{prefix}-reports",
        "DynamoDB Table": f"arn:aws:dynamodb:{place}:table/{prefix}-orders",
        "SQS Queue": f"arn:aws:sqs:{place}:{prefix}-jobs",
        "SNS Topic": f"arn:aws:sns:{place}:{prefix}-alerts",
        "Kinesis Stream": f"arn:aws:kinesis:{place}:stream/{prefix}-events",
        "API Gateway API": f"arn:aws:apigateway:{place.partition(':')[0]}::/restapis/{tenant['api_id']}",
        "Lambda Function": f"arn:aws:lambda:{place}:function:{prefix}-worker",
        "Log Group": f"arn:aws:logs:{place}:log-group:/aws/lambda/{prefix}-worker",
    }


KINDS = (
    *("S3 Bucket", "DynamoDB Table", "SQS Queue", "SNS Topic", "Kinesis Stream", "API Gateway API"),
    *("Lambda Function", "Log Group"),
)


def go(arn: str) -> str:
    return f"/go?arn={quote(arn, safe=':/')}"


def press_console(user: User, name: str | re.Pattern[str] = "Console") -> Page:
    """Click the console button, and return the page that opens in a new tab."""
    with user.context.expect_page() as opened:
        user.page.get_by_role("button", name=name, exact=isinstance(name, str)).click()
    console = opened.value
    console.wait_for_load_state()
    return console


def test_every_kind_is_listed_and_leads_to_its_console(dana: User) -> None:
    tenant = dana.demo.tenants["dev01"]
    for kind in KINDS:
        arn = arns(tenant)[kind]
        page = dana.visit("/resources")
        page.locator("tr", has_text=arn).get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(kind)
        expect(page.get_by_role("heading", level=2).first).to_have_text(
            re.compile(r"^(/aws/lambda/)?duploservices-dev01-")
        )

        console = press_console(dana)

        assert console.url.startswith(f"{dana.demo.aws_endpoint_url}/console/")
        expect(console.get_by_text("This session may open this")).to_contain_text(
            kind.partition(" ")[0], ignore_case=True
        )
        expect(console.get_by_role("definition").filter(has_text=arn)).to_have_count(0 if "S3" in kind else 1)
        if "S3" in kind:
            expect(console.get_by_role("heading", level=1)).to_have_text("duploservices-dev01-reports")
        expect(console.get_by_text("duploservices-dev01/dana@example.com")).to_be_visible()
        console.close()
    dana.assert_no_errors()


def test_the_console_opens_from_the_list_with_one_click(dana: User) -> None:
    dana.visit("/resources?search=uploads")

    console = press_console(dana, re.compile("Open duploservices-dev01-uploads in the AWS console"))

    expect(console.get_by_role("heading", level=1)).to_have_text("duploservices-dev01-uploads")


def test_a_read_only_user_opens_the_resource_read_only(dana: User) -> None:
    arn = arns(dana.demo.tenants["prod01"])["DynamoDB Table"]
    page = dana.visit(go(arn))

    expect(page.get_by_label("Tenant:")).to_have_text(re.compile("prod01"))
    expect(page.get_by_label("Tenant:").locator("option:checked")).to_have_text("prod01")
    console = press_console(dana)
    expect(console.get_by_text("duploservices-prod01/dana@example.com")).to_be_visible()
    dana.visit("/profile")
    expect(page.get_by_label("Tenant:").locator("option:checked")).to_have_text("prod01")


def test_a_link_to_a_resource_survives_sign_in(user: User) -> None:
    arn = arns(user.demo.tenants["dev01"])["API Gateway API"]

    page = user.sign_in(DANA, go(arn))

    expect(page.get_by_role("heading", level=1)).to_have_text("API Gateway API")
    assert "secret" not in page.url.lower()
    user.assert_no_errors()


@pytest.mark.parametrize("username", [DANA, NOOR])
def test_a_user_without_access_gets_the_not_found_page(user: User, username: str) -> None:
    user.sign_in(username)
    shown = []
    for arn in (
        arns(user.demo.tenants["data01"])["S3 Bucket"],
        "arn:aws:s3:::duploservices-nope01-reports",
    ):
        page = user.visit(go(arn))
        expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
        request_id = page.locator("footer code").inner_text()
        shown.append(page.content().replace(request_id, "ID"))

    assert shown[0] == shown[1]
    user.assert_no_errors()


def test_search_filter_and_refresh_work_by_keyboard(dana: User) -> None:
    page = dana.visit("/resources")
    page.keyboard.press("/")
    page.keyboard.type("orders")
    page.keyboard.press("Enter")
    page.wait_for_url("**/resources?*search=orders*")
    expect(page.get_by_text("1 of 1")).to_be_visible()

    page.get_by_role("link", name="All 1").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**kind=dynamodb-table*")
    page.get_by_role("button", name="Refresh").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Read just now")).to_be_visible()
    dana.assert_no_errors()


def test_arn_and_tags_are_copied_completely(dana: User) -> None:
    arn = arns(dana.demo.tenants["dev01"])["SQS Queue"]
    page = dana.visit(go(arn))

    page.get_by_role("button", name="Copy ARN").click()
    assert dana.clipboard() == arn
    page.get_by_role("button", name="Copy the value of TENANT_NAME").click()
    assert dana.clipboard() == "dev01"
    page.get_by_role("link", name="Details").click()
    page.get_by_role("button", name="Copy link").click()
    assert dana.clipboard() == f"{dana.demo.portal_url}{go(arn)}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_resource_pages_fit_a_phone(chromium: Chromium, demo: Demo, scheme: str) -> None:
    with new_user(chromium, demo, PHONE, scheme=scheme) as user:
        user.sign_in(DANA, "/resources")
        arn = arns(demo.tenants["dev01"])["DynamoDB Table"]
        for address in ("/resources", "/resources?search=nothing", go(arn), f"{go(arn)}&tab=Details"):
            user.visit(address)
            user.assert_no_sideways_scrolling()
        user.assert_no_errors()


def test_the_resource_pages_work_without_script(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo, has_script=False) as user:
        page = user.sign_in(DANA, "/resources?kind=s3-bucket")
        page.get_by_role("link", name="duploservices-dev01-reports").click()

        console = press_console(user)

        expect(console.get_by_role("heading", level=1)).to_have_text("duploservices-dev01-reports")


def test_the_selected_kind_is_in_view_on_a_phone(dana: User) -> None:
    dana.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page = dana.visit("/resources")
    last = page.locator(".kinds a").last
    name = last.inner_text().rpartition(" ")[0]

    last.click()

    chosen = page.locator(".kinds [aria-current]")
    expect(chosen).to_contain_text(name)
    expect(chosen).to_be_in_viewport(ratio=1)


def test_a_label_is_aligned_with_its_value(dana: User) -> None:
    page = dana.visit(f"{go(arns(dana.demo.tenants['dev01'])['S3 Bucket'])}&tab=Details")

    for label in ("ARN", "Permalink"):
        term = page.get_by_role("term").filter(has_text=re.compile(f"^{label}$")).last
        value = term.locator("+ dd code")
        assert abs(middle(term) - middle(value)) < 3, label


def middle(place: Locator) -> float:
    """Return the vertical middle of an element's text."""
    box = place.evaluate(
        """(node) => {
          const range = document.createRange();
          range.selectNodeContents(node);
          const box = range.getBoundingClientRect();
          return (box.top + box.bottom) / 2;
        }"""
    )
    return float(box)
