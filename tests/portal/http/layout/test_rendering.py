"""Headers of pages and static files, error pages, and safe redirects."""

import json
import re

import pytest

from daypass.portal.http.layout.assets import Assets
from daypass.portal.http.layout.redirects import safe_path
from daypass.portal.http.layout.rendering import PageRenderer
from tests.portal.http.layout.conftest import AWS, Browser


def test_a_page_has_all_security_headers(browser: Browser) -> None:
    headers = browser.get("/page").headers

    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action 'self' {AWS}; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_page_has_no_inline_script_or_style(browser: Browser) -> None:
    text = browser.get("/page").text

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert re.findall(r"<script[^>]*>(.*?)</script>", text) == [""]


def test_static_files_are_immutable_and_compressed(browser: Browser, assets: Assets) -> None:
    file = browser.get(assets.url("app.css"), accept_encoding="gzip")

    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert file.headers["content-encoding"] == "gzip"
    assert file.headers["content-type"] == "text/css; charset=utf-8"
    assert file.text == browser.get(assets.url("app.css"), accept_encoding="identity").text


def test_a_static_file_of_another_version_is_not_found(browser: Browser) -> None:
    assert browser.get("/static/0123456789abcdef/app.css").status == 404


def test_every_icon_used_in_a_template_exists(pages: PageRenderer) -> None:
    environment = pages._environment
    assert environment.loader is not None
    sources = [environment.loader.get_source(environment, name)[0] for name in environment.list_templates()]
    named = {name for source in sources for name in re.findall(r'icon\("([a-z]+)"', source)}
    drawn = set(re.findall(r'symbol id="([a-z]+)"', Assets()._files["icons.svg"].content.decode()))

    assert named - drawn == set()


@pytest.mark.parametrize(
    ("address", "status", "reason"),
    [
        ("/refused", 403, "This is &lt;not&gt; yours."),
        ("/no-such-page", 404, "There is nothing at this address."),
        ("/crash", 500, "An internal error occurred."),
    ],
)
def test_an_error_page_shows_the_reason_and_the_request_id(
    browser: Browser, address: str, status: int, reason: str
) -> None:
    answer = browser.get(address)

    assert answer.status == status
    assert reason in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert 'href="/profile"' in answer.text
    assert "a secret of the portal" not in answer.text


def test_a_program_gets_problem_json_instead_of_a_page(browser: Browser) -> None:
    answer = browser.get("/refused", accept="application/json")

    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.text)["detail"] == "This is <not> yours."


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "sessions",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/sign-in",
        "/sign-in/example-idp",
        "/sign-in/example-idp/callback?state=x",
        "/sign-out",
        "/confirm?next=/",
        "/" + "a" * 2000,
        "/é",
        " /sessions",
    ],
)
def test_a_redirect_to_another_site_is_replaced(typed: str) -> None:
    assert safe_path(typed) == "/profile"


@pytest.mark.parametrize(
    "typed", ["/sessions", "/go?arn=arn%3Aaws%3As3%3A%3A%3Ab", "/admin/tenants/dev01?tab=settings"]
)
def test_a_redirect_to_an_own_path_is_kept(typed: str) -> None:
    assert safe_path(typed) == typed
