"""*Local Access Requested*: the consent page, the conditions of consent, and the loopback answer."""

import html
import re
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from daypass.portal.audit.event import OPERATOR
from daypass.portal.config.model import LegacyLoopback
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.http.legacy.local_access import ARMED_AFTER, CANCEL, CANCELLED, DONE, PAGE, STALE_AFTER
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.reauthentication import RECENT
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import api_tokens
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import ADMIN, DANA, DEV, PUBLIC_URL, World
from tests.portal.http.world import world as make_world

PORT = "52417"
HTML = ("Accept", "text/html")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
OURS = (("Origin", PUBLIC_URL), ("Sec-Fetch-Site", "same-origin"))

Cookie = tuple[str, str]


def sign_in(world: World, username: str) -> Cookie:
    """Return the session cookie of a browser in which *username* has just signed in."""
    ends_at = world.clock() + timedelta(hours=12)
    user = world.users[username]
    token = world.identity.new_token(user, TokenKind.BROWSER, "", expires_at=ends_at, grant_ends_at=ends_at)
    return "Cookie", f"{SESSION}={world.identity.add_token(token, user, OPERATOR).reveal()}"


def look(client: Client, cookie: Cookie | None, **query: str) -> Answer:
    """Open the page as duploctl does; *query* overrides parameters."""
    requested = {
        "localAppName": "duploctl",
        "localPort": PORT,
        "isAdmin": "false",
        "redirect": "true",
    } | query
    headers = [HTML] if cookie is None else [HTML, cookie]
    return client.get(PAGE, headers=headers, query=urlencode(requested))


def fields(page: Answer) -> dict[str, str]:
    """Return the fields of the page's form."""
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.body.decode())
    return {name: html.unescape(value) for name, value in hidden}


def agree(client: Client, cookie: Cookie, form: dict[str, str], *headers: tuple[str, str]) -> Answer:
    """Send the form, by default as the page's script does."""
    sent = [cookie, FORM, *(headers or OURS)]
    return client.send("POST", PAGE, body=urlencode(form).encode(), headers=sent)


def handed_over(world: World) -> int:
    """Return the number of legacy tokens."""
    with world.database.reading() as connection:
        kinds = connection.scalars(select(api_tokens.c.kind)).all()
    return kinds.count(TokenKind.APPROVAL.value)


def test_an_authorized_request_issues_a_token_for_jit_access(
    quick_world: World, quick_client: Client
) -> None:
    cookie = sign_in(quick_world, DANA)
    page = look(quick_client, cookie)
    quick_world.clock.move(ARMED_AFTER)

    answer = agree(quick_client, cookie, fields(page))

    assert answer.status == 200
    assert answer.json["port"] == int(PORT)
    assert answer.header("cache-control") == "no-store"
    token = answer.json["token"]
    assert quick_client.get(f"/subscriptions/{DEV.id}/GetAwsConsoleTokenUrl", token).status == 200
    assert quick_client.get("/adminproxy/GetJITAwsConsoleAccessUrl", token).status == 403
    assert token not in page.body.decode()


def test_a_consent_issues_only_one_token(quick_world: World, quick_client: Client) -> None:
    cookie = sign_in(quick_world, DANA)
    form = fields(look(quick_client, cookie))
    quick_world.clock.move(ARMED_AFTER)

    answers = [agree(quick_client, cookie, form) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 410, 410]
    assert "already answered" in answers[1].json["detail"]
    assert handed_over(quick_world) == 1
    # The repetition revoked nothing, and opening the page again gives a new consent.
    token = answers[0].json["token"]
    assert quick_client.get(f"/subscriptions/{DEV.id}/GetAwsConsoleTokenUrl", token).status == 200
    again = fields(look(quick_client, cookie))
    quick_world.clock.move(ARMED_AFTER)
    assert agree(quick_client, cookie, again).status == 200


