"""Passkeys in a real browser, with its virtual authenticator."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import CDPSession, Page, expect
from sqlalchemy import select, update

from daypass.portal.clock import utc_now
from daypass.portal.identity.authentication import new_user as new_account
from daypass.portal.identity.model import Role
from daypass.portal.identity.reauthentication import RECENT
from daypass.portal.secret import Secret
from daypass.portal.settings.registry import PASSKEY_REQUIRED
from daypass.portal.storage.schema.identity import api_tokens, users
from tests.browser.laptop import Laptop, authorize
from tests.fixtures.browser import Chromium, User, new_user
from tests.fixtures.demo import Demo

PASSWORD = "correct horse battery staple"
PAGE = "/profile/passkeys"


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of their own, since a passkey changes how its owner signs in, with a virtual authenticator."""

    user: User
    username: str
    session: CDPSession
    authenticator: str

    def enter_password(self, address: str = PAGE) -> Page:
        """Submit the sign-in form for that page."""
        page = self.user.visit(address)
        page.get_by_label("Username").fill(self.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        return page

    def add(self, name: str) -> Page:
        """Add a passkey on the page *Passkeys*, which is open."""
        page = self.user.page
        page.get_by_label("Name").first.fill(name)
        page.get_by_role("button", name="Add a passkey").click()
        return page

    def change(self, **settings: Any) -> None:  # noqa: ANN401  of the protocol
        """Change the virtual authenticator; see `WebAuthn.setUserVerified` and the like."""
        for command, parameters in settings.items():
            sent = {"authenticatorId": self.authenticator, **parameters}
            self.session.send(f"WebAuthn.{command}", sent)


@pytest.fixture
def owner(chromium: Chromium, demo: Demo) -> Iterator[Owner]:
    """A new user at a browser with an authenticator."""
    with new_owner(chromium, demo, Role.USER) as made:
        yield made


@pytest.fixture
def administrator(chromium: Chromium, demo: Demo) -> Iterator[Owner]:
    """A new Administrator at a browser with an authenticator; a User at the end."""
    with new_owner(chromium, demo, Role.ADMINISTRATOR) as made:
        yield made
        with demo.database() as database, database.writing() as connection:
            of_owner = update(users).where(users.c.username == made.username)
            connection.execute(of_owner.values(role=Role.USER))


@contextmanager
def new_owner(chromium: Chromium, demo: Demo, role: Role) -> Iterator[Owner]:
    """Make a user with that role, and open a browser with an authenticator."""
    username = f"{uuid4().hex[:8]}@example.com"
    _, add = new_account(username, role, Secret(PASSWORD), utc_now())
    with demo.database() as database, database.writing() as connection:
        add.apply(connection)
    with new_user(chromium, demo) as user:
        session = user.context.new_cdp_session(user.page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield Owner(user, username, session, made["authenticatorId"])


def test_a_passkey_is_added_and_then_shown_after_the_password(owner: Owner, demo: Demo) -> None:
    owner.enter_password().wait_for_url(f"{demo.portal_url}{PAGE}")
    page = owner.add("Work laptop")
    expect(page.get_by_role("status")).to_contain_text("Passkey added.")
    expect(page.get_by_role("cell", name="Work laptop", exact=True)).to_be_visible()
    expect(page.get_by_text("Add a second passkey")).to_be_visible()

    owner.user.context.clear_cookies()
    page = owner.enter_password("/sessions")
    expect(page.get_by_role("heading", level=1)).to_have_text("Use your passkey")
    page.get_by_role("button", name="Use a passkey").click()

    page.wait_for_url(f"{demo.portal_url}/sessions")
    owner.user.assert_no_errors()


def test_an_old_sign_in_gets_admin_access_for_the_terminal_with_a_passkey(
    administrator: Owner, demo: Demo, tmp_path: Path
) -> None:
    laptop = Laptop(demo, tmp_path)
    administrator.enter_password().wait_for_url(f"{demo.portal_url}{PAGE}")
    administrator.add("Work laptop").get_by_role("cell", name="Work laptop", exact=True).wait_for()
    with demo.database() as database, database.writing() as connection:
        owner = select(users.c.id).where(users.c.username == administrator.username).scalar_subquery()
        of_owner = update(api_tokens).where(api_tokens.c.user_id == owner)
        connection.execute(of_owner.values(authenticated_at=utc_now() - RECENT))

    with laptop.types("aws", "--admin") as terminal:
        page = administrator.user.visit(laptop.address())
        page.get_by_role("button", name="Use a passkey").click()
        authorize(page)
        code, out = terminal.end()

    assert code == 0, terminal.seen
    assert json.loads(out)["AccessKeyId"].startswith("ASIA")


def test_a_cancelled_prompt_is_explained_and_can_be_repeated(owner: Owner, demo: Demo) -> None:
    owner.enter_password().wait_for_url(f"{demo.portal_url}{PAGE}")
    owner.add("Work laptop").get_by_role("cell", name="Work laptop", exact=True).wait_for()
    owner.user.context.clear_cookies()
    page = owner.enter_password()
    owner.change(setUserVerified={"isUserVerified": False})

    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")

    owner.change(setUserVerified={"isUserVerified": True})
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{demo.portal_url}{PAGE}")


def test_a_forged_answer_is_refused(owner: Owner, demo: Demo) -> None:
    owner.enter_password().wait_for_url(f"{demo.portal_url}{PAGE}")
    owner.add("Work laptop").get_by_role("cell", name="Work laptop", exact=True).wait_for()
    owner.user.context.clear_cookies()
    page = owner.enter_password()
    # The browser itself believes that the user was verified; the answer says that they were not.
    owner.change(setResponseOverrideBits={"isBadUV": True})

    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_role("alert")).to_contain_text("The passkey was not accepted")
    page.get_by_role("link", name="Back to sign-in").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_device_with_a_passkey_gets_no_second_one(owner: Owner, demo: Demo) -> None:
    owner.enter_password().wait_for_url(f"{demo.portal_url}{PAGE}")
    owner.add("Work laptop").get_by_role("cell", name="Work laptop", exact=True).wait_for()

    page = owner.add("Work laptop again")

    expect(page.get_by_role("alert")).to_contain_text("This device has one of your passkeys already")


@pytest.mark.parametrize("has_script", [True, False])
def test_without_passkeys_or_scripts_the_page_says_so(
    chromium: Chromium, demo: Demo, *, has_script: bool
) -> None:
    with new_user(chromium, demo, has_script=has_script) as user:
        user.context.add_init_script("delete window.PublicKeyCredential")
        user.sign_in_by_request("dana@example.com")
        page = user.visit(PAGE)
        if has_script:
            page.get_by_label("Name").first.fill("x")
            page.get_by_role("button", name="Add a passkey").click()
            expect(page.get_by_role("alert")).to_contain_text("This browser has no passkeys here")
        else:
            # Chromium's switch for scripts leaves the content of `noscript` unrendered.
            assert "Passkeys need JavaScript" in page.locator("form[data-passkey] noscript").inner_html()


def address_of(demo: Demo, owner: Owner) -> str:
    """Return the address of a user's administration page."""
    with demo.database() as database, database.reading() as connection:
        user_id = connection.scalar(select(users.c.id).where(users.c.username == owner.username))
    return f"/administrator/users/{user_id}"


def test_a_user_who_lost_the_passkey_adds_another_by_an_administrators_link_which_works_once(
    owner: Owner, chromium: Chromium, demo: Demo
) -> None:
    owner.enter_password().wait_for_url(f"{demo.portal_url}{PAGE}")
    owner.add("Lost phone").get_by_role("cell", name="Lost phone", exact=True).wait_for()
    owner.user.context.clear_cookies()
    owner.change(clearCredentials={})
    with new_user(chromium, demo) as administrator:
        page = administrator.sign_in("admin@example.com", address_of(demo, owner))
        page.get_by_role("button", name="Actions").click()
        page.get_by_role("menuitem", name="Recovery link").click()
        page.get_by_role("button", name="Make the link").click()
        link = page.locator("#made [data-copy]").first.get_attribute("data-copy")
        administrator.assert_no_errors()
    assert link is not None
    page = owner.user.page

    page.goto(link)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Username").fill(owner.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Remove my other passkeys").check()
    owner.add("New phone")

    expect(page.get_by_role("heading", level=1)).not_to_have_text("Add a passkey")
    owner.user.visit(PAGE)
    expect(page.get_by_role("cell", name="New phone", exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="Lost phone", exact=True)).to_have_count(0)
    owner.user.assert_no_errors()
    owner.user.context.clear_cookies()
    page.goto(link)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Username").fill(owner.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")
    assert "Add a passkey" not in page.inner_text("main"), "A used link adds no further passkey."


def test_a_user_who_needs_a_passkey_adds_one_before_anything_else(owner: Owner, demo: Demo) -> None:
    with demo.setting(PASSKEY_REQUIRED, "everyone"):
        page = owner.enter_password("/sessions")
        expect(page.get_by_role("heading", level=1)).to_have_text("Add a passkey")
        owner.user.visit("/profile")
        expect(page.get_by_label("Password")).to_be_visible()
        owner.enter_password("/sessions")
        owner.add("Work laptop")

        page.wait_for_url(f"{demo.portal_url}/sessions")
        owner.user.visit(PAGE)
        expect(page.get_by_role("cell", name="Work laptop", exact=True)).to_be_visible()
