"""Tests of authorization requests: push, display, approval and denial."""

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
from daypass.portal.identity.oauth.authorization_requests import AuthorizationRequests
from daypass.portal.identity.oauth.model import REQUEST_LIFE, Loopback, RequestId
from daypass.portal.identity.oauth.sealing import Sealing
from daypass.portal.identity.reauthentication import RECENT
from daypass.portal.identity.scopes import TENANTS_AND_ADMIN
from daypass.portal.storage.schema.identity import oauth_requests
from tests.portal import password_sign_in
from tests.portal.identity.oauth.conftest import DESK, LOOKED, PARAMETERS, PASSWORD, World

ADMIN_WISH = replace(PARAMETERS, scopes=TENANTS_AND_ADMIN)


def test_an_opened_request_has_the_pushed_parameters_and_match_code(world: World) -> None:
    pushed = world.consents.push(PARAMETERS)

    seen = world.opened(pushed.id)

    assert seen.parameters == PARAMETERS
    assert seen.match_code == pushed.match_code
    assert len({world.consents.push(PARAMETERS).match_code for _ in range(5)}) == 5


def test_opening_a_request_issues_no_tokens(world: World) -> None:
    world.shown(world.browser())

    assert world.tokens() == []
    assert world.events() == [("oauth.request", "done")]


def test_a_request_can_be_answered_once(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)
    world.consents.approve(request.id, browser.token, browser.user, "approve")

    with pytest.raises(RequestExpired):
        world.consents.approve(request.id, browser.token, browser.user, "approve")
    with pytest.raises(RequestExpired):
        world.consents.show(request.id, browser.token, browser.user)
    with pytest.raises(RequestExpired):
        world.consents.deny(request.id, browser.token, browser.user, "deny")


def test_a_denied_request_stays_denied_and_is_audited(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)

    world.consents.deny(request.id, browser.token, browser.user, "deny")

    with pytest.raises(RequestExpired):
        world.consents.approve(request.id, browser.token, browser.user, "approve")
    assert world.events()[-1] == ("oauth.deny", "denied")


def test_an_opened_request_expires_after_five_minutes(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)

    world.clock.move(REQUEST_LIFE - LOOKED)

    with pytest.raises(RequestExpired, match="expired"):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_an_unknown_request_gets_the_error_of_an_expired_one(world: World) -> None:
    with pytest.raises(RequestExpired):
        world.opened(RequestId("no such"))


@pytest.mark.parametrize("moment", [timedelta(0), timedelta(milliseconds=699)])
def test_an_approval_within_700_milliseconds_is_refused(world: World, moment: timedelta) -> None:
    browser = world.browser()
    request = world.consents.show(world.consents.push(PARAMETERS).id, browser.token, browser.user)
    world.clock.move(moment)

    with pytest.raises(ConsentTooFast):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_only_the_session_that_was_shown_the_request_can_approve_it(world: World) -> None:
    seen_by, other = world.browser(), world.browser()
    request = world.shown(seen_by)

    with pytest.raises(ConsentTooFast):
        world.consents.approve(request.id, other.token, other.user, "approve")


def test_a_request_that_was_never_shown_cannot_be_approved(world: World) -> None:
    browser, request = world.browser(), world.consents.push(PARAMETERS)
    world.clock.move(LOOKED)

    with pytest.raises(RequestExpired):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_a_signed_out_browser_cannot_approve(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)
    world.browser_sessions.sign_out(browser.token, browser.user, "out")

    with pytest.raises(AccessDenied):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_a_user_who_was_disabled_meanwhile_cannot_approve(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser)
    world.disable(world.dana)

    with pytest.raises(AccessDenied):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_a_user_cannot_approve_admin_access(world: World) -> None:
    browser = world.browser()
    request = world.shown(browser, ADMIN_WISH)

    with pytest.raises(AccessDenied, match="Administrator role"):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_approving_admin_access_needs_a_recent_sign_in(world: World) -> None:
    browser = world.browser(world.admin)
    world.clock.move(RECENT)
    request = world.shown(browser, ADMIN_WISH)
    with pytest.raises(ReauthenticationRequired):
        world.consents.approve(request.id, browser.token, browser.user, "approve")

    again = password_sign_in.confirm(
        world.browser_sessions, browser.token, world.admin, PASSWORD, address=DESK
    )
    world.consents.show(request.id, again.token, again.user)
    world.clock.move(LOOKED)

    assert world.consents.approve(request.id, again.token, again.user, "approve").code is not None


