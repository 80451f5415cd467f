"""Step-up: when the portal demands a recent sign-in with admin access, the user is prompted once."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from daypass.cli.api.errors import demanded_age
from daypass.cli.auth.pending_login import PushedRequest
from daypass.cli.auth.session_store import SessionSlot, StoredSession
from daypass.portal.audit.event import OPERATOR
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.oauth.model import MIN_VIEW_TIME
from daypass.portal.settings.registry import TENANT_AUTHENTICATION_AGE
from tests.captured_log import captured_log
from tests.cli.auth.test_login import Person
from tests.cli.conftest import Command
from tests.cli.near import portal_server
from tests.cli.sign_in import FakeBrowser, SignInPortal, leave_sign_in, visit
from tests.cli.stub import Lost, ReceivedRequest, Reply, StubPortal
from tests.portal.http.world import ADMIN, DANA, World
from tests.portal.http.world import DEV as DEV01
from tests.portal.http.world import world as make_world

DEV = ("aws", "--no-cache", "--tenant", "dev01")
CODES = ("fresh_sign_in_needed", "insufficient_scope")
TOO_OLD = "insufficient_user_authentication"


@pytest.fixture
def sign_in(portal: StubPortal) -> SignInPortal:
    return SignInPortal(portal)


@pytest.fixture
def person(daypass: Command, tmp_path: Path) -> Person:
    return Person(daypass, FakeBrowser(tmp_path))


def store_session(person: Person, sign_in: SignInPortal) -> dict[str, str]:
    """Store a session for tenants in the user's home, and return the environment that leads there."""
    environment = {"DAYPASS_STATE_DIR": str(person.state)}
    leave_sign_in(environment, sign_in.stub.url)
    return environment


@pytest.mark.parametrize("code", CODES)
def test_the_command_continues_after_a_sign_in_with_admin_access(
    person: Person, sign_in: SignInPortal, code: str
) -> None:
    store_session(person, sign_in)
    sign_in.refusals = {"access_canary": code}

    with person.types(*DEV) as terminal:
        terminal.until("recent sign-in with admin access")
        pushed = sign_in.await_push()
        assert pushed["scope"] == "tenants admin"
        assert sign_in.answer(pushed) == 303
        exit_code, out = terminal.end()

    assert exit_code == 0
    assert json.loads(out)["AccessKeyId"].startswith("ASIA")
    assert sign_in.issued_to == ["access_canary_1"]


@pytest.mark.parametrize("code", CODES)
def test_a_second_refusal_after_the_step_up_is_reported(
    person: Person, sign_in: SignInPortal, code: str
) -> None:
    store_session(person, sign_in)
    sign_in.refusals = {"access_canary": code, "access_canary_1": code}

    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push())
        exit_code, out = terminal.end()

    assert (exit_code, out) == (3, "")
    assert "This change needs a recent sign-in." in terminal.seen
    assert (len(sign_in.pushed), len(sign_in.refreshed)) == (1, 0)


def test_a_declined_step_up_ends_the_command_and_leaves_the_session_for_tenants(
    person: Person, sign_in: SignInPortal
) -> None:
    store_session(person, sign_in)
    sign_in.refusals = {"access_canary": CODES[0]}

    with person.types(*DEV) as terminal:
        sign_in.answer(sign_in.await_push(), code="", error="access_denied")
        assert terminal.end() == (3, "")

    assert "declined" in terminal.seen
    sign_in.refusals = {}
    assert person.program(*DEV).code == 0


@pytest.mark.parametrize("code", CODES)
def test_without_a_terminal_or_browser_the_login_command_is_named(
    person: Person, sign_in: SignInPortal, code: str
) -> None:
    store_session(person, sign_in)
    sign_in.refusals = {"access_canary": code}

    ran = person.program(*DEV, BROWSER="", container="podman")

    assert (ran.code, ran.out) == (3, "")
    assert f"daypass login --host {sign_in.stub.url} --admin" in ran.err
    assert sign_in.pushed == []


@pytest.mark.parametrize("code", [*CODES, TOO_OLD])
def test_a_given_token_is_not_replaced_by_a_sign_in(person: Person, sign_in: SignInPortal, code: str) -> None:
    sign_in.refusals = {"given": code}

    ran = person.program(*DEV, "--token", "given")

    assert (ran.code, ran.out) == (3, "")
    assert "This change needs a recent sign-in." in ran.err
    assert sign_in.pushed == []


def leave_newer_session(environment: dict[str, str], origin: str, *, admin: bool) -> None:
    """Store a session that another command began after the one of `store_session`."""
    now = time.time()  # noqa: TID251  commands read the real clock
    newer = StoredSession(
        id="1" * 32,
        username="dana@example.com",
        allows_admin=admin,
        access="access_of_another",
        access_until=now + 3600,
        refresh="refresh_of_another",
        since=now - 1,
        until=now + 43200,
    )
    with SessionSlot(environment, origin, admin=admin, now=lambda: now).locked() as slot:
        slot.write(newer)


