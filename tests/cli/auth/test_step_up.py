"""Where the portal asks for a recent sign-in with admin access, a person is asked for it once."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import structlog

from daypass.cli.auth.session_store import SessionSlot, StoredSession
from daypass.portal import logs
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.identity.authentication import OPERATOR
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.oauth.model import LOOK_FIRST
from tests.cli.auth.test_login import Person
from tests.cli.conftest import Command
from tests.cli.near import reached
from tests.cli.sign_in import SignInPortal, Tabs, leave_sign_in, visit
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
    return Person(daypass, Tabs(tmp_path))


def signed_in(person: Person, sign_in: SignInPortal) -> dict[str, str]:
    """Leave a sign-in for tenants in the person's home; the environment that leads there."""
    environment = {"DAYPASS_STATE_DIR": str(person.state)}
    leave_sign_in(environment, sign_in.stub.url)
    return environment


@pytest.mark.parametrize("code", CODES)
def test_the_command_goes_on_after_a_sign_in_with_admin_access(
    person: Person, sign_in: SignInPortal, code: str
) -> None:
    signed_in(person, sign_in)
    sign_in.asks_for = {"access_canary": code}

    with person.types(*DEV) as sitting:
        sitting.until("recent sign-in with admin access")
        pushed = sign_in.await_push()
        assert pushed["scope"] == "tenants admin"
        assert sign_in.answer(pushed) == 303
        exit_code, out = sitting.end()

    assert exit_code == 0
    assert json.loads(out)["AccessKeyId"].startswith("ASIA")
    assert sign_in.issued_to == ["access_canary_1"]


@pytest.mark.parametrize("code", CODES)
def test_a_portal_that_is_never_content_is_asked_twice_and_no_more(
    person: Person, sign_in: SignInPortal, code: str
) -> None:
    signed_in(person, sign_in)
    sign_in.asks_for = {"access_canary": code, "access_canary_1": code}

    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push())
        exit_code, out = sitting.end()

    assert (exit_code, out) == (3, "")
    assert "This change needs a recent sign-in." in sitting.seen
    assert (len(sign_in.pushed), len(sign_in.refreshed)) == (1, 0)


def test_a_no_ends_the_command_and_leaves_the_sign_in_for_tenants(
    person: Person, sign_in: SignInPortal
) -> None:
    signed_in(person, sign_in)
    sign_in.asks_for = {"access_canary": CODES[0]}

    with person.types(*DEV) as sitting:
        sign_in.answer(sign_in.await_push(), code="", error="access_denied")
        assert sitting.end() == (3, "")

    assert "declined" in sitting.seen
    sign_in.asks_for = {}
    assert person.program(*DEV).code == 0


@pytest.mark.parametrize("code", CODES)
def test_where_nobody_can_be_asked_the_command_that_signs_in_is_named(
    person: Person, sign_in: SignInPortal, code: str
) -> None:
    signed_in(person, sign_in)
    sign_in.asks_for = {"access_canary": code}

    ran = person.program(*DEV, BROWSER="", container="podman")

    assert (ran.code, ran.out) == (3, "")
    assert f"daypass login --host {sign_in.stub.url} --admin" in ran.err
    assert sign_in.pushed == []


@pytest.mark.parametrize("code", CODES)
def test_a_token_that_was_given_has_no_other_in_its_place(
    person: Person, sign_in: SignInPortal, code: str
) -> None:
    sign_in.asks_for = {"given": code}

    ran = person.program(*DEV, "--token", "given")

    assert (ran.code, ran.out) == (3, "")
    assert "This change needs a recent sign-in." in ran.err
    assert sign_in.pushed == []


def test_a_sign_in_that_another_command_made_meanwhile_is_used(person: Person, sign_in: SignInPortal) -> None:
    environment, now = signed_in(person, sign_in), time.time()  # noqa: TID251  commands read the real clock
    sign_in.asks_for = {"access_canary": CODES[1]}
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
class Reached:
    """A whole portal behind a socket, which calls itself by that address."""

    world: World
    origin: str


@pytest.fixture
def portal_itself(sqlite_url: str) -> Iterator[Reached]:
    logs.configure(StringIO())
    with reached() as server, make_world(sqlite_url, stated_public_url=server.origin) as made:
        server.world = made
        yield Reached(made, server.origin)
    structlog.reset_defaults()


def agree(portal: Reached, opened: str) -> None:
    """Authorize the request in an Administrator's browser that has just signed in."""
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
    world.clock.move(LOOK_FIRST)
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.body.decode()))
    body = urlencode({**form, "answer": "authorize", "by": "script"}).encode()
    answer = world.client().send("POST", "/oauth/authorize", headers=headers, body=body)
    redirect = urlsplit(answer.json["redirect"])
    query = {name: values[0] for name, values in parse_qs(redirect.query).items()}
    assert visit(f"{redirect.scheme}://{redirect.netloc}{redirect.path}", query) == 303


def test_apply_signs_in_for_administration_and_once_more_when_that_is_too_long_ago(
    portal_itself: Reached, person: Person, tmp_path: Path
) -> None:
    file = tmp_path / "users.yaml"
    seen = []
    for number, name in enumerate(("first", "second")):
        file.write_text(f"users:\n  {name}@example.com: {{role: Administrator}}\n")
        with person.types("apply", "-f", str(file), DAYPASS_HOST=portal_itself.origin) as sitting:
            agree(portal_itself, person.tabs.await_one(number + 1))
            code, out = sitting.end()
            seen.append(sitting.seen)
        assert (code, "Done: 1 of 1." in out) == (0, True), seen
        # The first sign-in is good for hours, and proves who is there for five minutes.
        portal_itself.world.clock.move(timedelta(minutes=6))

    assert ["asks for a recent sign-in" in one for one in seen] == [False, True]
    assert len(person.tabs.opened) == 2