def test_the_page_shows_application_access_and_duration(quick_world: World, quick_client: Client) -> None:
    text = look(quick_client, sign_in(quick_world, DANA)).body.decode()

    for message in (
        "Local Access Requested",
        "duploctl",
        DANA,
        f"127.0.0.1:{PORT}",
        "1 h",
        "Cancel",
        "Authorize",
    ):
        assert message in text
    assert "Unrecognised" not in text
    assert 'aria-disabled="true"' in text


@pytest.mark.parametrize("accepts", [HTML, ("Accept", "application/json")])
def test_cancelling_issues_no_token_and_is_audited(
    quick_world: World, quick_client: Client, accepts: tuple[str, str]
) -> None:
    cookie = sign_in(quick_world, DANA)
    form = fields(look(quick_client, cookie, localAppName="duplo-jit"))

    answer = quick_client.send(
        "POST", CANCEL, body=urlencode(form).encode(), headers=[cookie, FORM, *OURS, accepts]
    )
    forged = form | {"csrf": "0" * 64}
    refused = quick_client.send(
        "POST", CANCEL, body=urlencode(forged).encode(), headers=[cookie, FORM, *OURS, accepts]
    )

    expected = (303, CANCELLED) if accepts == HTML else (200, None)
    assert (answer.status, answer.header("location")) == expected
    assert refused.status == 403
    assert handed_over(quick_world) == 0
    query = select(audit_events.c.actor, audit_events.c.subject, audit_events.c.outcome).where(
        audit_events.c.action == "local_access.cancel"
    )
    with quick_world.database.reading() as connection:
        assert connection.execute(query).all() == [(DANA, "duplo-jit", "denied")]


@pytest.mark.parametrize("query", [{}, {"success": "true"}, {"isAdmin": "true"}, {"redirect": "false"}])
def test_opening_the_page_issues_no_token(
    quick_world: World, quick_client: Client, query: dict[str, str]
) -> None:
    look(quick_client, sign_in(quick_world, ADMIN), **query)

    assert handed_over(quick_world) == 0


def test_success_only_redirects_to_the_outcome_page(quick_world: World, quick_client: Client) -> None:
    cookie = sign_in(quick_world, DANA)

    answer = look(quick_client, cookie, success="true")

    assert (answer.status, answer.header("location")) == (303, DONE)
    assert b"You can close this tab" in quick_client.get(DONE, headers=[HTML, cookie]).body
    assert b"Access not authorized" in quick_client.get(CANCELLED, headers=[HTML, cookie]).body


def test_a_signed_out_user_returns_to_the_page_after_the_sign_in(quick_client: Client) -> None:
    answer = look(quick_client, None)

    here = f"{PAGE}?localAppName=duploctl&localPort={PORT}&isAdmin=false&redirect=true"
    assert answer.status == 303
    assert answer.header("location") == f"/sign-in?next={quote(here, safe='/')}"


@pytest.mark.parametrize(
    "port",
    [
        "",
        "80",
        "1023",
        "65536",
        "99999",
        "08080",
        "8080/../",
        "80@evil.example",
        "8080@evil.example",
        "8080.evil.example",
        "8080#",
        "8080?",
        "8080\r\nLocation: https://evil.example",
        "8080\n",
        " 8080",
        "+8080",
        "-8080",
        "8_080",
        "8080.0",
        "0x1f90",
        "\uff18\uff10\uff18\uff10",
        "\u0668\u0660\u0668\u0660",
        "8080\u0000",
        "evil.example",
        "9" * 5000,
    ],
)
def test_an_invalid_port_is_refused(quick_world: World, quick_client: Client, port: str) -> None:
    cookie = sign_in(quick_world, DANA)
    form = fields(look(quick_client, cookie)) | {"localPort": port}
    quick_world.clock.move(ARMED_AFTER)

    page, answer = look(quick_client, cookie, localPort=port), agree(quick_client, cookie, form)

    assert (page.status, answer.status) == (422, 422)
    assert b"evil.example" not in page.body
    assert page.header("location") is None
    assert handed_over(quick_world) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(port=st.one_of(st.text(max_size=12), st.integers(-10, 70000).map(str)))