def test_a_session_created_by_another_command_is_used(person: Person, sign_in: SignInPortal) -> None:
    environment = store_session(person, sign_in)
    sign_in.refusals = {"access_canary": CODES[1]}
    leave_newer_session(environment, sign_in.stub.url, admin=True)

    ran = person.program(*DEV)

    assert ran.code == 0
    assert (sign_in.issued_to, sign_in.pushed) == (["access_of_another"], [])


@pytest.mark.parametrize("second_refusal", [None, CODES[0]])
def test_the_user_is_prompted_once_if_the_session_of_another_command_is_not_recent_enough(
    person: Person, sign_in: SignInPortal, second_refusal: str | None
) -> None:
    environment = store_session(person, sign_in)
    sign_in.refusals = {"access_canary": CODES[0], "access_of_another": CODES[0]}
    if second_refusal is not None:
        sign_in.refusals["access_canary_1"] = second_refusal
    leave_newer_session(environment, sign_in.stub.url, admin=True)

    with person.types(*DEV) as terminal:
        assert sign_in.answer(sign_in.await_push()) == 303
        exit_code, _ = terminal.end()

    issued = [] if second_refusal else ["access_canary_1"]
    assert (exit_code, sign_in.issued_to) == (3 if second_refusal else 0, issued), terminal.seen
    assert (len(sign_in.pushed), sign_in.revoked) == (1, ["refresh_of_another"])


def test_a_session_that_began_while_the_command_ran_can_be_too_old_for_the_tenant_as_well(
    person: Person, sign_in: SignInPortal
) -> None:
    environment, usual = store_session(person, sign_in), sign_in.stub.reply
    sign_in.refusals = {"access_canary": TOO_OLD, "access_of_another": TOO_OLD}

    def reply(asked: ReceivedRequest) -> Reply | Lost:
        # The session of this command is replaced between its request and the answer.
        if asked.headers.get("Authorization") == "Bearer access_canary":
            leave_newer_session(environment, sign_in.stub.url, admin=False)
        return usual(asked)

    sign_in.stub.reply = reply

    with person.types(*DEV) as terminal:
        pushed = sign_in.await_push()
        assert sign_in.answer(pushed) == 303
        assert terminal.end()[0] == 0, terminal.seen

    assert (pushed["max_age"], sign_in.issued_to) == ("300", ["access_canary_1"])
    assert (len(sign_in.pushed), sign_in.revoked) == (1, ["refresh_of_another"])


@dataclass(frozen=True, slots=True)
class RunningPortal:
    """A complete portal on a socket, with that address as its public URL."""

    world: World
    origin: str


@pytest.fixture
def running_portal(sqlite_url: str) -> Iterator[RunningPortal]:
    with (
        captured_log(),
        portal_server() as server,
        make_world(sqlite_url, stated_public_url=server.origin) as made,
    ):
        server.world = made
        yield RunningPortal(made, server.origin)


def browser_of(portal: RunningPortal, username: str) -> str:
    """Return the cookie of a browser in which the user has just signed in."""
    world = portal.world
    user, ends = world.users[username], world.clock() + timedelta(hours=12)
    token = world.identity.new_token(user, TokenKind.BROWSER, "", expires_at=ends, grant_ends_at=ends)
    return world.identity.add_token(token, user, OPERATOR).reveal()


def consent(portal: RunningPortal, opened: str, cookie: str = "") -> None:
    """Consent to the request, by default in the browser of an Administrator who has just signed in."""
    world = portal.world
    cookie = cookie or browser_of(portal, ADMIN)
    headers = [
        ("Cookie", f"{SESSION}={cookie}"),
        ("Accept", "text/html"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", portal.origin),
    ]
    page = world.client().get("/oauth/authorize", headers=headers, query=urlsplit(opened).query)
    world.clock.move(MIN_VIEW_TIME)
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.body.decode()))
    body = urlencode({**form, "answer": "authorize", "by": "script"}).encode()
    answer = world.client().send("POST", "/oauth/authorize", headers=headers, body=body)
    redirect = urlsplit(answer.json["redirect"])
    query = {name: values[0] for name, values in parse_qs(redirect.query).items()}
    assert visit(f"{redirect.scheme}://{redirect.netloc}{redirect.path}", query) == 303


def test_apply_signs_in_with_admin_access_and_again_when_that_is_no_longer_recent(
    running_portal: RunningPortal, person: Person, tmp_path: Path
) -> None:
    file = tmp_path / "users.yaml"
    screens = []
    for number, name in enumerate(("first", "second")):
        file.write_text(f"users:\n  {name}@example.com: {{role: Administrator}}\n")
        with person.types("apply", "-f", str(file), DAYPASS_HOST=running_portal.origin) as terminal:
            consent(running_portal, person.tabs.await_one(number + 1))
            code, out = terminal.end()
            screens.append(terminal.seen)
        assert (code, "Done: 1 of 1." in out) == (0, True), screens
        # The session lasts for hours, but the sign-in counts as recent for five minutes only.
        running_portal.world.clock.move(timedelta(minutes=6))

    assert ["asks for a recent sign-in" in screen for screen in screens] == [False, True]
    assert len(person.tabs.opened) == 2


