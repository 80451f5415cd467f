"""The tokens by which identity providers provision."""

from datetime import timedelta

import pytest

from daypass.portal.errors import Unauthenticated
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import TokenKind, User
from daypass.portal.identity.provisioning.tokens import ScimTokens
from tests.fakes import FakeClock


def test_a_token_belongs_to_its_provider(scim_tokens: ScimTokens) -> None:
    secret = scim_tokens.create("okta").reveal()

    assert secret.startswith("daypass_scim_")
    assert scim_tokens.authenticate(secret).provider == "okta"


def test_two_tokens_are_valid_at_once_and_a_third_revokes_the_oldest(
    scim_tokens: ScimTokens, clock: FakeClock
) -> None:
    other = scim_tokens.create("entra").reveal()
    tokens = []
    for _ in range(3):
        tokens.append(scim_tokens.create("okta").reveal())
        clock.move(timedelta(minutes=1))

    with pytest.raises(Unauthenticated):
        scim_tokens.authenticate(tokens[0])
    assert [scim_tokens.authenticate(token).provider for token in tokens[1:]] == ["okta", "okta"]
    assert scim_tokens.authenticate(other).provider == "entra"


def test_a_new_token_can_revoke_all_others(scim_tokens: ScimTokens, clock: FakeClock) -> None:
    old = scim_tokens.create("okta").reveal()
    clock.move(timedelta(minutes=1))

    new = scim_tokens.create("okta", revokes_others=True).reveal()

    with pytest.raises(Unauthenticated):
        scim_tokens.authenticate(old)
    assert scim_tokens.authenticate(new).provider == "okta"


def test_no_api_token_is_a_token_for_scim_and_none_for_scim_is_an_api_token(
    scim_tokens: ScimTokens, identity: Identity, dana: User, clock: FakeClock
) -> None:
    for kind in TokenKind:
        ends = None if kind is TokenKind.PERMANENT else clock() + timedelta(hours=1)
        secret, _ = identity.create_token(dana, kind, "x", dana.as_actor(""), grant_ends_at=ends)
        with pytest.raises(Unauthenticated):
            scim_tokens.authenticate(secret.reveal())

    with pytest.raises(Unauthenticated):
        identity.authenticate(scim_tokens.create("okta").reveal(), frozenset(TokenKind))
