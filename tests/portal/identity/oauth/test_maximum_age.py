"""Requests that ask for a recent authentication (RFC 9470), and the time of it that their tokens carry."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from daypass.portal.errors import OAuthRefused, ReauthenticationRequired
from daypass.portal.identity.browser_sessions import SignedIn
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.sealing import Sealing
from daypass.portal.storage.schema.identity import api_tokens
from tests.fakes import NOON
from tests.portal import password_sign_in
from tests.portal.identity.oauth.conftest import DESK, PARAMETERS, PASSWORD, REDEEMER, World

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
WITHIN_AN_HOUR = replace(PARAMETERS, max_age=HOUR)


def confirmed(world: World, browser: SignedIn) -> SignedIn:
    return password_sign_in.confirm(
        world.browser_sessions, browser.token, browser.user, PASSWORD, address=DESK
    )


def test_a_browser_whose_authentication_uses_up_half_of_the_age_is_asked_again(world: World) -> None:
    browser = world.browser()
    world.clock.move(HOUR / 2)
    pushed = world.consents.push(WITHIN_AN_HOUR)
    # Another replica opens the request, and reads the row that this one stored.
    other = AuthorizationRequests(
        world.database, world.committer, world.clock, Sealing(world.database, world.clock)
    )
    request = other.show(pushed.id, browser.token, browser.user)
    other.check_user(request, browser.token, browser.user)
    world.clock.move(SECOND)

    for consents in (world.consents, other):
        with pytest.raises(ReauthenticationRequired, match="more recent sign-in"):
            consents.approve(request.id, browser.token, browser.user, "approve")

    fresh = confirmed(world, browser)
    request = other.show(request.id, fresh.token, fresh.user)
    assert request.parameters == WITHIN_AN_HOUR
    world.clock.move(SECOND)
    approved = other.approve(request.id, fresh.token, fresh.user, "approve")
    assert approved.request.id == request.id


def test_the_tokens_carry_the_time_of_the_authentication_and_a_refresh_keeps_it(world: World) -> None:
    browser = world.browser()
    world.clock.move(HOUR)
    old = world.grants.redeem(world.code(browser), REDEEMER)
    world.clock.move(SECOND)
    refreshed = world.grants.refresh(old.refresh, "", "refresh")
    fresh = confirmed(world, browser)
    confirmed_at = world.clock()
    new = world.grants.redeem(world.code(fresh, WITHIN_AN_HOUR), REDEEMER)

    times = [
        world.identity.authenticate(granted.access.reveal())[0].authenticated_at
        for granted in (old, refreshed, new)
    ]
    assert times == [NOON, NOON, confirmed_at]


def test_a_provider_that_authenticated_the_user_before_the_session_sets_the_time(world: World) -> None:
    browser = world.browser()
    earlier = NOON - HOUR
    with world.database.writing() as connection:
        of_session = api_tokens.c.id == browser.token.id
        connection.execute(update(api_tokens).where(of_session).values(authenticated_at=earlier))
    token, user = world.browser_sessions.find(browser.cookie.reveal())

    granted = world.grants.redeem(world.code(replace(browser, token=token, user=user)), REDEEMER)

    assert granted.access_token.authenticated_at == earlier
    with pytest.raises(ReauthenticationRequired):
        world.code(replace(browser, token=token), WITHIN_AN_HOUR)


@pytest.mark.parametrize("seconds", [0, 299, 43201])
def test_an_age_out_of_bounds_is_refused(world: World, seconds: int) -> None:
    with pytest.raises(OAuthRefused, match="max_age has 300 to 43200 seconds"):
        world.consents.push(replace(PARAMETERS, max_age=timedelta(seconds=seconds)))