def test_every_accepted_port_is_a_loopback_port(quick_world: World, quick_client: Client, port: str) -> None:
    cookie = sign_in(quick_world, DANA)

    page = look(quick_client, cookie, localPort=port.encode(errors="replace").decode())

    if page.status == 200:
        assert 1024 <= int(fields(page)["localPort"]) <= 65535
        hosts = re.findall(r"127\.0\.0\.1:(\d+)<", page.body.decode())
        assert hosts == [fields(page)["localPort"]]
    else:
        assert page.status == 422


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("duplo-jit", "duplo-jit"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('"><img src=x onerror=alert(1)>', "&#34;&gt;&lt;img src=x onerror=alert(1)&gt;"),
        ("x" * 100, "x" * 32),
        ("duploctl\u202e\x00", "duploctl"),
        ("", "unnamed"),
        ("Duploctl", "Duploctl"),
    ],
)
def test_an_application_s_name_is_escaped_and_an_unknown_one_is_marked(
    quick_world: World, quick_client: Client, name: str, shown: str
) -> None:
    text = look(quick_client, sign_in(quick_world, DANA), localAppName=name).body.decode()

    assert f'<code class="chip">{shown}</code>' in text
    assert ("Unrecognised application" in text) is (shown not in {"duplo-jit", "duploctl"})
    assert "<script>alert" not in text
    assert "<img" not in text


@pytest.mark.parametrize(
    ("waited", "sentence"),
    [
        (timedelta(), "too quickly"),
        (ARMED_AFTER - timedelta(milliseconds=1), "too quickly"),
        (STALE_AFTER + timedelta(seconds=1), "has expired"),
    ],
)
def test_the_page_must_be_visible_for_a_minimum_and_a_maximum_time(
    quick_world: World, quick_client: Client, waited: timedelta, sentence: str
) -> None:
    cookie = sign_in(quick_world, DANA)
    form = fields(look(quick_client, cookie))
    quick_world.clock.move(waited)

    answer = agree(quick_client, cookie, form)

    assert answer.status == 422
    assert sentence in answer.json["detail"]
    assert handed_over(quick_world) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"localPort": "52418"},
        {"localAppName": "duplo-jit"},
        {"isAdmin": "true"},
        {"shownAt": "0"},
        {"consent": ""},
        {"consent": "0" * 64},
        {"csrf": ""},
        {"csrf": "0" * 64},
    ],
)
def test_a_consent_is_valid_only_for_the_request_that_was_shown(
    quick_world: World, quick_client: Client, changed: dict[str, str]
) -> None:
    cookie = sign_in(quick_world, ADMIN)
    form = fields(look(quick_client, cookie)) | changed
    quick_world.clock.move(ARMED_AFTER)

    assert agree(quick_client, cookie, form).status == 403
    assert handed_over(quick_world) == 0


def test_a_consent_is_not_valid_in_another_user_s_browser(quick_world: World, quick_client: Client) -> None:
    theirs, mine = sign_in(quick_world, ADMIN), sign_in(quick_world, DANA)
    form = fields(look(quick_client, theirs))
    quick_world.clock.move(ARMED_AFTER)
    assert agree(quick_client, mine, form).status == 403

    own_csrf = form | {"csrf": fields(look(quick_client, mine))["csrf"]}
    assert agree(quick_client, mine, own_csrf).status == 403
    assert handed_over(quick_world) == 0


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")],
        [("Origin", "null")],
        [("Origin", f"http://127.0.0.1:{PORT}"), ("Sec-Fetch-Site", "cross-site")],
        [("Origin", PUBLIC_URL), ("Sec-Fetch-Site", "same-site")],
        [("Sec-Fetch-Site", "none")],
        [("X-Nothing", "at all")],
    ],
)
def test_a_cross_site_request_issues_no_token(
    quick_world: World, quick_client: Client, headers: list[tuple[str, str]]
) -> None:
    cookie = sign_in(quick_world, DANA)
    form = fields(look(quick_client, cookie))
    quick_world.clock.move(ARMED_AFTER)

    assert agree(quick_client, cookie, form, *headers).status == 403
    assert handed_over(quick_world) == 0


