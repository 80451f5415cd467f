"""Injection attacks by names fail on every page and in every pane."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Dialog
from sqlalchemy import update

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.clock import utc_now
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.legacy.local_access import PAGE as LOCAL_ACCESS
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.secret import Secret
from daypass.portal.storage.schema.identity import users
from tests.fixtures.browser import Chromium, User, new_user
from tests.fixtures.demo import Demo
from tests.page_addresses import addresses
from tests.rows import disable_user

POLYGLOTS = (
    "\"'><img src=x onerror=alert(1)><svg/onload=alert(2)>",
    "</script><script>alert(3)</script>${alert(4)}{{7*7}}",
    "javascript:alert(5)//--></title></textarea><details open ontoggle=alert(6)>",
)
PASSWORD = "correct horse battery"


@contextmanager
def known_as(demo: Demo, names: Sequence[str]) -> Iterator[str]:
    """Create an Administrator whose username and tokens have all these names."""
    unique = uuid.uuid4().hex[:6]
    username = " ".join((unique, *names)).casefold()
    with demo.database() as database:
        committer = Committer(database, utc_now)
        try:
            identity = Identity(database, committer, utc_now)
            user = identity.create_user(unique, Role.ADMINISTRATOR, Secret(PASSWORD), OPERATOR)
            # Slashes are refused today, but users of an older version may have them.
            with database.writing() as connection:
                connection.execute(update(users).where(users.c.id == user.id).values(username=username))
            for name in names:
                identity.create_token(user, TokenKind.PERMANENT, name[:100], OPERATOR)
            yield username
            with database.writing() as connection:
                disable_user(connection, user.id, utc_now())
        finally:
            committer.close()


def sign_in_as(user: User, username: str) -> None:
    page = user.visit("/sign-in")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/profile")


def test_names_are_escaped_on_every_page(chromium: Chromium, troubled: Demo) -> None:
    with known_as(troubled, POLYGLOTS) as username, new_user(chromium, troubled) as user:
        dialogs: list[str] = []

        def note(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        user.page.on("dialog", lambda dialog: note(dialog))
        sign_in_as(user, username)
        strange = [
            f"{address}{name}{rest}"
            for name in POLYGLOTS
            for address, rest in (
                (f"{LOCAL_ACCESS}?localAppName=", "&localPort=52417&redirect=true"),
                ("/sessions?search=", ""),
                ("/sign-in?next=", ""),
            )
        ]
        for address in (*addresses(Permission.USER, Permission.ADMINISTRATOR), *strange):
            user.visit(address)
            assert user.page.locator("img, [onerror], [onload], [ontoggle]").count() == 0, address
            user.assert_no_errors()
        assert username in user.visit("/profile").locator(".who .name").inner_text()
        assert dialogs == []
