"""A browser without a screen, which signs in with a password and a software authenticator."""

import json
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import update

from daypass.portal.storage.schema.identity import users
from tests.fixtures.authenticator import Authenticator
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import PUBLIC_URL, World
from tests.portal.identity.conftest import RIGHT, RIGHT_HASH

PASSWORD = RIGHT.reveal()


def give_password(world: World, username: str) -> None:
    """Let a user of the world sign in with `PASSWORD`."""
    with world.database.writing() as connection:
        row = update(users).where(users.c.id == world.users[username].id).values(password_hash=RIGHT_HASH)
        connection.execute(row)


@dataclass(slots=True)
class Browser:
    """A browser that keeps cookies and follows no redirect."""

    client: Client
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, address: str) -> Answer:
        """Load a page."""
        return self._send("GET", address, b"", "text/html")

    def submit(self, page: str, address: str, accept: str = "text/html", **fields: str) -> Answer:
        """Submit a form of *page* to *address*, with the CSRF token of that page."""
        return self.post(address, accept, csrf=hidden(self.get(page), "csrf"), **fields)

    def post(self, address: str, accept: str = "text/html", **fields: str) -> Answer:
        """Submit a form."""
        return self._send("POST", address, urlencode(fields).encode(), accept)

    def enter_password(self, username: str, next_page: str = "/profile") -> Answer:
        """Submit the sign-in form."""
        return self.submit("/sign-in", "/sign-in", username=username, password=PASSWORD, next=next_page)

    def add_passkey(self, authenticator: Authenticator, name: str = "Laptop") -> Answer:
        """Add a passkey on the page *Passkeys*."""
        page = "/profile/passkeys"
        begun = self.submit(page, f"{page}/options", "application/json")
        assert begun.status == 200, begun.body
        answer = authenticator.register(begun.json["options"])
        return self.submit(page, page, handle=begun.json["handle"], answer=answer, name=name)

    def _send(self, method: str, address: str, body: bytes, accept: str) -> Answer:
        path, _, query = address.partition("?")
        kept = [(name, value) for name, value in self.cookies.items() if value not in {"", '""'}]
        cookies = "; ".join(f"{name}={value}" for name, value in kept)
        headers = [
            ("Accept", accept),
            ("Origin", PUBLIC_URL),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", cookies),
        ]
        answer = self.client.send(method, path, body=body, headers=headers, query=query)
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, content = value.partition(";")[0].partition("=")
                self.cookies[key] = content
        return answer


def hidden(page: Answer, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.body.decode())
    assert found, page.body.decode()
    return unescape(found[1])


def options_of(page: Answer) -> Any:  # noqa: ANN401  any JSON value
    """Return the options for `navigator.credentials` in a page."""
    found = re.search(r'data-passkey-options="([^"]*)"', page.body.decode())
    assert found, page.body.decode()
    return json.loads(unescape(found[1]))
