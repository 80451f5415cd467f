"""*Local Access Requested* in a browser: the arming delay, and the delivery of the token."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from daypass.portal.http.legacy.local_access import PAGE as LOCAL_ACCESS
from tests.browser.listener import listening
from tests.fixtures.browser import Chromium, User, new_user
from tests.fixtures.demo import Demo

DANA = "dana@example.com"


def asked(port: int, **query: str) -> str:
    """Return the path that a client opens."""
    said = {"localAppName": "duplo-jit", "localPort": str(port), "redirect": "true"} | query
    return f"{LOCAL_ACCESS}?{urlencode(said)}"


def watch_posts(page: Page) -> list[str]:
    """Record all POST requests of the page from now on."""
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    return posts


def test_the_token_is_delivered_by_a_navigation_to_the_port(dana: User) -> None:
    with listening() as listener:
        page = dana.visit(asked(listener.port))
        page.get_by_role("button", name="Authorize").click()
        came = listener.next()

    name, _, token = came.path.removeprefix("/?").partition("=")
    assert (came.method, name) == ("GET", "t")
    assert token.startswith("daypass_jit_")
    assert token.replace("_", "").isalnum()
    dana.demo.visitor(token)
    assert not listener.has_more()


def test_an_old_client_gets_the_token_by_a_post_of_our_origin(dana: User) -> None:
    with listening() as listener:
        page = dana.visit(asked(listener.port, redirect="false"))
        page.get_by_role("button", name="Authorize").click()
        came = listener.next()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access authorized")

    assert (came.method, came.path, came.origin) == ("POST", "/", dana.demo.portal_url)
    assert came.body.startswith("daypass_jit_")
    dana.assert_no_errors()


def test_if_an_old_client_has_ended_the_page_says_what_to_do(dana: User) -> None:
    with listening() as listener:
        address = asked(listener.port, redirect="false")
    page = dana.visit(address)

    page.get_by_role("button", name="Authorize").click()

    expect(page.get_by_role("alert")).to_contain_text("install a newer version")


def test_if_a_client_has_ended_back_leads_to_instructions(dana: User) -> None:
    with listening() as listener:
        address = asked(listener.port)
    page = dana.visit(address)

    with page.expect_event("requestfailed", lambda request: "/?t=" in request.url):
        page.get_by_role("button", name="Authorize").click()
    page.wait_for_url("chrome-error://**")
    page.go_back()

    expect(page.get_by_role("heading", level=1)).to_have_text("Local Access Requested")
    expect(page.locator("main")).to_contain_text("the command has ended. Run it again")
    dana.errors.clear()


def test_cancel_notifies_only_clients_that_expect_it(dana: User) -> None:
    with listening() as listener:
        page = dana.visit(asked(listener.port))
        page.get_by_role("button", name="Cancel").click()
        came = listener.next()
        assert (came.method, came.path, came.body) == ("GET", "/", "")
        page.wait_for_url(f"http://127.0.0.1:{listener.port}/")

        dana.visit(asked(listener.port, localAppName="duploctl"))
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access not authorized")
        assert not listener.has_more()

        # A denial is delivered even if the portal is unavailable.
        dana.visit(asked(listener.port))
        page.route("**/cancel", lambda route: route.abort())
        page.get_by_role("button", name="Cancel").click()
        assert listener.next().method == "GET"


def test_authorize_works_once_the_page_was_visible_for_700_milliseconds(dana: User) -> None:
    page = dana.page
    page.clock.install()
    dana.visit(asked(52417))
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    page.evaluate("dispatchEvent(new Event('focus'))")
    posts, authorize = watch_posts(page), page.get_by_role("button", name="Authorize")

    for passed in (0, 350, 349):
        page.clock.run_for(passed)
        authorize.dispatch_event("click")
        expect(authorize).to_have_attribute("aria-disabled", "true")
    page.clock.run_for(1)
    expect(authorize).to_have_attribute("aria-disabled", "false")

    page.evaluate("dispatchEvent(new Event('blur'))")
    authorize.dispatch_event("click")
    assert posts == []


def test_an_immediate_click_delivers_no_token(dana: User) -> None:
    posts = watch_posts(dana.page)
    dana.page.add_init_script(
        "addEventListener('DOMContentLoaded', () => {"
        "for (const button of document.querySelectorAll('[data-handoff] button')) button.click(); });"
    )

    page = dana.visit(asked(52417))

    expect(page.get_by_role("button", name="Authorize")).to_have_attribute("aria-disabled", "false")
    assert posts == []


def test_a_required_reauthentication_redirects_there_and_back(dana: User) -> None:
    refusal = {"code": "fresh_sign_in_needed", "detail": "This needs your password once more."}
    page = dana.visit(asked(52417))
    page.route(f"**{LOCAL_ACCESS}", lambda route: route.fulfill(status=403, json=refusal))

    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("Password").fill(dana.demo.password(DANA))
    page.get_by_role("button", name="Confirm").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Local Access Requested")
    assert page.url == f"{dana.demo.portal_url}{asked(52417)}"


def test_a_portal_without_an_answer_is_reported_and_authorize_works_again(dana: User) -> None:
    page = dana.visit(asked(52417))
    page.route(f"**{LOCAL_ACCESS}", lambda route: route.abort())

    page.get_by_role("button", name="Authorize").click()

    expect(page.get_by_text("The portal did not answer.")).to_be_visible()
    expect(page.get_by_role("button", name="Authorize")).to_have_attribute("aria-disabled", "false")


def test_no_control_has_the_focus_at_first(dana: User) -> None:
    page = dana.visit(asked(52417))

    assert page.evaluate("document.activeElement === document.body")


def test_another_site_cannot_frame_the_page(dana: User) -> None:
    page = dana.page
    html = f'<iframe src="{dana.demo.portal_url}{asked(52417)}" name="framed"></iframe>'
    page.route("https://evil.example/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("https://evil.example/")

    framed = page.frame("framed")
    assert framed is not None
    assert framed.url == "chrome-error://chromewebdata/"


def test_without_script_the_page_says_what_to_do_instead(chromium: Chromium, demo: Demo) -> None:
    with new_user(chromium, demo, has_script=False) as user:
        page = user.sign_in(DANA, asked(52417))

        expect(page.get_by_text("requires JavaScript")).to_be_visible()
        expect(page.get_by_role("button", name="Authorize")).to_be_hidden()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access not authorized")


@pytest.mark.parametrize(
    "polyglot", ["<img src=x onerror=alert(1)>", "'\"><script>alert(1)</script>", "{{7*7}}"]
)
def test_an_application_name_is_escaped(dana: User, polyglot: str) -> None:
    dana.page.on("dialog", lambda dialog: pytest.fail(dialog.message))

    page = dana.visit(asked(52417, localAppName=polyglot))

    expect(page.locator("code.chip")).to_have_text(polyglot[:32])
    expect(page.get_by_text("Unrecognised application")).to_be_visible()
    dana.assert_no_errors()