def test_admin_access_requires_an_administrator_with_a_recent_sign_in(
    quick_world: World, quick_client: Client
) -> None:
    cookie = sign_in(quick_world, ADMIN)
    page = look(quick_client, cookie, isAdmin="true", localAppName="duplo-jit")
    quick_world.clock.move(ARMED_AFTER)
    token = agree(quick_client, cookie, fields(page)).json["token"]
    assert quick_client.get("/adminproxy/GetJITAwsConsoleAccessUrl", token).status == 200

    quick_world.clock.move(RECENT)
    stale = look(quick_client, cookie, isAdmin="true")

    assert b"The master role" in page.body
    assert stale.status == 303
    assert (stale.header("location") or "").startswith("/confirm?next=/app/user/verify-token")
    assert look(quick_client, cookie, isAdmin="false").status == 200


def test_other_users_see_why_they_cannot_authorize_and_can_cancel(
    quick_world: World, quick_client: Client
) -> None:
    page = look(quick_client, sign_in(quick_world, DANA), isAdmin="true", localAppName="duplo-jit")

    assert page.status == 403
    assert b"for Administrators" in page.body
    assert b"Cancel" in page.body
    assert b"Authorize</button>" not in page.body
    assert f'data-handoff-cancel="{PORT}"'.encode() in page.body


@pytest.mark.parametrize(
    ("loopback", "is_admin", "status"),
    [
        (LegacyLoopback.OFF, "false", 403),
        (LegacyLoopback.TENANT_ONLY, "true", 403),
        (LegacyLoopback.TENANT_ONLY, "false", 200),
    ],
)
def test_an_operator_can_turn_local_access_off(
    sqlite_url: str, loopback: LegacyLoopback, is_admin: str, status: int
) -> None:
    with make_world(sqlite_url, legacy_loopback=loopback) as world:
        assert look(world.client(), sign_in(world, ADMIN), isAdmin=is_admin).status == status


def test_only_an_old_client_s_page_may_connect_to_its_port_and_to_no_other(
    quick_world: World, quick_client: Client
) -> None:
    cookie = sign_in(quick_world, DANA)

    def policy(**query: str) -> str:
        return look(quick_client, cookie, **query).header("content-security-policy") or ""

    assert "127.0.0.1" not in policy()
    assert f"connect-src 'self' http://127.0.0.1:{PORT};" in policy(redirect="")
    for message in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert message in policy() and message in policy(redirect="")


def test_the_page_cannot_be_framed_cached_or_scripted_by_another_window(
    quick_world: World, quick_client: Client
) -> None:
    page = look(quick_client, sign_in(quick_world, DANA))

    assert page.header("x-frame-options") == "DENY"
    assert page.header("cross-origin-opener-policy") == "same-origin"
    assert page.header("cache-control") == "no-store"
    assert page.header("referrer-policy") == "same-origin"


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL"])
def test_no_request_header_changes_the_page_s_links(
    quick_world: World, quick_client: Client, name: str
) -> None:
    cookie = sign_in(quick_world, DANA)
    query = urlencode({"localAppName": "duploctl", "localPort": PORT, "redirect": "true"})

    page = quick_client.get(PAGE, headers=[HTML, cookie, (name, "evil.example")], query=query)

    assert page.status == 200
    assert b"evil.example" not in page.body


@pytest.mark.parametrize(
    "path",
    [
        f"/subscriptions/{DEV.id}/GetAwsConsoleTokenUrl",
        "/adminproxy/GetJITAwsConsoleAccessUrl",
        "/v3/admin/aws/jitAccess/admin",
    ],
)
def test_a_session_cookie_does_not_authenticate_legacy_calls(
    quick_world: World, quick_client: Client, path: str
) -> None:
    answer = quick_client.get(path, headers=[sign_in(quick_world, ADMIN), ("Origin", "https://evil.example")])

    assert answer.status == 401
    assert quick_world.broker.issued_credentials == []
