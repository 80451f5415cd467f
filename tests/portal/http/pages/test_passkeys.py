"""The pages about passkeys, with a software authenticator instead of a real browser."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from daypass.portal.http.layout.cookies import PENDING, SESSION
from daypass.portal.settings.registry import PASSKEY_REQUIRED
from daypass.portal.storage.schema.identity import api_tokens, users
from tests.fixtures.authenticator import PRESENT, Authenticator
from tests.portal.http.client import Client
from tests.portal.http.pages.passkey_browser import PASSWORD, Browser, give_password, hidden, options_of
from tests.portal.http.world import ADMIN, DANA, PUBLIC_URL, World
from tests.portal.http.world import world as make_world
from tests.rows import disable_user

PAGE, STEP, USERS = "/profile/passkeys", "/sign-in/passkey", "/administrator/users"
LATER = timedelta(minutes=6)


@pytest.fixture
def browser(quick_world: World, quick_client: Client) -> Browser:
    """A browser at a portal whose users have passwords."""
    for username in (DANA, ADMIN):
        give_password(quick_world, username)
    return Browser(quick_client)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(PUBLIC_URL)


def text_of(browser: Browser, address: str) -> str:
    return browser.get(address).body.decode()


def test_the_page_lists_passkeys_and_asks_for_a_second_one(
    browser: Browser, authenticator: Authenticator
) -> None:
    browser.enter_password(DANA)
    assert "No passkeys yet" in text_of(browser, PAGE)

    added = browser.add_passkey(authenticator, "Work laptop")

    assert (added.status, added.header("location")) == (303, PAGE)
    shown = text_of(browser, PAGE)
    assert "Work laptop" in shown
    assert "Add a second passkey" in shown
    browser.add_passkey(Authenticator(PUBLIC_URL), "Phone")
    assert "Add a second passkey" not in text_of(browser, PAGE)


@pytest.mark.parametrize("change", ["password", "disabled"])
@pytest.mark.parametrize("shows_page", [True, False])
def test_a_user_who_is_disabled_before_the_passkey_reads_what_every_changed_one_does(
    quick_world: World,
    quick_client: Client,
    browser: Browser,
    authenticator: Authenticator,
    change: str,
    *,
    shows_page: bool,
) -> None:
    browser.enter_password(DANA)
    browser.add_passkey(authenticator)
    other = Browser(quick_client)
    other.enter_password(DANA)
    page = other.get(STEP)
    with quick_world.database.writing() as connection:
        if change == "disabled":
            disable_user(connection, quick_world.users[DANA].id, quick_world.clock())
        else:
            give_hash = users.update().where(users.c.username == DANA).values(password_hash="another")
            connection.execute(give_hash)

    if shows_page:
        answer = other.get(STEP)
        assert (answer.status, answer.header("location")) == (303, "/sign-in?ended=1")
    else:
        shown = authenticator.show(options_of(page))
        answer = other.post(STEP, csrf=hidden(page, "csrf"), answer=shown)
        assert answer.status == 401
        assert "Your account was changed while you signed in. Sign in again." in answer.body.decode()
        assert "disabled" not in answer.body.decode()
    assert SESSION not in other.cookies


def test_a_passkey_is_renamed_and_removed(browser: Browser, authenticator: Authenticator) -> None:
    browser.enter_password(DANA)
    browser.add_passkey(authenticator)
    page = browser.get(PAGE).body.decode()
    identifier = page.partition('data-fill-id="')[2].partition('"')[0]

    renamed = browser.submit(PAGE, f"{PAGE}/rename", id=identifier, name="Old laptop")
    assert renamed.status == 303
    assert "Old laptop" in text_of(browser, PAGE)
    assert browser.submit(PAGE, f"{PAGE}/rename", id=identifier, name="").status == 422

    assert browser.submit(PAGE, f"{PAGE}/remove", id=identifier).status == 303
    assert "No passkeys yet" in text_of(browser, PAGE)


def test_adding_needs_a_recent_sign_in(browser: Browser, quick_world: World) -> None:
    browser.enter_password(DANA)
    quick_world.clock.move(LATER)

    refused = browser.submit(PAGE, f"{PAGE}/options", "application/json")

    assert (refused.status, refused.json["code"]) == (403, "fresh_sign_in_needed")


def test_a_wrong_answer_is_explained_on_the_page(browser: Browser, authenticator: Authenticator) -> None:
    browser.enter_password(DANA)
    authenticator.flags = PRESENT

    refused = browser.add_passkey(authenticator)

    assert refused.status == 401
    assert "could not be registered" in refused.body.decode()


def test_between_password_and_passkey_there_is_no_session(
    browser: Browser, authenticator: Authenticator, quick_client: Client
) -> None:
    browser.enter_password(DANA)
    browser.add_passkey(authenticator)
    second = Browser(quick_client)

    asked = second.enter_password(DANA, "/sessions")

    assert (asked.status, asked.header("location")) == (303, STEP)
    assert SESSION not in second.cookies
    assert second.get("/sessions").header("location") == "/sign-in?next=/sessions"
    # The handle is no session, wherever it is sent.
    assert Browser(quick_client, {SESSION: second.cookies[PENDING]}).get("/sessions").status != 200
    shown = second.get(STEP)
    answer = authenticator.show(options_of(shown))
    done = second.post(STEP, csrf=hidden(shown, "csrf"), answer=answer)
    assert (done.status, done.header("location")) == (303, "/sessions")
    assert second.get("/sessions").status == 200
    sign_ins = text_of(second, "/profile").partition("<h2>My sign-ins</h2>")[2]
    assert [sign_ins.count(f">{method}<") for method in ("Password and passkey", "Password")] == [1, 1]


@pytest.mark.parametrize(
    "address",
    [
        "/oauth/authorize?client_id=daypass-cli&request_uri=urn%3Aa",
        "/app/user/verify-token?localAppName=duplo-jit&localPort=52417&redirect=true",
    ],
)
def test_the_sign_ins_of_command_lines_go_through_the_passkey(
    browser: Browser, authenticator: Authenticator, quick_client: Client, address: str
) -> None:
    browser.enter_password(DANA)
    browser.add_passkey(authenticator)
    second = Browser(quick_client)
    second.enter_password(DANA, address)
    shown = second.get(STEP)

    done = second.post(STEP, csrf=hidden(shown, "csrf"), answer=authenticator.show(options_of(shown)))

    assert (done.status, done.header("location")) == (303, address)


def test_a_wrong_passkey_needs_the_password_again(
    browser: Browser, authenticator: Authenticator, quick_client: Client
) -> None:
    browser.enter_password(DANA)
    browser.add_passkey(authenticator)
    second = Browser(quick_client)
    second.enter_password(DANA)
    shown = second.get(STEP)
    authenticator.origin = "https://evil.example"

    refused = second.post(STEP, csrf=hidden(shown, "csrf"), answer=authenticator.show(options_of(shown)))

    assert refused.status == 401
    assert "The passkey was not accepted" in refused.body.decode()
    assert SESSION not in second.cookies
    assert second.get(STEP).header("location") == "/sign-in?ended=1"


def test_a_form_of_another_visit_does_not_finish_a_sign_in(
    browser: Browser, authenticator: Authenticator, quick_client: Client
) -> None:
    browser.enter_password(DANA)
    browser.add_passkey(authenticator)
    second = Browser(quick_client)
    second.enter_password(DANA)
    answer = authenticator.show(options_of(second.get(STEP)))

    assert second.post(STEP, csrf="00", answer=answer).status == 403
    assert SESSION not in second.cookies


def test_a_user_who_needs_a_passkey_gets_nothing_before_registering_one(
    browser: Browser, authenticator: Authenticator, quick_world: World
) -> None:
    quick_world.set(PASSKEY_REQUIRED, "administrators")
    asked = browser.enter_password(ADMIN, USERS)
    assert asked.header("location") == STEP
    assert browser.get(USERS).status == 303
    shown = browser.get(STEP)
    assert "Add a passkey" in shown.body.decode()

    answer = authenticator.register(options_of(shown))
    done = browser.post(STEP, csrf=hidden(shown, "csrf"), answer=answer, name="Key")

    assert (done.status, done.header("location")) == (303, USERS)
    assert browser.get(USERS).status == 200
    assert "so your only one cannot be removed" in text_of(browser, PAGE)


def confirm(browser: Browser, authenticator: Authenticator, page: str, **fields: str) -> tuple[int, str]:
    """Confirm with a passkey; return the status and the page that follows."""
    shown = browser.get(page)
    begun = browser.post("/confirm/passkey/options", "application/json", csrf=hidden(shown, "csrf"))
    answer = browser.post(
        "/confirm/passkey",
        csrf=hidden(shown, "csrf"),
        handle=begun.json["handle"],
        answer=authenticator.show(begun.json["options"]),
        **fields,
    )
    return answer.status, answer.header("location") or answer.body.decode()


def test_a_passkey_confirms_a_change_and_so_does_the_password(
    browser: Browser, authenticator: Authenticator, quick_world: World
) -> None:
    browser.enter_password(ADMIN)
    browser.add_passkey(authenticator)
    quick_world.clock.move(LATER)
    assert browser.submit(PAGE, f"{PAGE}/options", "application/json").status == 403

    assert confirm(browser, authenticator, "/confirm?next=/sessions", next="/sessions") == (303, "/sessions")
    assert browser.submit(PAGE, f"{PAGE}/options", "application/json").status == 200

    quick_world.clock.move(LATER)
    by_password = browser.submit("/confirm", "/confirm", password=PASSWORD, next="/profile")
    assert by_password.status == 303
    assert browser.submit(PAGE, f"{PAGE}/options", "application/json").status == 200


def test_a_form_waits_for_the_passkey(
    browser: Browser, authenticator: Authenticator, quick_world: World
) -> None:
    browser.enter_password(ADMIN)
    browser.add_passkey(authenticator)
    quick_world.clock.move(LATER)
    asked = browser.submit(PAGE, "/tokens", name="ci")
    assert asked.status == 403
    carried = {name: hidden(asked, name) for name in ("next", "waiting", "seal")}

    status, page = confirm(browser, authenticator, "/confirm", **carried)

    assert status == 200
    assert "Nothing was done yet" in page
    assert 'name="name" value="ci"' in page


def test_a_passkey_confirms_nothing_in_a_session_of_a_removed_provider(
    browser: Browser, authenticator: Authenticator, quick_world: World
) -> None:
    browser.enter_password(DANA)
    browser.add_passkey(authenticator)
    csrf = hidden(browser.get("/confirm"), "csrf")
    begun = browser.post("/confirm/passkey/options", "application/json", csrf=csrf).json
    with quick_world.database.writing() as connection:
        connection.execute(update(api_tokens).values(provider="removed"))

    answer = browser.post(
        "/confirm/passkey",
        csrf=csrf,
        handle=begun["handle"],
        answer=authenticator.show(begun["options"]),
        next="/profile",
    )

    assert (answer.header("location") or "").startswith("/sign-in?")


def test_where_a_passkey_is_required_the_password_confirms_nothing(
    browser: Browser, authenticator: Authenticator, quick_world: World
) -> None:
    browser.enter_password(ADMIN)
    quick_world.set(PASSKEY_REQUIRED, "everyone")
    without = text_of(browser, "/confirm")
    assert "Add a passkey first" in without
    assert 'type="password"' not in without
    refused = browser.post("/confirm", csrf=hidden(browser.get("/confirm"), "csrf"), password=PASSWORD)
    assert refused.status == 401

    browser.add_passkey(authenticator)
    asked = text_of(browser, "/confirm")
    assert 'type="password"' not in asked
    assert 'data-passkey="get"' in asked
    assert confirm(browser, authenticator, "/confirm", next="/profile") == (303, "/profile")


def test_at_an_address_without_a_host_name_the_page_says_why(sqlite_url: str) -> None:
    with make_world(sqlite_url, stated_public_url="https://192.0.2.1") as world:
        give_password(world, DANA)
        world.set(PASSKEY_REQUIRED, "everyone")
        browser = Browser(world.client())
        shown = browser.get("/sign-in")
        headers = [
            ("Accept", "text/html"),
            ("Origin", "https://192.0.2.1"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", "; ".join(f"{name}={value}" for name, value in browser.cookies.items())),
        ]
        body = f"csrf={hidden(shown, 'csrf')}&username={DANA}&password={PASSWORD.replace(' ', '+')}"

        answer = browser.client.send("POST", "/sign-in", body=body.encode(), headers=headers)

    assert answer.status == 422
    assert "Passkeys need a host name" in answer.body.decode()
