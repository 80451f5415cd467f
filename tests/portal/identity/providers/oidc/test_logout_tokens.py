"""Logout tokens: each rule of OpenID Connect Back-Channel Logout, section 2.6."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.errors import ProviderUnavailable
from daypass.portal.identity.jwt import InvalidToken
from daypass.portal.identity.providers.oidc.model import LogoutToken
from tests.fakes import NOON, FakeClock
from tests.fixtures.forging_issuer import LOGOUT_EVENT, ForgingIssuer, forging_issuer
from tests.fixtures.signing import ec_key, jwt, rsa_key, shared_secret
from tests.portal.identity.providers.oidc.conftest import Sign

_NOW = int(NOON.timestamp())


def reason(sign: Sign, token: str) -> str:
    with pytest.raises(InvalidToken) as caught:
        sign.provider.logout_token(token)
    sign.check_secrets(caught.value)
    return caught.value.reason


def test_a_logout_token_names_the_session_the_account_or_both(sign: Sign, issuer: ForgingIssuer) -> None:
    both = sign.provider.logout_token(issuer.logout_token(sid="s-1", jti="j-1"))
    assert both == LogoutToken("s-1", "alice-1", "j-1", NOON + timedelta(minutes=3, seconds=1))

    assert sign.provider.logout_token(issuer.logout_token(sid="s-1", sub=None)).subject is None
    assert sign.provider.logout_token(issuer.logout_token()).sid is None


@pytest.mark.parametrize(
    ("expected", "claims"),
    [
        ("issuer", {"iss": "https://idp.example.com"}),
        ("issuer", {"iss": None}),
        ("audience", {"aud": "other"}),
        ("audience", {"aud": ["daypass", "other"]}),
        ("audience", {"aud": None}),
        ("authorized_party", {"azp": "other"}),
        ("missing_claim", {"exp": None}),
        ("missing_claim", {"iat": None}),
        ("missing_claim", {"jti": None}),
        ("missing_claim", {"sub": None}),
        ("malformed", {"jti": ""}),
        ("malformed", {"jti": 5}),
        ("malformed", {"jti": "a" * 256}),
        ("malformed", {"sid": ""}),
        ("malformed", {"sid": ["s-1"]}),
        ("malformed", {"sub": 5}),
        ("expired", {"iat": _NOW - 100, "exp": _NOW - 60}),
        ("too_old", {"iat": _NOW - 361}),
        ("not_yet_valid", {"iat": _NOW + 61}),
        ("type", {"events": None}),
        ("type", {"events": {}}),
        ("type", {"events": [LOGOUT_EVENT]}),
        ("type", {"events": LOGOUT_EVENT}),
        ("type", {"events": {LOGOUT_EVENT: None}}),
        ("type", {"events": {LOGOUT_EVENT: []}}),
        ("type", {"events": {LOGOUT_EVENT: True}}),
        ("type", {"events": {"http://schemas.openid.net/event/other": {}}}),
        ("type", {"nonce": "n"}),
        ("type", {"nonce": ""}),
    ],
)
def test_a_token_that_breaks_a_rule_ends_nothing(
    expected: str, claims: dict[str, object], sign: Sign, issuer: ForgingIssuer
) -> None:
    assert reason(sign, issuer.logout_token(**claims)) == expected


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["daypass"]},
        {"iat": _NOW - 360},
        {"events": {LOGOUT_EVENT: {}, "urn:other": {}}},
        {"events": {LOGOUT_EVENT: {"more": 1}}},
    ],
)
def test_a_token_within_the_rules_is_accepted(
    claims: dict[str, object], sign: Sign, issuer: ForgingIssuer
) -> None:
    assert sign.provider.logout_token(issuer.logout_token(**claims)).subject == "alice-1"


@pytest.mark.parametrize("kind", ["logout+jwt", "Logout+JWT", "application/logout+jwt", "JWT", None])
def test_the_type_is_that_of_a_logout_token_or_none(
    kind: str | None, sign: Sign, issuer: ForgingIssuer
) -> None:
    token = issuer.token(issuer.logout_claims(), header={"typ": kind})
    assert sign.provider.logout_token(token).subject == "alice-1"

    assert reason(sign, issuer.token(issuer.logout_claims(), header={"typ": "at+jwt"})) == "type"


def test_an_id_token_is_no_logout_token(sign: Sign, issuer: ForgingIssuer) -> None:
    id_token = sign.in_().id_token.reveal()
    assert reason(sign, id_token) == "type"

    # Nor is one without a nonce, or with the event of a logout.
    assert reason(sign, issuer.token(issuer.id_claims(nonce=None, jti="j"))) == "type"
    assert reason(sign, issuer.token(issuer.id_claims(jti="j", events={LOGOUT_EVENT: {}}))) == "type"


def test_the_signature_follows_the_rules_of_id_tokens(
    sign: Sign, issuer: ForgingIssuer, clock: FakeClock
) -> None:
    claims = issuer.logout_claims()
    key = issuer.keys[0]
    forged = {
        jwt(shared_secret(b"secret-of-the-client", key.key_id), claims): "algorithm",
        jwt(replace(key, algorithm="none", sign=lambda _: b"x"), claims): "algorithm",
        jwt(rsa_key(number=2), claims): "signature",
        jwt(ec_key("unknown"), claims): "key",
        jwt(key, b'{"sub":"a","sub":"b"}'): "duplicate_member",
        "a.b.c": "malformed",
        "": "malformed",
    }
    assert {token: reason(sign, token) for token in forged} == forged
    with forging_issuer(clock, [rsa_key(number=3)]) as other:
        assert reason(sign, other.token(claims)) == "signature"


def test_a_long_token_is_refused_before_it_is_read(sign: Sign, issuer: ForgingIssuer) -> None:
    assert reason(sign, issuer.logout_token(more="a" * 16 * 1024)) == "too_long"
    assert issuer.requests == []


def test_a_token_is_refused_from_the_time_until_which_its_id_is_kept(
    sign: Sign, issuer: ForgingIssuer, clock: FakeClock
) -> None:
    for exp in (_NOW + 120, _NOW + 10**6):
        text = issuer.logout_token(exp=exp)
        end = sign.provider.logout_token(text).expires_at
        assert end <= NOON + timedelta(minutes=6, seconds=1)

        clock.now = end
        assert reason(sign, text) in ("expired", "too_old")
        clock.now = NOON


def test_a_provider_whose_keys_cannot_be_read_is_an_outage(sign: Sign, issuer: ForgingIssuer) -> None:
    token = issuer.logout_token()
    issuer.close()

    with pytest.raises(ProviderUnavailable):
        sign.provider.logout_token(token)
