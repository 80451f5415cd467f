"""ID tokens that no honest provider sends, and those that it sends to somebody else."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.errors import ProviderUnavailable
from daypass.portal.identity.jwt import InvalidToken, SignedToken
from daypass.portal.identity.providers.oidc.claims import check_id_token
from daypass.portal.identity.providers.oidc.model import SavedRequest
from daypass.portal.secret import Secret
from tests.fakes import NOON, FakeClock
from tests.fixtures.forging_issuer import CANARY, LOGOUT_EVENT, ForgingIssuer, forging_issuer
from tests.fixtures.signing import SigningKey, ec_key, ed_key, encode, jwt, rsa_key, shared_secret
from tests.portal.identity.providers.oidc.conftest import Configure, Sign

_NOW = int(NOON.timestamp())
MINUTE = timedelta(minutes=1)

REFUSED: list[tuple[str, dict[str, object]]] = [
    ("issuer", {"iss": "https://idp.example.com"}),
    ("issuer", {"iss": None}),
    ("issuer", {"iss": ["daypass"]}),
    ("audience", {"aud": "other"}),
    ("audience", {"aud": None}),
    ("audience", {"aud": []}),
    ("audience", {"aud": ["other"]}),
    ("audience", {"aud": ["daypass", "other"]}),
    ("audience", {"aud": ["daypass", "daypass"]}),
    ("audience", {"aud": [["daypass"]]}),
    ("audience", {"aud": "daypass other"}),
    ("audience", {"aud": {"daypass": 1}}),
    ("authorized_party", {"azp": "other"}),
    ("authorized_party", {"azp": ["daypass"]}),
    ("expired", {"exp": _NOW - 60, "iat": _NOW - 100}),
    ("missing_claim", {"exp": None}),
    ("missing_claim", {"iat": None}),
    ("malformed", {"exp": str(_NOW + 300)}),
    ("malformed", {"iat": True}),
    ("not_yet_valid", {"iat": _NOW + 61}),
    ("not_yet_valid", {"nbf": _NOW + 61}),
    ("too_old", {"iat": _NOW - 661}),
    ("nonce", {"nonce": None}),
    ("nonce", {"nonce": ""}),
    ("nonce", {"nonce": "nonce"}),
    ("nonce", {"nonce": 5}),
    ("nonce", {"nonce": "ñ"}),
    ("missing_claim", {"sub": None}),
    ("malformed", {"sub": ""}),
    ("malformed", {"sub": "a" * 256}),
    ("malformed", {"sub": 1001}),
    ("malformed", {"sub": ["alice-1"]}),
    ("malformed", {"sub": "alice\u0000"}),
    ("malformed", {"sub": "alice\n"}),
    ("malformed", {"sid": ""}),
    ("malformed", {"sid": 5}),
    ("malformed", {"auth_time": "noon"}),
    ("auth_time", {"auth_time": _NOW + 61}),
    ("type", {"events": {LOGOUT_EVENT: {}}}),
    ("at_hash", {"at_hash": "AAAA"}),
    ("at_hash", {"at_hash": 5}),
    ("at_hash", {"at_hash": ""}),
]


@pytest.mark.parametrize(("reason", "claims"), REFUSED)
def test_a_token_that_breaks_a_rule_is_refused_with_the_reason(
    reason: str, claims: dict[str, object], sign: Sign, issuer: ForgingIssuer
) -> None:
    issuer.id_token_changes = claims

    assert sign.reason() == reason


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["daypass"]},
        {"azp": "daypass"},
        {"exp": _NOW - 59, "iat": _NOW - 100},
        {"iat": _NOW - 660},
        {"iat": _NOW + 60},
        {"sub": "a" * 255},
        {"sub": "ä – 1"},
        {"auth_time": None},
        {"auth_time": _NOW + 60},
        {"acr": 5, "amr": "pwd"},
        {"amr": [5, "a\nb", "a" * 33]},
    ],
)
def test_a_token_within_the_rules_is_accepted(
    claims: dict[str, object], sign: Sign, issuer: ForgingIssuer
) -> None:
    issuer.id_token_changes = claims

    proved = sign.in_()

    assert proved.subject == claims.get("sub", "alice-1")
    assert proved.amr == ()
    assert proved.acr == ""


def test_the_record_of_methods_is_bounded(sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.id_token_changes = {"amr": [str(number) for number in range(1000)], "acr": "a" * 256}

    proved = sign.in_()

    assert (len(proved.amr), proved.acr) == (10, "")


@pytest.mark.parametrize("kind", ["logout+jwt", "at+jwt", "application/at+jwt", "secevent+jwt", "JWS"])
def test_a_token_of_another_type_is_no_id_token(kind: str, sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.id_token_forger = lambda claims: issuer.token(claims, header={"typ": kind})

    assert sign.reason() == "type"


@pytest.mark.parametrize("kind", [None, "JWT", "jwt", "application/jwt"])
def test_an_id_token_may_say_its_type(kind: str | None, sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.id_token_forger = lambda claims: issuer.token(claims, header={"typ": kind})

    assert sign.in_().subject == "alice-1"


def test_a_logout_token_is_no_id_token(sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.id_token_forger = lambda claims: issuer.logout_token(nonce=claims["nonce"])
    assert sign.reason() == "type"

    # Also from a provider that does not say the type, and adds what an ID token has.
    issuer.id_token_forger = lambda claims: issuer.token({**claims, **issuer.logout_claims()})
    assert sign.reason() == "type"


def test_a_token_without_a_signature_or_with_a_shared_secret_is_refused(
    configure: Configure, issuer: ForgingIssuer
) -> None:
    # The operator cannot switch these on either.
    sign = configure(algorithms=("RS256", "none", "HS256", "HS384", "HS512"))
    key = issuer.keys[0]
    for algorithm in ("HS256", "HS384", "HS512"):
        for secret in ("secret-of-the-client", json.dumps(key.jwk), str(key.jwk["n"])):
            forged = shared_secret(secret.encode(), key.key_id, algorithm)
            issuer.id_token_forger = partial(jwt, forged)
            assert sign.reason() == "algorithm"

    unsigned = replace(key, algorithm="none", sign=lambda _: b"")
    issuer.id_token_forger = lambda claims: jwt(unsigned, claims)
    assert sign.reason() == "malformed"
    issuer.id_token_forger = lambda claims: jwt(replace(unsigned, sign=lambda _: b"x"), claims)
    assert sign.reason() == "algorithm"


def test_an_algorithm_outside_the_configured_list_is_refused(
    configure: Configure, issuer: ForgingIssuer
) -> None:
    sign = configure(algorithms=("ES256",))
    assert sign.reason() == "algorithm"

    issuer.keys.append(ec_key())
    issuer.id_token_forger = lambda claims: issuer.token(claims, key=issuer.keys[1])
    assert sign.in_().subject == "alice-1"


def test_the_metadata_cannot_extend_the_list_of_algorithms(sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.metadata_changes["id_token_signing_alg_values_supported"] = ["none", "HS256", "RS256"]
    forged = shared_secret(b"secret-of-the-client", issuer.keys[0].key_id)
    issuer.id_token_forger = lambda claims: jwt(forged, claims)

    assert sign.reason() == "algorithm"


@pytest.mark.parametrize("member", ["jku", "x5u", "jwk"])
def test_a_key_that_the_token_names_is_never_fetched(
    member: str, sign: Sign, issuer: ForgingIssuer, clock: FakeClock
) -> None:
    own = ec_key("own")
    with forging_issuer(clock, [own]) as attacker:
        value: object = own.jwk if member == "jwk" else f"{attacker.url}/keys"
        issuer.id_token_forger = lambda claims: jwt(own, claims, {member: value})

        assert sign.reason() == "key"
        assert attacker.requests == []


def test_a_token_that_another_issuer_signed_is_refused_also_with_the_same_key_id(
    sign: Sign, issuer: ForgingIssuer, clock: FakeClock
) -> None:
    with forging_issuer(clock, [rsa_key(number=2)]) as other:
        assert other.keys[0].key_id == issuer.keys[0].key_id
        issuer.id_token_forger = other.token

        assert sign.reason() == "signature"


@pytest.mark.parametrize(
    ("key", "digest"),
    [
        (rsa_key(), "sha256"),
        (ec_key(), "sha256"),
        (ed_key(), "sha512"),
        (replace(ed_key(), algorithm="Ed25519"), "sha512"),
    ],
    ids=lambda value: getattr(value, "algorithm", value),
)
def test_the_hash_of_the_access_token_is_compared(
    key: SigningKey, digest: str, configure: Configure, issuer: ForgingIssuer
) -> None:
    sign = configure(algorithms=("RS256", "ES256", "EdDSA", "Ed25519"))
    issuer.keys = [replace(key, jwk={**key.jwk, "alg": key.algorithm})]
    hashed = hashlib.new(digest, f"{CANARY}-access".encode()).digest()
    issuer.id_token_changes = {"at_hash": encode(hashed[: len(hashed) // 2])}
    assert sign.in_().subject == "alice-1"

    issuer.id_token_changes = {"at_hash": encode(hashed)}
    assert sign.reason() == "at_hash"


def test_a_configured_claim_must_have_its_exact_value(configure: Configure, issuer: ForgingIssuer) -> None:
    sign = configure(required_claims=MappingProxyType({"hd": "example.com"}))
    for value in ("example.org", "example.com.", "EXAMPLE.COM", ["example.com"], True, None):
        issuer.id_token_changes = {"hd": value}
        assert sign.reason() == "required_claim"

    # The UserInfo endpoint is not signed for this client, so it cannot supply the claim.
    issuer.userinfo = {"sub": "alice-1", "hd": "example.com"}
    issuer.person.pop("preferred_username")
    issuer.id_token_changes = {}
    assert sign.reason() == "required_claim"

    issuer.id_token_changes = {"hd": "example.com"}
    assert sign.in_().subject == "alice-1"


@pytest.mark.parametrize(
    ("max_age", "auth_time", "is_accepted"),
    [
        (timedelta(), _NOW, True),
        (timedelta(), _NOW - 60, True),
        (timedelta(), _NOW - 61, False),
        (timedelta(), _NOW - 3600, False),
        (timedelta(), None, False),
        (5 * MINUTE, _NOW - 360, True),
        (5 * MINUTE, _NOW - 361, False),
        (None, _NOW - 10**6, True),
        (None, None, True),
    ],
)
def test_only_the_time_of_authentication_proves_that_the_user_was_asked_again(
    max_age: timedelta | None, auth_time: int | None, is_accepted: bool, sign: Sign, issuer: ForgingIssuer
) -> None:
    sign.max_age = max_age
    issuer.id_token_changes = {"auth_time": auth_time}

    if is_accepted:
        assert sign.in_().subject == "alice-1"
    else:
        assert sign.reason() == "auth_time"


@pytest.mark.parametrize(
    ("acr", "is_accepted"),
    [("urn:a", True), ("urn:b", True), ("urn:c", False), (None, False), ("", False), (["urn:a"], False)],
)
def test_only_the_context_class_proves_how_the_user_authenticated(
    acr: object, is_accepted: bool, sign: Sign, issuer: ForgingIssuer
) -> None:
    sign.acr_values = ("urn:a", "urn:b")
    issuer.id_token_changes = {"acr": acr}

    if is_accepted:
        assert sign.in_().acr == acr
    else:
        assert sign.reason() == "acr"


def test_a_clock_that_is_wrong_by_more_than_a_minute_is_named(
    sign: Sign, issuer: ForgingIssuer, clock: FakeClock
) -> None:
    issuer.now = lambda: clock() + 2 * MINUTE
    assert "Compare the clocks" in str(sign.refused().cause)

    issuer.now = lambda: clock() - 20 * MINUTE
    assert sign.reason() == "expired"

    issuer.now = lambda: clock() + MINUTE
    assert sign.in_().subject == "alice-1"


RAW = [
    b'{"sub":"alice-1","sub":"bob-2"}',
    b'{"exp":NaN}',
    b'{"iat":Infinity}',
    b'{"iat":1e999}',
    b"[]",
    b'{"sub":"\\ud800"}',
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b"",
]


@pytest.mark.parametrize("payload", RAW)
def test_a_payload_that_is_not_strict_json_is_refused(
    payload: bytes, sign: Sign, issuer: ForgingIssuer
) -> None:
    issuer.id_token_forger = lambda _: jwt(issuer.keys[0], payload)

    assert sign.reason() in ("malformed", "duplicate_member")


def test_a_token_may_have_hundreds_of_groups_and_not_be_a_flood(sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.id_token_changes = {"groups": [f"{number:03}-" + "g" * 60 for number in range(500)]}
    assert len(sign.in_().claims["groups"]) == 500  # type: ignore[arg-type]  # a list

    issuer.id_token_changes = {"groups": ["g" * 200_000]}
    assert sign.reason() == "too_long"
    issuer.id_token_changes = {"groups": ["g" * 2_000_000]}
    assert isinstance(sign.refused(), ProviderUnavailable)


CONFIG = ProviderConfig("idp", "https://idp.example.com", "daypass")
SAVED = SavedRequest("nonce-1", Secret("v"), timedelta(), ("urn:a",), NOON)
HONEST: dict[str, object] = {
    "iss": "https://idp.example.com",
    "aud": "daypass",
    "azp": "daypass",
    "sub": "alice-1",
    "iat": _NOW,
    "exp": _NOW + 300,
    "auth_time": _NOW,
    "nonce": "nonce-1",
    "acr": "urn:a",
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(sorted(HONEST)), VALUES)
def test_no_other_value_of_a_checked_claim_is_accepted_by_its_type(name: str, value: object) -> None:
    token = SignedToken({"alg": "RS256"}, {**HONEST, name: value})
    try:
        check_id_token(CONFIG, token, SAVED, NOON)
    except InvalidToken:
        return

    times = {"iat", "exp", "auth_time"}
    assert (
        value in (HONEST[name], [HONEST["aud"]])
        or (name == "sub" and isinstance(value, str) and value)
        or (name in times and isinstance(value, int | float) and not isinstance(value, bool))
    )


@given(st.sets(st.sampled_from(sorted(HONEST)), min_size=1))
def test_every_claim_but_azp_is_required(missing: set[str]) -> None:
    claims = {name: value for name, value in HONEST.items() if name not in missing}
    if missing == {"azp"}:
        check_id_token(CONFIG, SignedToken({"alg": "RS256"}, claims), SAVED, NOON)
        return

    with pytest.raises(InvalidToken):
        check_id_token(CONFIG, SignedToken({"alg": "RS256"}, claims), SAVED, NOON)