def test_approving_tenant_access_needs_no_recent_sign_in(world: World) -> None:
    browser = world.browser(world.admin)
    world.clock.move(RECENT * 2)

    assert world.code(browser).tail


def test_an_administrator_who_was_demoted_meanwhile_cannot_approve_admin_access(world: World) -> None:
    browser = world.browser(world.admin)
    request = world.shown(browser, ADMIN_WISH)
    world.refuse_role(world.admin)

    with pytest.raises((AccessDenied, SignInAgain)):
        world.consents.approve(request.id, browser.token, browser.user, "approve")


def test_a_flood_of_pushes_stores_nothing_and_blocks_no_user(world: World) -> None:
    for _ in range(300):
        world.consents.push(PARAMETERS)

    # A user behind the same address as the flood can still approve.
    browser = world.browser()
    request = world.shown(browser)
    world.consents.approve(request.id, browser.token, browser.user, "approve")
    assert world.events() == [("oauth.request", "done"), ("oauth.approve", "done")]
    assert world.count(oauth_requests) == 1


def test_the_audit_log_names_the_user_who_opened_a_request_and_the_one_who_denied_it(world: World) -> None:
    request = world.shown(world.browser())
    other = world.browser(world.admin)
    world.consents.show(request.id, other.token, other.user)
    world.consents.deny(request.id, other.token, other.user, "deny")

    assert world.actors() == {"oauth.request": world.dana, "oauth.deny": world.admin}


def test_opening_a_reference_twice_is_idempotent(world: World) -> None:
    browser, pushed = world.browser(), world.consents.push(PARAMETERS)

    first, second = (world.consents.show(pushed.id, browser.token, browser.user) for _ in range(2))

    assert first.id == second.id != pushed.id
    assert world.count(oauth_requests) == 1
    world.clock.move(LOOKED)
    world.consents.deny(first.id, browser.token, browser.user, "deny")
    with pytest.raises(RequestExpired):
        world.consents.show(pushed.id, browser.token, browser.user)


def test_an_answered_request_cannot_be_reopened_by_another_encoding_of_its_reference(world: World) -> None:
    browser, pushed = world.browser(), world.consents.push(PARAMETERS)
    request = world.consents.show(pushed.id, browser.token, browser.user)
    world.consents.deny(request.id, browser.token, browser.user, "deny")

    # Decoding Base64 skips characters that are not in its alphabet.
    respelled = RequestId(f"{pushed.id[:8]}~~~~{pushed.id[8:]}")

    with pytest.raises(RequestExpired):
        world.consents.show(respelled, browser.token, browser.user)
    assert world.count(oauth_requests) == 1


def test_a_request_pushed_at_one_replica_can_be_opened_at_another(world: World) -> None:
    another = Sealing(world.database, world.clock)
    consents = AuthorizationRequests(world.database, world.committer, world.clock, another)

    browser = world.browser()
    assert (
        consents.show(world.consents.push(PARAMETERS).id, browser.token, browser.user).parameters
        == PARAMETERS
    )


def test_an_unopened_reference_expires_after_five_minutes(world: World) -> None:
    pushed = world.consents.push(PARAMETERS)
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
def test_a_forged_reference_gets_the_error_of_an_expired_one(
    world: World, change: Callable[[str], str]
) -> None:
    forged = RequestId(change(world.consents.push(PARAMETERS).id))

    with pytest.raises(RequestExpired):
        world.opened(forged)


def test_a_reference_does_not_reveal_the_request(world: World) -> None:
    reference = world.consents.push(PARAMETERS).id

    plain = base64.urlsafe_b64decode(reference + "=" * (-len(reference) % 4))
    for part in (PARAMETERS.state, PARAMETERS.challenge, "/cb/", "danas-laptop"):
        assert part not in reference
        assert part.encode() not in plain


def test_the_longest_reference_survives_the_redirect_through_sign_in(world: World) -> None:
    parameters = replace(
        PARAMETERS,
        client_id="c" * 64,
        state="s" * 128,
        tenant="\U0001f98a" * 64,
        device="\U0001f98a" * 64,
        version="\U0001f98a" * 32,
        destination=Loopback(54321, "/cb/" + "p" * 64),
        address="f" * 64,
    )
    reference = world.consents.push(parameters).id
    urn = "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A"
    path = f"/oauth/authorize?client_id={parameters.client_id}&request_uri={urn}{reference}"

    assert safe_path(path) == path
    assert world.opened(reference).parameters == parameters


def test_no_token_is_in_the_audit_log(world: World) -> None:
    granted = world.granted()
    world.grants.refresh(granted.refresh, DESK, "refresh")

    assert "daypass_" not in world.on_record()