def test_a_tenant_that_asks_for_a_recent_authentication_opens_the_browser(
    running_portal: RunningPortal, person: Person
) -> None:
    world, host = running_portal.world, {"DAYPASS_HOST": running_portal.origin}
    # Cached keys are served by the clock of the machine, so the portal's must agree with it.
    world.clock.now = datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251  commands read the real clock
    browser = browser_of(running_portal, DANA)
    with person.types("aws", "--tenant", "dev01", **host) as terminal:
        consent(running_portal, person.tabs.await_one(1), browser)
        code, cached = terminal.end()
    assert code == 0, terminal.seen
    world.set(TENANT_AUTHENTICATION_AGE, "10", DEV01)
    world.clock.move(timedelta(minutes=11))

    assert person.program("aws", "--tenant", "dev01", **host).out == cached, "Cached keys are unaffected."
    ran = person.program(*DEV, **host, BROWSER="", container="podman")
    assert (ran.code, ran.out) == (3, "")
    assert f"In a terminal: daypass login --host {running_portal.origin} --reauthenticate\n" in ran.err

    with person.types(*DEV, **host) as terminal:
        opened = person.tabs.await_one(2)
        # The browser's own sign-in is too old as well, so the portal asks for the password first.
        page = world.client().get(
            "/oauth/authorize",
            headers=[("Cookie", f"{SESSION}={browser}"), ("Accept", "text/html")],
            query=urlsplit(opened).query,
        )
        consent(running_portal, opened, browser_of(running_portal, DANA))
        code, out = terminal.end()

    assert (code, json.loads(out)["Version"]) == (0, 1), terminal.seen
    assert "asks you to confirm your identity" in terminal.seen
    assert (page.status, (page.header("location") or "").partition("?")[0]) == (303, "/confirm")
    assert person.program(*DEV, **host).code == 0, "The new sign-in replaced the old one."


def test_login_can_ask_for_a_recent_authentication_in_advance(person: Person, sign_in: SignInPortal) -> None:
    store_session(person, sign_in)

    with person.types("login", "--reauthenticate", "--host", sign_in.stub.url) as terminal:
        pushed = sign_in.await_push()
        sign_in.answer(pushed)
        assert terminal.end()[0] == 0

    assert (pushed["scope"], pushed["max_age"]) == ("tenants", "300")
    assert sign_in.revoked == ["refresh_canary"]


def test_a_killed_sign_in_is_not_resumed_by_a_command_that_needs_a_more_recent_authentication(
    person: Person, sign_in: SignInPortal
) -> None:
    store_session(person, sign_in)
    with person.types("login", "--host", sign_in.stub.url):
        left = sign_in.await_push()
        person.tabs.await_one()
    sign_in.refusals = {"access_canary": TOO_OLD}

    with person.types(*DEV) as terminal:
        pushed = sign_in.await_push()
        assert (left.get("max_age"), pushed["max_age"]) == (None, "300")
        person.tabs.await_one(2)
        assert sign_in.answer(pushed) == 303
        assert terminal.end()[0] == 0, terminal.seen

    assert sign_in.issued_to == ["access_canary_1"]


@pytest.mark.parametrize(
    ("asked", "needed", "is_resumed"),
    [
        (None, None, True),
        (None, 300, False),
        (300, None, True),
        (300, 300, True),
        (300, 3600, True),
        (3600, 300, False),
    ],
)
def test_a_pending_request_is_resumed_if_the_authentication_it_asked_for_is_recent_enough(
    tmp_path: Path, asked: int | None, needed: int | None, *, is_resumed: bool
) -> None:
    slot = SessionSlot(
        {"DAYPASS_STATE_DIR": str(tmp_path / "state")}, "https://portal.example", admin=False, now=lambda: 9.0
    )
    pushed = PushedRequest(
        request_uri="urn:1",
        match_code="BCDF-GHJK",
        state="s",
        verifier="v",
        redirect_uri="http://127.0.0.1:1/cb",
        lifetime=300,
        max_age=asked,
    )

    with slot.locked() as locked:
        locked.write_pending(pushed, 1, "/cb")
        found = locked.pending(needed)

    assert (found is not None) == is_resumed
    assert found is None or found.pushed.max_age == asked


def test_the_age_of_the_challenge_is_asked_for() -> None:
    headers = HTTPMessage()
    headers["Content-Type"] = "application/problem+json"
    headers["WWW-Authenticate"] = f'Bearer realm="daypass", error="{TOO_OLD}", max_age="3600"'
    body = json.dumps({"code": TOO_OLD}).encode()

    assert demanded_age(headers, body) == 3600
    assert demanded_age(headers, json.dumps({"code": CODES[0]}).encode()) is None
    for value in ("", "x", "-5", "9" * 7):
        headers.replace_header("WWW-Authenticate", f'Bearer max_age="{value}"')
        assert demanded_age(headers, body) == 300
