"""Step-up: when the portal demands a recent sign-in with admin access, the user is prompted once."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from daypass.cli.auth.session_store import SessionSlot, StoredSession
from daypass.portal.audit.event import OPERATOR
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.oauth.model import MIN_VIEW_TIME
from tests.captured_log import captured_log
from tests.cli.auth.test_login import Person
from tests.cli.conftest import Command
from tests.cli.near import portal_server
from tests.cli.sign_in import FakeBrowser, SignInPortal, leave_sign_in, visit
from tests.cli.stub import StubPortal
from tests.portal.http.world import ADMIN, World
from tests.portal.http.world import world as make_world

DEV = ("aws", "--no-cache", "--tenant", "dev01")
CODES = ("fresh_sign_in_needed", "insufficient_scope")


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


@pytest.mark.parametrize("code", CODES)
def test_a_given_token_is_not_replaced_by_a_sign_in(person: Person, sign_in: SignInPortal, code: str) -> None:
    sign_in.refusals = {"given": code}

    ran = person.program(*DEV, "--token", "given")

    assert (ran.code, ran.out) == (3, "")
    assert "This change needs a recent sign-in." in ran.err
    assert sign_in.pushed == []


def test_a_session_created_by_another_command_is_used(person: Person, sign_in: SignInPortal) -> None:
    environment, now = store_session(person, sign_in), time.time()  # noqa: TID251  commands read the real clock
    sign_in.refusals = {"access_canary": CODES[1]}
    newer = StoredSession(
        id="1" * 32,
        username="dana@example.com",
        allows_admin=True,
        access="access_of_another",
        access_until=now + 3600,
        refresh="refresh_of_another",
        since=now - 1,
        until=now + 43200,
    )
    with SessionSlot(environment, sign_in.stub.url, admin=True, now=lambda: now).locked() as slot:
        slot.write(newer)

    ran = person.program(*DEV)

    assert ran.code == 0
    assert (sign_in.issued_to, sign_in.pushed) == (["access_of_another"], [])


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


def consent(portal: RunningPortal, opened: str) -> None:
    """Consent to the request in the browser of an Administrator who has just signed in."""
    world = portal.world
    user, ends = world.users[ADMIN], world.clock() + timedelta(hours=12)
    token = world.identity.new_token(user, TokenKind.BROWSER, "", expires_at=ends, grant_ends_at=ends)
    cookie = world.identity.add_token(token, user, OPERATOR).reveal()
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
