"""What a person is shown, and what their answer does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.errors import (
    AccessDenied,
    FreshSignInNeeded,
    Overloaded,
    RequestOver,
    SignInAgain,
    TooSoon,
)
from daypass.portal.identity.oauth.model import REQUEST_LIFE, RequestId
from daypass.portal.identity.sign_in import FRESH
from tests.portal.identity.oauth.conftest import DESK, LOOKED, PASSWORD, WISH, World

ADMIN_WISH = replace(WISH, wants_admin=True)


def test_a_request_comes_back_as_it_was_pushed_with_a_code_to_compare(world: World) -> None:
    pushed = world.consents.push(WISH, "push")

    seen = world.consents.show(pushed.id, world.browser().token)

    assert seen.wish == WISH
    assert seen.match_code == pushed.match_code
    assert len({world.consents.push(WISH, "push").match_code for _ in range(5)}) == 5


def test_looking_makes_nothing(world: World) -> None:
    world.shown(world.browser())

    assert world.tokens() == []
    assert world.events() == [("oauth.request", "done")]


def test_a_request_is_answered_once(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)
    world.consents.approve(request.id, browser.token, browser.user, "approve")

    with pytest.raises(RequestOver):
        world.consents.approve(request.id, browser.token, browser.user, "approve")
    with pytest.raises(RequestOver):
        world.consents.show(request.id, browser.token)
    with pytest.raises(RequestOver):
        world.consents.deny(request.id, browser.token, browser.user, "deny")


def test_a_denied_request_stays_denied_and_is_on_record(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)

    world.consents.deny(request.id, browser.token, browser.user, "deny")

    with pytest.raises(RequestOver):
        world.consents.approve(request.id, browser.token, browser.user, "approve")
    assert world.events()[-1] == ("oauth.deny", "denied")


def test_a_request_waits_five_minutes(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)

    world.clock.move(REQUEST_LIFE - LOOKED)

    with pytest.raises(RequestOver, match="expired"):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_a_request_that_never_was_is_like_one_that_is_over(world: World) -> None:
    with pytest.raises(RequestOver):
        world.consents.show(RequestId("no such"), world.browser().token)


@pytest.mark.parametrize("moment", [timedelta(0), timedelta(milliseconds=699)])
def test_an_answer_that_comes_faster_than_anybody_reads_is_none(world: World, moment: timedelta) -> None:
    browser = world.browser()
    request = world.consents.push(WISH, "push")
    world.consents.show(request.id, browser.token)
    world.clock.move(moment)

    with pytest.raises(TooSoon):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_an_answer_comes_from_the_browser_that_saw_the_question(world: World) -> None:
    seen_by, other = world.browser(), world.browser()
    request = world.shown(seen_by)

    with pytest.raises(TooSoon):
        world.consents.approve(request.id, other.token, other.user, "approve")


def test_what_nobody_saw_nobody_approves(world: World) -> None:
    browser, request = world.browser(), world.consents.push(WISH, "push")
    world.clock.move(LOOKED)

    with pytest.raises(TooSoon):
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
    with pytest.raises(FreshSignInNeeded):
        world.consents.approve(request.id, browser.token, browser.user, "approve")

    again = world.sign_ins.confirm(browser.token, world.admin, PASSWORD, address=DESK, request_id="confirm")
    world.consents.show(request.id, again.token)
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


def test_a_flood_from_one_address_is_turned_away_and_others_are_not(world: World) -> None:
    for _ in range(100):
        world.consents.push(WISH, "push")

    with pytest.raises(Overloaded):
        world.consents.push(WISH, "push")
    assert world.consents.push(replace(WISH, address=DESK), "push").match_code


def test_no_secret_is_on_record(world: World) -> None:
    granted = world.granted()
    world.grants.refresh(granted.refresh, DESK, "refresh")

    assert "daypass_" not in world.on_record()
