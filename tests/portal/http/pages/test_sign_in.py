"""The sign-in page, without a real browser."""

import re

import pytest

from tests.portal.http.client import Answer, Client
from tests.portal.http.world import ADMIN, PUBLIC_URL, World
from tests.rows import disable_user

FORM = ("Content-Type", "application/x-www-form-urlencoded")
PAGE = ("Accept", "text/html")
OURS = ("Origin", PUBLIC_URL)


def show(client: Client) -> Answer:
    return client.get("/sign-in", headers=[PAGE])


def test_without_an_administrator_it_says_how_to_create_one(quick_world: World, quick_client: Client) -> None:
    assert "create-admin" not in show(quick_client).body.decode()
    with quick_world.database.writing() as connection:
        disable_user(connection, quick_world.users[ADMIN].id, quick_world.clock())

    text = show(quick_client).body.decode()

    assert "daypass portal create-admin you@example.com" in text
    assert 'name="password"' not in text


def send(client: Client, form: str, cookies: str = "") -> Answer:
    headers = [FORM, PAGE, OURS, *([("Cookie", cookies)] if cookies else [])]
    return client.send("POST", "/sign-in", body=form.encode(), headers=headers)


def test_a_sign_in_form_without_a_csrf_token_is_refused(quick_client: Client) -> None:
    refused = send(quick_client, "username=a&password=b&csrf=")

    assert refused.status == 403
    assert refused.header("set-cookie") is None


@pytest.mark.parametrize("username", ["nobody@example.com", ADMIN])
def test_a_failed_sign_in_shows_the_error_on_the_page(quick_client: Client, username: str) -> None:
    shown = show(quick_client)
    visit = (shown.header("set-cookie") or "").partition(";")[0]
    token = re.search('name="csrf" value="([0-9a-f]+)"', shown.body.decode())
    assert token is not None

    answer = send(quick_client, f"username={username}&password=wrong&csrf={token[1]}", visit)

    assert answer.status == 401
    assert "Incorrect username or password." in answer.body.decode()
    assert "wrong" not in answer.body.decode()
