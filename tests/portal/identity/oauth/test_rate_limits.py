"""Rate limits that keep repeated user actions from growing the audit log without bound."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import update

from daypass.portal.config.model import LegacyLoopback
from daypass.portal.errors import RateLimited
from daypass.portal.identity.browser_sessions import SignedIn
from daypass.portal.identity.legacy_consent import LegacyConsents
from daypass.portal.identity.personal_tokens import PersonalTokens
from daypass.portal.identity.rate_limit.actions import LIMIT, subject_of
from daypass.portal.identity.rate_limit.limits import WINDOW
from daypass.portal.identity.scopes import TENANTS_ONLY
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.identity import guesses, oauth_requests
from tests.portal import password_sign_in
from tests.portal.identity.oauth.conftest import DESK, PARAMETERS, PASSWORD, REDEEMER, World

Repeated = Callable[[World, SignedIn], object]


def deny(world: World, browser: SignedIn) -> None:
    request = world.consents.show(world.consents.push(PARAMETERS).id, browser.token, browser.user)
    world.consents.deny(request.id, browser.token, browser.user, "deny")


def authorize(world: World, browser: SignedIn) -> None:
    world.grants.redeem(world.code(browser), REDEEMER)


def reveal(world: World, browser: SignedIn) -> None:
    PersonalTokens(world.identity).reveal_temporary(browser.token, browser.user, address=DESK, request_id="r")


def approve_legacy(world: World, browser: SignedIn) -> None:
    LegacyConsents(world.identity, LegacyLoopback.ON).approve(
        browser.token,
        browser.user,
        "duploctl",
        consent=uuid4().hex,
        scopes=TENANTS_ONLY,
        address=DESK,
        request_id="r",
    )


def sign_in(world: World, browser: SignedIn) -> None:
    device = browser.device.reveal()
    password_sign_in.sign_in(
        world.browser_sessions, browser.user.username, PASSWORD, address=DESK, device=device
    )


def confirm(world: World, browser: SignedIn) -> None:
    password_sign_in.confirm(world.browser_sessions, browser.token, browser.user, PASSWORD, address=DESK)


def limited(world: World, browser: SignedIn, repeated: Repeated) -> bool:
    try:
        repeated(world, browser)
    except RateLimited:
        return True
    return False


def almost_reach(world: World, action: str, *, remaining: int) -> None:
    """Set Dana's counter so that *remaining* requests are left."""
    row = update(guesses).where(guesses.c.subject == subject_of(action, world.dana))
    with world.database.writing() as connection:
        counted = connection.execute(row.values(spent=LIMIT - remaining))
    assert counted.rowcount == 1, f"{action} is not limited"


def test_opening_and_denying_requests_in_a_loop_is_rate_limited(
    world: World,
) -> None:
    browser = world.browser()
    deny(world, browser)
    almost_reach(world, "oauth.request", remaining=20)
    refusals = [limited(world, browser, deny) for _ in range(50)]

    assert refusals == [False] * 20 + [True] * 30
    refused = ("oauth.request", "denied")
    assert world.events() == [("oauth.request", "done"), ("oauth.deny", "denied")] * 21 + [refused]
    assert world.count(oauth_requests) == 21
    assert not limited(world, world.browser(world.admin), deny)


@pytest.mark.parametrize(
    ("action", "repeated"),
    [
        ("oauth.request", deny),
        ("oauth.request", authorize),
        ("token.create", reveal),
        ("token.create", approve_legacy),
        ("sign_in", sign_in),
        ("sign_in.confirm", confirm),
    ],
)
def test_each_audited_action_is_rate_limited_per_user(world: World, action: str, repeated: Repeated) -> None:
    browser, other = world.browser(), world.browser(world.admin)
    assert not limited(world, browser, repeated)
    browser = world.browser()
    almost_reach(world, action, remaining=1)

    assert [limited(world, browser, repeated) for _ in range(2)] == [False, True]
    written = world.count(audit_events)
    assert all(limited(world, browser, repeated) for _ in range(10))
    assert world.count(audit_events) == written
    assert world.events(action)[-1] == (action, "denied")
    assert not limited(world, other, repeated)

    world.clock.move(WINDOW)
    assert not limited(world, world.browser(), repeated)


def test_a_rate_limited_refresh_does_not_use_up_the_refresh_token(world: World) -> None:
    granted = world.granted()
    granted = world.grants.refresh(granted.refresh, DESK, "r")
    almost_reach(world, "oauth.refresh", remaining=0)

    with pytest.raises(RateLimited, match="300 times within 15 minutes"):
        world.grants.refresh(granted.refresh, DESK, "r")
    world.clock.move(WINDOW)

    assert world.works(world.grants.refresh(granted.refresh, DESK, "r").access)
    assert world.events("oauth.ref") == [
        ("oauth.refresh", "done"),
        ("oauth.refresh", "denied"),
        ("oauth.refresh", "done"),
    ]
