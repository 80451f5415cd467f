"""Tests of token families: issue, rotation, reuse detection and revocation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import OAuthRefused, PortalError
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.oauth.model import ACCESS_LIFE, CODE_LIFE, GRANT_LIFE, ManualRedirect, TokenGrant
from daypass.portal.identity.oauth.token_families import TokenFamilies, TokenRequest
from daypass.portal.identity.scopes import ADMIN_SCOPE, TENANTS_AND_ADMIN
from daypass.portal.identity.tokens import mint, mint_code
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from tests.portal.identity.oauth.conftest import DESK, PARAMETERS, PASTE_BACK, REDEEMER, World

RACERS = 100
SECOND = timedelta(seconds=1)


def test_a_code_gives_an_access_token_for_an_hour_and_a_refresh_token_for_twelve(world: World) -> None:
    granted = world.granted()

    token, owner = world.identity.authenticate(granted.access.reveal())
    assert (token.kind, token.name, owner) == (TokenKind.CLI, "danas-laptop", world.dana)
    assert token.expires_at - world.clock() == ACCESS_LIFE
    assert token.grant_ends_at == world.clock() + GRANT_LIFE == granted.grant.expires_at
    assert token.parent_id == granted.grant.id
    assert not token.allows_admin


def test_admin_scope_needs_consent(world: World) -> None:
    assert world.granted(world.admin, admin=True).access_token.allows_admin
    assert not world.granted(world.admin).access_token.covers(ADMIN_SCOPE)


@pytest.mark.parametrize(
    "presented",
    [
        replace(REDEEMER, verifier=Secret("w" * 43)),
        replace(REDEEMER, verifier=Secret("")),
        replace(REDEEMER, redirect_uri="http://127.0.0.1:54322/cb/0123456789abcdef"),
        replace(REDEEMER, redirect_uri=PASTE_BACK),
        replace(REDEEMER, client_id="another"),
    ],
    ids=["verifier", "no verifier", "port", "page", "client"],
)
def test_a_wrong_token_request_uses_up_the_code(world: World, presented: TokenRequest) -> None:
    code = world.code(world.browser())

    with pytest.raises(OAuthRefused):
        world.grants.redeem(code, presented)
    with pytest.raises(OAuthRefused, match="before"):
        world.grants.redeem(code, REDEEMER)

    assert world.tokens() == []
    assert ("oauth.redeem", "failed") in world.events()


def test_a_code_expires_after_a_minute(world: World) -> None:
    code = world.code(world.browser())
    world.clock.move(CODE_LIFE)

    with pytest.raises(OAuthRefused, match="expired"):
        world.grants.redeem(code, REDEEMER)


def test_an_unknown_code_is_refused(world: World) -> None:
    with pytest.raises(OAuthRefused, match="unknown"):
        world.grants.redeem(mint_code(), REDEEMER)


def test_a_pasted_code_needs_the_redirect_uri_of_the_portal_page(world: World) -> None:
    code = world.code(world.browser(), replace(PARAMETERS, destination=ManualRedirect()))

    granted = world.grants.redeem(code, replace(REDEEMER, redirect_uri=PASTE_BACK))

    assert world.works(granted.access)


def test_a_code_ends_with_the_session_that_approved_it(world: World) -> None:
    browser = world.browser()
    code = world.code(browser)
    world.browser_sessions.sign_out(browser.token, browser.user, "out")

    with pytest.raises(OAuthRefused, match="ended"):
        world.grants.redeem(code, REDEEMER)
    assert world.tokens() == []


def test_the_code_of_a_disabled_user_is_refused(world: World) -> None:
    code = world.code(world.browser())
    world.disable(world.dana)

    with pytest.raises(OAuthRefused):
        world.grants.redeem(code, REDEEMER)
    assert world.tokens() == []


def test_a_code_for_admin_access_is_refused_after_demotion(world: World) -> None:
    code = world.code(world.browser(world.admin), replace(PARAMETERS, scopes=TENANTS_AND_ADMIN))
    world.refuse_role(world.admin)

    with pytest.raises(OAuthRefused):
        world.grants.redeem(code, REDEEMER)
    assert world.tokens() == []


def test_a_replayed_code_revokes_its_token_family(world: World) -> None:
    code = world.code(world.browser())
    granted = world.grants.redeem(code, REDEEMER)
    assert world.works(granted.access)

    with pytest.raises(OAuthRefused, match="before"):
        world.grants.redeem(code, REDEEMER)

    assert not world.works(granted.access)
    with pytest.raises(OAuthRefused, match="ended"):
        world.grants.refresh(granted.refresh, DESK, "refresh")
    assert world.events()[-1] == ("oauth.replay", "denied")


def test_of_a_hundred_concurrent_redemptions_exactly_one_succeeds(world: World, database_url: str) -> None:
    """Races over two replicas, each with its own audit writer."""
    code = world.code(world.browser())
    replica = Database(database_url)
    committer = Committer(replica, world.clock)
    replicas = (world.grants, TokenFamilies(replica, committer, world.clock, PASTE_BACK))

    outcomes = at_once(lambda number: replicas[number % 2].redeem(code, REDEEMER))
    committer.close()
    replica.close()

    won = [outcome for outcome in outcomes if isinstance(outcome, TokenGrant)]
    lost = [outcome for outcome in outcomes if not isinstance(outcome, TokenGrant)]
    assert len(won) == 1
    assert {type(refusal).__name__ for refusal in lost} == {"InvalidGrant"}
    # The replays by the losers revoked the family.
    assert not world.works(won[0].access)
    assert len(world.tokens()) == 2


def test_a_refresh_gives_new_tokens_and_does_not_extend_the_sign_in(world: World) -> None:
    first = world.granted()
    world.clock.move(timedelta(minutes=50))

    second = world.grants.refresh(first.refresh, DESK, "refresh")

    assert world.works(second.access)
    assert second.grant.id == first.grant.id
    assert second.access_token.grant_ends_at == first.access_token.grant_ends_at
    assert second.access_token.expires_at == world.clock() + ACCESS_LIFE


def test_no_access_token_outlives_its_family(world: World) -> None:
    granted = world.granted()
    world.clock.move(GRANT_LIFE - 10 * SECOND)

    last = world.grants.refresh(granted.refresh, DESK, "refresh")

    assert last.access_token.expires_at - world.clock() == 10 * SECOND
    world.clock.move(10 * SECOND)
    assert not world.works(last.access)
    with pytest.raises(OAuthRefused, match="ended"):
        world.grants.refresh(last.refresh, DESK, "refresh")


def test_a_reused_refresh_token_revokes_its_family(world: World) -> None:
    first = world.granted()
    second = world.grants.refresh(first.refresh, DESK, "refresh")
    third = world.grants.refresh(second.refresh, DESK, "refresh")
    assert world.works(third.access)

    with pytest.raises(OAuthRefused, match="before"):
        world.grants.refresh(first.refresh, DESK, "refresh")

    assert not any(world.works(granted.access) for granted in (first, second, third))
    with pytest.raises(OAuthRefused, match="ended"):
        world.grants.refresh(third.refresh, DESK, "refresh")
    assert world.events()[-1] == ("oauth.reuse", "denied")


def test_of_a_hundred_concurrent_refreshes_exactly_one_succeeds(world: World, database_url: str) -> None:
    granted = world.granted()
    replica = Database(database_url)
    committer = Committer(replica, world.clock)
    replicas = (world.grants, TokenFamilies(replica, committer, world.clock, PASTE_BACK))

    outcomes = at_once(lambda number: replicas[number % 2].refresh(granted.refresh, DESK, "refresh"))
    committer.close()
    replica.close()

    won = [outcome for outcome in outcomes if isinstance(outcome, TokenGrant)]
    assert len(won) == 1
    assert not world.works(won[0].access)


def test_refresh_and_access_tokens_are_not_interchangeable(world: World) -> None:
    granted = world.granted()

    assert not world.works(granted.refresh)
    for other in (granted.access, mint(TokenKind.REFRESH), mint_code()):
        with pytest.raises(OAuthRefused):
            world.grants.refresh(other, DESK, "refresh")
    assert world.works(granted.access)


@pytest.mark.parametrize("which", ["access", "refresh"])
def test_revoking_either_token_revokes_the_family(world: World, which: str) -> None:
    granted = world.granted()

    world.grants.revoke(getattr(granted, which).reveal(), DESK, "revoke")

    assert not world.works(granted.access)
    with pytest.raises(OAuthRefused, match="ended"):
        world.grants.refresh(granted.refresh, DESK, "refresh")
    assert world.events()[-1] == ("oauth.revoke", "done")


def test_revoking_an_unknown_or_revoked_token_is_no_error(world: World) -> None:
    granted = world.granted()
    secret, _ = world.identity.create_token(world.dana, TokenKind.PERMANENT, "ci", OPERATOR)

    for text in (granted.refresh.reveal(), granted.refresh.reveal(), "nonsense", secret.reveal()):
        world.grants.revoke(text, DESK, "revoke")

    assert world.works(secret)


def test_revoking_the_refresh_token_in_the_portal_revokes_the_family(world: World) -> None:
    granted = world.granted()
    other = world.granted()

    world.identity.revoke_token(world.dana, granted.grant.id, OPERATOR)

    assert not world.works(granted.access)
    assert world.works(other.access)


def test_a_disabled_user_gets_no_new_tokens(world: World) -> None:
    granted = world.granted()
    world.disable(world.dana)

    assert not world.works(granted.access)
    with pytest.raises(OAuthRefused):
        world.grants.refresh(granted.refresh, DESK, "refresh")


def at_once(act: Callable[[int], TokenGrant]) -> list[TokenGrant | PortalError]:
    """Run *act* in many threads that start together; return each result or error."""
    start = Barrier(RACERS)

    def race(number: int) -> TokenGrant | PortalError:
        start.wait()
        try:
            return act(number)
        except PortalError as refusal:
            return refusal

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(race, range(RACERS)))
