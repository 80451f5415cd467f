"""The manual's *Get an AWS Console Session*, word for word, and every entry of the JIT menu."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from daypass import __version__
from daypass.common.package import install_target
from daypass.portal.identity.external.accounts import LONG_AGO
from daypass.portal.identity.model import TokenKind
from daypass.portal.settings.registry import (
    DISABLE_NON_ADMIN_JIT,
    ENABLE_ADMIN_JIT_ON_UI,
    TENANT_AUTHENTICATION_AGE,
)
from daypass.portal.storage.schema.identity import api_tokens
from tests.fixtures.browser import Chromium, User, new_user
from tests.fixtures.demo import Demo

DANA, ADMIN, NOOR = "dana@example.com", "admin@example.com", "noor@example.com"


def open_profile(user: User, username: str) -> Page:
    """Follow the manual's first step: the person icon, then **Profile**."""
    page = user.open_signed_in(username, "/sessions")
    page.get_by_role("button", name=username).click()
    page.get_by_role("menuitem", name="Profile").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    return page


def choose_tenant(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Tenant:").select_option(label=name)
    expect(page.locator("#main")).to_contain_text(f"in {name}, with")


def choose(page: Page, entry: str) -> None:
    """Choose an entry from the **JIT AWS Console** list box."""
    page.get_by_role("button", name="More ways into AWS").click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def shown_principal(console: Page) -> str:
    """Return the principal that the console shows."""
    console.wait_for_load_state()
    return console.locator("dt", has_text="Signed in as").locator("xpath=following-sibling::dd").inner_text()


def test_the_button_opens_a_console_restricted_to_the_selected_tenant(user: User) -> None:
    page = open_profile(user, DANA)
    choose_tenant(page, "prod01")

    with user.context.expect_page() as opened:
        page.get_by_role("button", name="JIT AWS Console", exact=True).click()

    assert shown_principal(opened.value) == f"duploservices-prod01/{DANA}"
    expect(opened.value.locator("body")).to_contain_text("duploservices-prod01-reports")
    expect(opened.value.locator("body")).not_to_contain_text("duploservices-dev01")
    assert page.url == f"{user.demo.portal_url}/profile"
    user.assert_no_errors(page)


def test_open_jit_aws_console_does_the_same(user: User) -> None:
    page = open_profile(user, DANA)
    choose_tenant(page, "dev01")

    with user.context.expect_page() as opened:
        choose(page, "Open JIT AWS Console")

    assert shown_principal(opened.value) == f"duploservices-dev01/{DANA}"


def test_copy_aws_console_url_gives_a_url_that_signs_in_with_a_countdown(user: User) -> None:
    page = open_profile(user, DANA)
    choose_tenant(page, "dev01")
    choose(page, "Copy AWS Console URL")

    dialog = page.get_by_role("dialog", name="AWS Console URL")
    expect(dialog).to_contain_text("Open it within 15 minutes: 14:5")
    url = user.clipboard()
    assert url not in page.content()
    dialog.get_by_role("button", name="Close").click()
    other = user.context.new_page()
    other.goto(url)
    assert shown_principal(other) == f"duploservices-dev01/{DANA}"


def forget_authentication(demo: Demo) -> None:
    """Let the authentication of every browser session be an hour older than it is allowed to be."""
    with demo.database() as database, database.writing() as connection:
        of_browsers = api_tokens.c.kind == TokenKind.BROWSER.value
        connection.execute(update(api_tokens).where(of_browsers).values(authenticated_at=LONG_AGO))


def confirm_password(page: Page, demo: Demo) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your password")
    page.get_by_label("Password").fill(demo.password(DANA))
    page.get_by_role("button", name="Confirm").click()


def test_a_tenant_that_asks_for_a_recent_authentication_leads_to_the_password_and_back(dana: User) -> None:
    demo = dana.demo
    with demo.setting(TENANT_AUTHENTICATION_AGE, "5", demo.tenants["dev01"]["id"]):
        forget_authentication(demo)
        page = dana.visit("/profile")
        choose_tenant(page, "dev01")
        choose(page, "Copy AWS Console URL")
        confirm_password(page, demo)
        expect(page.get_by_text("Password confirmed.")).to_be_visible()
        choose_tenant(page, "dev01")
        choose(page, "Copy AWS Console URL")
        expect(page.get_by_role("dialog", name="AWS Console URL")).to_contain_text(
            "Open it within 15 minutes"
        )

        forget_authentication(demo)
        page = dana.visit("/profile")
        choose_tenant(page, "dev01")
        with dana.context.expect_page() as opened:
            page.get_by_role("button", name="JIT AWS Console", exact=True).click()
        confirm_password(opened.value, demo)
        opened.value.get_by_role("button", name="Submit").click()
        assert shown_principal(opened.value) == f"duploservices-dev01/{DANA}"


FORMATS = ("bash, zsh", "fish", "PowerShell", "Credentials file", "JSON")


def test_temporary_aws_credentials_can_be_copied_and_are_dropped_with_the_pane(user: User) -> None:
    page = open_profile(user, DANA)
    choose_tenant(page, "dev01")
    choose(page, "Temporary AWS Credentials")
    dialog = page.get_by_role("dialog", name="Temporary AWS Credentials")
    expect(dialog).to_contain_text("1 h: this tenant’s AWS Access Token Validity.")
    expect(dialog).to_contain_text("59 min left")

    copied = {}
    for name in FORMATS:
        dialog.get_by_role("tab", name=name).click()
        dialog.get_by_role("tabpanel").get_by_role("button").click()
        copied[name] = user.clipboard()
    keys = json.loads(copied["JSON"])
    secret = keys["SecretAccessKey"]

    for text in copied.values():
        assert all(keys[name] in text for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    assert keys["AccessKeyId"] in page.content()
    assert secret not in page.content()
    dialog.get_by_role("button", name="Show").click()
    assert secret in page.content()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    for gone in (secret, keys["AccessKeyId"]):
        page.wait_for_function("text => !document.documentElement.outerHTML.includes(text)", arg=gone)
    assert who(user.demo, keys) == f"assumed-role/duploservices-dev01/{DANA}"
    user.assert_no_errors()


def who(demo: Demo, keys: dict[str, str]) -> str:
    sts = boto3.client(
        "sts",
        region_name=demo.ready["region"],
        endpoint_url=demo.aws_endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    return str(sts.get_caller_identity()["Arn"]).rpartition(":")[2]


def test_pasted_exports_work_in_a_shell(user: User) -> None:
    page = open_profile(user, DANA)
    choose(page, "Temporary AWS Credentials")
    dialog = page.get_by_role("dialog", name="Temporary AWS Credentials")
    dialog.get_by_role("button", name="Copy exports").first.click()
    exports = user.clipboard()
    print_all = 'printf "%s\\n" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN"'

    done = subprocess.run(["sh", "-c", f"{exports}\n{print_all}"], capture_output=True, text=True, check=True)

    access_key_id, secret, token = done.stdout.splitlines()
    keys = {"AccessKeyId": access_key_id, "SecretAccessKey": secret, "SessionToken": token}
    assert who(user.demo, keys).endswith(DANA)


def test_each_single_value_can_be_copied(user: User) -> None:
    page = open_profile(user, DANA)
    choose(page, "Temporary AWS Credentials")
    dialog = page.get_by_role("dialog", name="Temporary AWS Credentials")
    dialog.get_by_role("tab", name="One by one").click()

    keys = {}
    for name, label in (
        ("AccessKeyId", "Access key ID"),
        ("SecretAccessKey", "Secret access key"),
        ("SessionToken", "Session token"),
    ):
        dialog.get_by_role("button", name=f"Copy {label}").click()
        keys[name] = user.clipboard()

    assert who(user.demo, keys).endswith(DANA)


def test_aws_access_from_my_workstation_has_host_and_tenant_filled_in(user: User) -> None:
    page = open_profile(user, DANA)
    choose_tenant(page, "dev01")
    choose(page, "AWS Access from my Workstation")
    dialog = page.get_by_role("dialog", name="AWS Access from my Workstation")

    for program in ("daypass", "duploctl"):
        dialog.get_by_role("tab", name=program).click()
        dialog.get_by_role("button", name="Copy profile").click()
        lines = user.clipboard().splitlines()
        process = f"{program} jit aws --host {user.demo.portal_url} --tenant dev01 --interactive"
        assert lines[0] == "[profile dev01]"
        assert f"credential_process={process}" in lines
        assert f"region={user.demo.ready['region']}" in lines
        expect(dialog).to_contain_text("aws sts get-caller-identity --profile dev01")


def test_each_install_command_can_be_copied(user: User) -> None:
    page = open_profile(user, DANA)
    choose(page, "AWS Access from my Workstation")
    dialog = page.get_by_role("dialog", name="AWS Access from my Workstation")
    installs = (
        dialog.get_by_role("tabpanel").filter(visible=True).locator(".part-of", has_text="pipx install")
    )

    copied = []
    for button in installs.get_by_role("button", name="Copy").all():
        button.click()
        copied.append(user.clipboard())

    expect(installs.locator(".meta")).not_to_contain_text("pipx")
    assert copied == [f"pipx install {install_target(__version__)}", "pipx install ."]


REOPENED = """async () => {
  const item = document.querySelector('[role="menuitem"][data-pane="workstation"]');
  const menu = item.closest('[role="menu"]');
  const ready = () => new Promise((done) => setTimeout(done));
  menu.showPopover();
  await ready();
  item.click();
  document.getElementById('workstation').close();
  if (menu.matches(':popover-open')) menu.hidePopover();
  menu.showPopover();
  await ready();
  return menu.matches(':popover-open');
}"""
"""Choose an entry, and reopen the menu before the page has closed it."""


def test_a_reopened_menu_is_not_closed_by_the_previous_click(user: User) -> None:
    page = open_profile(user, DANA)

    assert page.evaluate(REOPENED) is True


def test_without_the_flag_the_menu_has_no_administrator_section_and_says_why(user: User) -> None:
    page = open_profile(user, ADMIN)
    page.get_by_role("button", name="More ways into AWS").click()

    expect(page.get_by_role("menuitem", name="Open JIT AWS Console")).to_be_visible()
    expect(page.get_by_role("menuitem", name="JIT Admin AWS Console")).to_have_count(0)
    expect(page.locator("#main")).to_contain_text("Enable Admin AWS JIT Access On UI")


@contextmanager
def at_trouble(chromium: Chromium, demo: Demo, username: str) -> Iterator[tuple[User, Page]]:
    with new_user(chromium, demo) as user:
        yield user, open_profile(user, username)


def test_with_the_flag_the_menu_has_the_administrator_section(chromium: Chromium, troubled: Demo) -> None:
    with (
        troubled.setting(ENABLE_ADMIN_JIT_ON_UI, "true"),
        at_trouble(chromium, troubled, ADMIN) as (user, page),
    ):
        with user.context.expect_page() as opened:
            choose(page, "JIT Admin AWS Console")
        assert shown_principal(opened.value) == f"duplomaster/{ADMIN}"

        choose(page, "Temporary Admin AWS Credentials")
        dialog = page.get_by_role("dialog", name="Temporary Admin AWS Credentials")
        expect(dialog).to_contain_text("1 h: the portal’s AdminJitSessionDuration.")
        dialog.get_by_role("tab", name="JSON").click()
        dialog.get_by_role("button", name="Copy JSON").click()
        assert who(troubled, json.loads(user.clipboard())) == f"assumed-role/duplomaster/{ADMIN}"
        dialog.get_by_role("button", name="Close").click()

        choose(page, "Admin AWS Access from my Workstation")
        expect(page.get_by_role("dialog", name="Admin AWS Access from my Workstation")).to_contain_text(
            f"credential_process=daypass jit aws --host {troubled.portal_url} --admin --interactive"
        )
        user.assert_no_errors()


def test_a_user_never_has_the_administrator_section(chromium: Chromium, troubled: Demo) -> None:
    with (
        troubled.setting(ENABLE_ADMIN_JIT_ON_UI, "true"),
        at_trouble(chromium, troubled, DANA) as (_, page),
    ):
        page.get_by_role("button", name="More ways into AWS").click()

        expect(page.get_by_role("menuitem")).to_have_text(
            [
                "Open JIT AWS Console",
                "Copy AWS Console URL",
                "Temporary AWS Credentials",
                "AWS Access from my Workstation",
            ]
        )


def test_with_jit_disabled_for_users_the_menu_is_replaced_by_a_sentence(
    chromium: Chromium, troubled: Demo
) -> None:
    with at_trouble(chromium, troubled, DANA) as (user, page):
        with troubled.setting(DISABLE_NON_ADMIN_JIT, "true"):
            # A form that was loaded before is refused, too.
            choose(page, "Temporary AWS Credentials")
            dialog = page.get_by_role("dialog", name="Temporary AWS Credentials")
            refusal = dialog.get_by_role("alert")
            expect(refusal).to_contain_text("turned JIT AWS access off")
            # The sentence is as wide as the pane: a few lines of 20 pixels, not a line for each word.
            box = refusal.bounding_box()
            assert box
            assert box["height"] < 120
            page.reload()

            expect(page.get_by_role("button", name="JIT AWS Console")).to_have_count(0)
            expect(page.locator("#main")).to_contain_text("An Administrator turned JIT AWS access off")
        page.reload()
        expect(page.get_by_role("button", name="JIT AWS Console", exact=True)).to_be_visible()
        refused = [text for text in user.errors if "403" not in text]
        assert refused == []


def test_a_user_without_tenants_is_told_which_administrators_to_ask(user: User) -> None:
    page = open_profile(user, NOOR)

    expect(page.locator("#main")).to_contain_text(f"Ask an Administrator to add you to a tenant: {ADMIN}.")
    expect(page.get_by_role("button", name="JIT AWS Console")).to_have_count(0)
    expect(page.locator(".tenant")).to_have_text(re.compile("Tenant:\\s*none"))


def test_keys_and_console_urls_are_available_without_script(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo, has_script=False) as user:
        page = user.open_signed_in(DANA)
        choose(page, "Temporary AWS Credentials")
        lines = page.locator("#keys-bash-lines").inner_text()
        assert re.search(r"AWS_SESSION_TOKEN='[^'•]{20,}'", lines)

        user.visit("/profile")
        choose(page, "Copy AWS Console URL")
        url = page.locator(".copy code").inner_text()
        page.goto(url)
        assert shown_principal(page).endswith(DANA)


@pytest.mark.parametrize("path", ["/console", "/console-url", "/credentials", "/tokens/temporary", "/tokens"])
def test_another_site_cannot_use_the_users_session(dana: User, path: str) -> None:
    with dana.demo.database() as database, database.reading() as connection:
        before = connection.exec_driver_sql("select count(*) from issuances").scalar()
    evil = dana.context.new_page()
    evil.route("https://evil.example/", lambda route: route.fulfill(content_type="text/html", body=FORGED))
    evil.goto("https://evil.example/")
    evil.evaluate("(action) => { form.action = action; }", f"{dana.demo.portal_url}{path}")
    with evil.expect_navigation():
        evil.evaluate("form.submit()")

    # Lax cookies are not sent cross-site, so the request is unauthenticated and leads to sign-in.
    expect(evil.locator("h1")).to_have_text("Access denied")
    with dana.demo.database() as database, database.reading() as connection:
        assert connection.exec_driver_sql("select count(*) from issuances").scalar() == before


FORGED = '<form id="form" method="post"><input name="tenant" value="dev01"></form>'
