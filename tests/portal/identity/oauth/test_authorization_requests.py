"""What a person is shown, and what their answer does."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.errors import (
    AccessDenied,
    ConsentTooFast,
    ReauthenticationRequired,
    RequestExpired,
    SignInAgain,
)
from daypass.portal.http.layout.redirects import safe_path
from daypass.portal.identity.browser_sessions import FRESH
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.model import REQUEST_LIFE, Loopback, RequestId
from daypass.portal.identity.oauth.sealing import Sealing
from daypass.portal.storage.schema import oauth_requests
from tests.portal.identity.oauth.conftest import DESK, LOOKED, PASSWORD, WISH, World

ADMIN_WISH = replace(WISH, wants_admin=True)


def test_a_request_comes_back_as_it_was_pushed_with_a_code_to_compare(world: World) -> None:
    pushed = world.consents.push(WISH)

    seen = world.opened(pushed.id)

    assert seen.wish == WISH
    assert seen.match_code == pushed.match_code
    assert len({world.consents.push(WISH).match_code for _ in range(5)}) == 5


def test_looking_makes_nothing(world: World) -> None:
    world.shown(world.browser())

    assert world.tokens() == []
    assert world.events() == [("oauth.request", "done")]


def test_a_request_is_answered_once(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)
    world.consents.approve(request.id, browser.token, browser.user, "approve")

    with pytest.raises(RequestExpired):
        world.consents.approve(request.id, browser.token, browser.user, "approve")
    with pytest.raises(RequestExpired):
        world.consents.show(request.id, browser.token, browser.user)
    with pytest.raises(RequestExpired):
        world.consents.deny(request.id, browser.token, browser.user, "deny")


def test_a_denied_request_stays_denied_and_is_on_record(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)

    world.consents.deny(request.id, browser.token, browser.user, "deny")

    with pytest.raises(RequestExpired):
        world.consents.approve(request.id, browser.token, browser.user, "approve")
    assert world.events()[-1] == ("oauth.deny", "denied")


def test_a_request_waits_five_minutes(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)

    world.clock.move(REQUEST_LIFE - LOOKED)

    with pytest.raises(RequestExpired, match="expired"):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_a_request_that_never_was_is_like_one_that_is_over(world: World) -> None:
    with pytest.raises(RequestExpired):
        world.opened(RequestId("no such"))


@pytest.mark.parametrize("moment", [timedelta(0), timedelta(milliseconds=699)])
def test_an_answer_that_comes_faster_than_anybody_reads_is_none(world: World, moment: timedelta) -> None:
    browser = world.browser()
    request = world.consents.show(world.consents.push(WISH).id, browser.token, browser.user)
    world.clock.move(moment)

    with pytest.raises(ConsentTooFast):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_an_answer_comes_from_the_browser_that_saw_the_question(world: World) -> None:
    seen_by, other = world.browser(), world.browser()
    request = world.shown(seen_by)

    with pytest.raises(ConsentTooFast):
        world.consents.approve(request.id, other.token, other.user, "approve")


def test_what_nobody_saw_nobody_approves(world: World) -> None:
    browser, request = world.browser(), world.consents.push(WISH)
    world.clock.move(LOOKED)

    with pytest.raises(RequestExpired):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_a_browser_that_signed_out_approves_nothing(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)
    world.sign_ins.sign_out(browser.token, browser.user, "out")

    with pytest.raises(AccessDenied):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_who_was_disabled_meanwhile_approves_nothing(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)
    world.disable(world.dana)

    with pytest.raises(AccessDenied):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_admin_access_is_not_for_users(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser, ADMIN_WISH)

    with pytest.raises(AccessDenied, match="Administrators"):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_admin_access_asks_for_a_fresh_sign_in(world: World) -> None:
    browser = world.browser(world.admin)
    world.clock.move(FRESH)
    request = world.shown(browser, ADMIN_WISH)
    with pytest.raises(ReauthenticationRequired):
        world.consents.approve(request.id, browser.token, browser.user, "approve")

    again = world.sign_ins.confirm(browser.token, world.admin, PASSWORD, address=DESK, request_id="confirm")
    world.consents.show(request.id, again.token, again.user)
    world.clock.move(LOOKED)

    assert world.consents.approve(request.id, again.token, again.user, "approve").code is not None


def test_an_administrator_approves_tenants_without_being_asked_again(world: World) -> None:
    browser = world.browser(world.admin)
    world.clock.move(FRESH * 2)

    assert world.code(browser).tail


def test_who_was_demoted_meanwhile_approves_no_admin_access(world: World) -> None:
    browser = world.browser(world.admin)
    request = world.shown(browser, ADMIN_WISH)
    world.refuse_role(world.admin)

    with pytest.raises((AccessDenied, SignInAgain)):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_a_flood_of_pushes_keeps_nobody_from_signing_in(world: World) -> None:
    for _ in range(300):
        world.consents.push(WISH)

    # The same office, behind the same address, is let in, and nothing of the flood was stored.
    browser = world.browser()
    request = world.shown(browser)
    world.consents.approve(request.id, browser.token, browser.user, "approve")
    assert world.events() == [("oauth.request", "done"), ("oauth.approve", "done")]
    assert world.count(oauth_requests) == 1


def test_the_record_names_the_user_who_opened_a_request_and_the_one_who_denied_it(world: World) -> None:
    request = world.shown(world.browser())
    other = world.browser(world.admin)
    world.consents.show(request.id, other.token, other.user)
    world.consents.deny(request.id, other.token, other.user, "deny")

    assert world.actors() == {"oauth.request": world.dana, "oauth.deny": world.admin}


def test_a_reference_is_one_request_however_often_it_is_opened(world: World) -> None:
    browser, pushed = world.browser(), world.consents.push(WISH)

    first, second = (world.consents.show(pushed.id, browser.token, browser.user) for _ in range(2))

    assert first.id == second.id != pushed.id
    assert world.count(oauth_requests) == 1
    world.clock.move(LOOKED)
    world.consents.deny(first.id, browser.token, browser.user, "deny")
    with pytest.raises(RequestExpired):
        world.consents.show(pushed.id, browser.token, browser.user)


def test_an_answered_request_stays_so_in_another_spelling_of_its_reference(world: World) -> None:
    browser, pushed = world.browser(), world.consents.push(WISH)
    request = world.consents.show(pushed.id, browser.token, browser.user)
    world.consents.deny(request.id, browser.token, browser.user, "deny")

    # Decoding Base64 skips characters that are not in its alphabet.
    respelled = RequestId(f"{pushed.id[:8]}~~~~{pushed.id[8:]}")

    with pytest.raises(RequestExpired):
        world.consents.show(respelled, browser.token, browser.user)
    assert world.count(oauth_requests) == 1


def test_what_was_pushed_at_one_replica_is_opened_at_another(world: World) -> None:
    another = Sealing(world.database, world.clock)
    consents = AuthorizationRequests(world.database, world.audit, world.clock, another)

    browser = world.browser()
    assert consents.show(world.consents.push(WISH).id, browser.token, browser.user).wish == WISH


def test_a_reference_ends_after_five_minutes_unopened(world: World) -> None:
    pushed = world.consents.push(WISH)
    world.clock.move(REQUEST_LIFE)

    with pytest.raises(RequestExpired):
        world.opened(pushed.id)
    assert world.count(oauth_requests) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text[:40] + ("B" if text[40] == "A" else "A") + text[41:],
        lambda _: "",
        lambda text: text + "A" * 5000,
        lambda _: "\u00fc\x00" * 20,
        lambda _: "\udc80" * 20,
    ],
)
def test_a_reference_that_was_not_sealed_here_is_like_one_that_is_over(
    world: World, change: Callable[[str], str]
) -> None:
    forged = RequestId(change(world.consents.push(WISH).id))

    with pytest.raises(RequestExpired):
        world.opened(forged)


def test_a_reference_tells_nothing_of_the_request(world: World) -> None:
    reference = world.consents.push(WISH).id

    plain = base64.urlsafe_b64decode(reference + "=" * (-len(reference) % 4))
    for part in (WISH.state, WISH.challenge, "/cb/", "danas-laptop"):
        assert part not in reference
        assert part.encode() not in plain


def test_the_longest_request_survives_the_way_through_the_sign_in_page(world: World) -> None:
    wish = replace(
        WISH,
        client_id="c" * 64,
        state="s" * 128,
        tenant="\U0001f98a" * 64,
        device="\U0001f98a" * 64,
        version="\U0001f98a" * 32,
        destination=Loopback(54321, "/cb/" + "p" * 64),
        address="f" * 64,
    )
    reference = world.consents.push(wish).id
    urn = "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A"
    path = f"/oauth/authorize?client_id={wish.client_id}&request_uri={urn}{reference}"

    assert safe_path(path) == path
    assert world.opened(reference).wish == wish


def test_no_secret_is_on_record(world: World) -> None:
    granted = world.granted()
    world.grants.refresh(granted.refresh, DESK, "refresh")

    assert "daypass_" not in world.on_record()
