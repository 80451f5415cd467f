"""The required form of a token, and of its signature."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.identity.jwt import (
    InvalidToken,
    Issuers,
    IssuerUnavailable,
    check_times,
    unverified_claims,
)
from daypass.portal.identity.jwt.compact import LONGEST_TOKEN
from daypass.portal.identity.jwt.strict_json import parse_object
from tests.fakes import NOON, FakeClock
from tests.fixtures.forging_issuer import CANARY, Answer, ForgingIssuer, forging_issuer
from tests.fixtures.signing import SigningKey, ec_key, ed_key, encode, jwt, rsa_key, shared_secret

ACCEPTED = ("RS256", "PS256", "ES256", "EdDSA")
MINUTE = timedelta(minutes=1)
CLAIMS = {"sub": f"{CANARY}-sub"}


def refusal(issuers: Issuers, issuer: ForgingIssuer, token: str, algorithms: object = ACCEPTED) -> str:
    """Return the reason for which *token* is refused, which no part of it may be in."""
    with pytest.raises(InvalidToken) as caught:
        issuers.verify(issuer.url, token, algorithms)  # type: ignore[arg-type]  # cases have any collection
    assert CANARY not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize(
    "key", [rsa_key(), rsa_key(algorithm="PS256"), ec_key(), ed_key()], ids=lambda key: key.algorithm
)
def test_a_token_of_each_accepted_algorithm_is_verified(
    key: SigningKey, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    issuer.keys = [key]

    signed = issuers.verify(issuer.url, issuer.token(CLAIMS), ACCEPTED)

    assert signed.claims == CLAIMS
    assert signed.header["kid"] == key.key_id


def test_an_algorithm_that_the_operator_did_not_accept_is_refused(
    issuer: ForgingIssuer, issuers: Issuers
) -> None:
    assert refusal(issuers, issuer, issuer.token(CLAIMS), ["ES256", "none", "HS256"]) == "algorithm"


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", None, 5, ["RS256"], "RS256 ", "rs256"])
def test_a_token_without_a_signature_is_refused(
    algorithm: object, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    unsigned = replace(issuer.keys[0], sign=lambda _: b"x")
    token = jwt(unsigned, CLAIMS, {"alg": algorithm}).rpartition(".")[0]

    for text in (f"{token}.", f"{token}.eA", token):
        assert refusal(issuers, issuer, text, [*ACCEPTED, "none"]) in ("malformed", "algorithm")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_public_key_or_the_client_s_secret_is_no_shared_secret(
    algorithm: str, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    public = issuer.keys[0].jwk
    known = [json.dumps(public).encode(), str(public["n"]).encode(), b"secret-of-the-client"]
    for secret in known:
        forged = shared_secret(secret, issuer.keys[0].key_id, algorithm)
        # Even an operator's mistake cannot switch such an algorithm on.
        assert refusal(issuers, issuer, jwt(forged, CLAIMS), [*ACCEPTED, algorithm]) == "algorithm"


def test_a_symmetric_key_in_the_issuer_s_set_verifies_nothing(
    issuer: ForgingIssuer, issuers: Issuers
) -> None:
    secret = shared_secret(b"secret-of-the-client", "oct")
    issuer.keys = [secret, rsa_key()]

    assert refusal(issuers, issuer, jwt(secret, CLAIMS), [*ACCEPTED, "HS256"]) == "algorithm"
    assert refusal(issuers, issuer, jwt(secret, CLAIMS, {"alg": "RS256"})) == "key"


@pytest.mark.parametrize("member", ["jku", "jwk", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_never_used(
    member: str, issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    own = ec_key("own")
    with forging_issuer(clock, [own]) as attacker:
        value: object = f"{attacker.url}/keys"
        if member == "jwk":
            value = own.jwk
        if member == "x5c":
            value = [encode(b"certificate")]
        header = {member: value}

        assert refusal(issuers, issuer, jwt(own, CLAIMS, header)) == "key"
        assert refusal(issuers, issuer, jwt(own, CLAIMS, {**header, "kid": None})) == "key"
        stolen_id = {**header, "kid": issuer.keys[0].key_id, "alg": "RS256"}
        assert refusal(issuers, issuer, jwt(own, CLAIMS, stolen_id)) == "signature"
        assert attacker.requests == []


def test_a_header_with_other_members_is_read_over_and_one_that_demands_is_refused(
    issuer: ForgingIssuer, issuers: Issuers
) -> None:
    issuers.verify(issuer.url, issuer.token(CLAIMS, header={"x5t": "abc", "vendor": {"a": 1}}), ACCEPTED)

    demands: list[dict[str, object]] = [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": True},
    ]
    for header in demands:
        assert refusal(issuers, issuer, issuer.token(CLAIMS, header=header)) == "header"
    assert refusal(issuers, issuer, issuer.token(CLAIMS, header={"kid": 5})) == "malformed"
    assert refusal(issuers, issuer, issuer.token(CLAIMS, header={"typ": []})) == "malformed"


def test_the_keys_of_one_issuer_never_verify_tokens_of_another(
    issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    # Both have a key with the same id.
    with forging_issuer(clock, [rsa_key(number=2)]) as other:
        assert other.keys[0].key_id == issuer.keys[0].key_id
        token = other.token(CLAIMS)
        issuers.verify(other.url, token, ACCEPTED)
        issuers.verify(issuer.url, issuer.token(CLAIMS), ACCEPTED)

        assert refusal(issuers, issuer, token) == "signature"


@pytest.mark.parametrize(
    ("members", "key"),
    [
        ({"use": "enc"}, rsa_key()),
        ({"use": None}, rsa_key()),
        ({"key_ops": ["encrypt"]}, rsa_key()),
        ({"key_ops": "verify"}, rsa_key()),
        ({"alg": "RS512"}, rsa_key()),
        ({"alg": 5}, rsa_key()),
        ({"d": "AQAB"}, rsa_key()),
        ({}, rsa_key(bits=1024)),
        ({"n": "AQAB"}, rsa_key()),
        ({"n": None}, rsa_key()),
        ({"n": "A"}, rsa_key()),
        ({"n": "é"}, rsa_key()),
        ({"n": ["AQAB"]}, rsa_key()),
        ({"kty": "EC"}, rsa_key()),
        ({"kty": ["RSA"]}, rsa_key()),
        ({"crv": "P-384"}, ec_key()),
        ({"crv": ["P-256"]}, ec_key()),
        ({"crv": "X25519"}, ed_key()),
        ({"x": "AA"}, ec_key()),
        ({"kid": 7}, rsa_key()),
    ],
)
def test_a_key_for_something_else_or_too_weak_verifies_nothing(
    members: Mapping[str, object], key: SigningKey, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    issuer.keys = [replace(key, jwk={**key.jwk, **members}), ec_key("another")]

    assert refusal(issuers, issuer, jwt(key, CLAIMS)) == "key"


def test_a_key_without_use_algorithm_or_with_a_broken_certificate_is_a_key(
    issuer: ForgingIssuer, issuers: Issuers
) -> None:
    key = rsa_key()
    bare = {name: key.jwk[name] for name in ("kty", "n", "e", "kid")}
    issuer.keys = [replace(key, jwk={**bare, "x5c": "no list", "key_ops": ["verify"]})]

    assert issuers.verify(issuer.url, issuer.token(CLAIMS), ACCEPTED).claims == CLAIMS


def test_a_token_without_key_id_is_accepted_only_if_the_issuer_has_a_single_key(
    issuer: ForgingIssuer, issuers: Issuers, clock: FakeClock
) -> None:
    token = issuer.token(CLAIMS, header={"kid": None})

    assert issuers.verify(issuer.url, token, ACCEPTED).claims == CLAIMS

    # The second key has another algorithm, and still: which of the two signs is for the issuer to say.
    issuer.keys = [*issuer.keys, ec_key()]
    clock.move(timedelta(hours=1))
    assert refusal(issuers, issuer, token) == "key"


def test_two_keys_with_the_same_id_and_algorithm_verify_nothing(
    issuer: ForgingIssuer, issuers: Issuers
) -> None:
    issuer.keys = [rsa_key("same"), ec_key("same")]
    assert issuers.verify(issuer.url, issuer.token(CLAIMS), ACCEPTED).claims == CLAIMS

    again = ForgingIssuer(issuer.now, [rsa_key("same"), rsa_key("same", number=2)])
    try:
        assert refusal(issuers, again, again.token(CLAIMS)) == "key"
    finally:
        again.close()


def test_a_saved_key_set_is_used_without_asking_the_issuer(issuer: ForgingIssuer, issuers: Issuers) -> None:
    saved = json.dumps({"keys": [issuer.keys[0].jwk]})

    assert issuers.verify(issuer.url, issuer.token(CLAIMS), ACCEPTED, saved).claims == CLAIMS
    with pytest.raises(InvalidToken) as caught:
        issuers.verify(issuer.url, jwt(ec_key("unknown"), CLAIMS), ACCEPTED, saved)

    assert caught.value.reason == "key"
    for malformed in ("", "{}", "\ud800", '{"keys":[],"keys":[]}'):
        with pytest.raises(IssuerUnavailable, match="The saved key set"):
            issuers.verify(issuer.url, issuer.token(CLAIMS), ACCEPTED, malformed)
    assert issuer.requests == []


RAW = {
    "duplicate": b'{"sub":"a","sub":"b"}',
    "escaped duplicate": rb'{"sub":"a","s\u0075b":"b"}',
    "nested duplicate": b'{"events":[{"a":1,"a":2}]}',
    "NaN": b'{"exp":NaN}',
    "infinity": b'{"exp":-Infinity}',
    "infinite by size": b'{"exp":1e999}',
    "digits": b'{"exp":' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"sub":"\xff"}',
    "half a pair": rb'{"sub":"\ud800"}',
    "half a pair in a name": rb'{"\udfff":1}',
    "byte order mark": b'\xef\xbb\xbf{"sub":"a"}',
    "deep": b'{"a":' * 17 + b"1" + b"}" * 17,
    "deep lists": b'{"a":' + b"[" * 16 + b"]" * 16 + b"}",
    "very deep": b'{"a":' + b"[" * 40_000 + b"]" * 40_000 + b"}",
    "list": b'[{"sub":"a"}]',
    "text": b'"sub"',
    "null": b"null",
    "cut off": b'{"sub":"a"',
    "two": b'{"sub":"a"}{}',
    "comment": b'{"sub":"a"/**/}',
    "single quotes": b"{'sub':'a'}",
    "control character": b'{"sub":"a\x00"}',
}


@pytest.mark.parametrize("payload", RAW.values(), ids=RAW)
def test_a_payload_or_header_that_readers_could_understand_differently_is_refused(
    payload: bytes, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    expected = "duplicate_member" if b'1,"a"' in payload or b'"a","s' in payload else "malformed"

    assert refusal(issuers, issuer, jwt(issuer.keys[0], payload)) == expected
    # A long header has its own limit, which is checked first.
    in_header = refusal(issuers, issuer, jwt(issuer.keys[0], CLAIMS, payload))
    assert in_header == ("too_long" if len(payload) > 6000 else expected)


def test_the_form_of_a_token_is_exact(issuer: ForgingIssuer, issuers: Issuers) -> None:
    token = issuer.token(CLAIMS)
    header, payload, signature = token.split(".")
    # Another spelling of the same signature: the last character holds four bits that decoding drops.
    respelled = signature[:-1] + chr(ord(signature[-1]) + 1)
    spellings = [
        "",
        "..",
        f"{header}.{payload}",
        f"{token}.{signature}",
        f"{token}.{signature}.{signature}",
        f" {token}",
        f"{token}\n",
        f"{token}=",
        f"{header}.{payload}.{respelled}",
        f"{header}.{payload}.{signature[:-1]}+",
        f"{header}..{signature}",
        f".{payload}.{signature}",
        f"{header}.{payload}.é",
    ]

    for spelling in spellings:
        assert refusal(issuers, issuer, spelling) == "malformed"


def test_a_token_has_a_limited_size(issuer: ForgingIssuer, issuers: Issuers) -> None:
    # A person in 500 groups with long names.
    groups = {"groups": [f"{number:05}-" + "g" * 70 for number in range(1000)]}
    assert issuers.verify(issuer.url, issuer.token(groups), ACCEPTED).claims == groups

    long = issuer.token({"groups": "g" * LONGEST_TOKEN})
    assert refusal(issuers, issuer, long) == "too_long"
    assert refusal(issuers, issuer, issuer.token(CLAIMS, header={"a": "b" * 8192})) == "too_long"


@pytest.mark.parametrize("place", [0, 10, -1])
def test_a_changed_token_is_refused(place: int, issuer: ForgingIssuer, issuers: Issuers) -> None:
    token = issuer.token({"sub": "alice", "role": "user"})
    header, _, signature = token.split(".")
    changed = encode(json.dumps({"sub": "alice", "role": "admin"}).encode())
    assert refusal(issuers, issuer, f"{header}.{changed}.{signature}") == "signature"

    raw = bytearray(issuer.keys[0].sign(token.rpartition(".")[0].encode()))
    raw[place] ^= 1
    assert refusal(issuers, issuer, f"{token.rpartition('.')[0]}.{encode(bytes(raw))}") == "signature"


@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\x01", b"\xff" * 64, b"\x00" * 300])
@pytest.mark.parametrize("key", [rsa_key(), ec_key(), ed_key()], ids=lambda key: key.algorithm)
def test_a_senseless_signature_is_refused(
    signature: bytes, key: SigningKey, issuer: ForgingIssuer, issuers: Issuers
) -> None:
    issuer.keys = [key]
    token = jwt(replace(key, sign=lambda _: signature), CLAIMS)

    assert refusal(issuers, issuer, token) in ("signature", "malformed")


def test_the_unverified_claims_are_parsed_as_strictly() -> None:
    key = ec_key()

    assert unverified_claims(jwt(key, {"iss": "https://ci.example.com"})) == {"iss": "https://ci.example.com"}
    for payload in RAW.values():
        with pytest.raises(InvalidToken):
            unverified_claims(jwt(key, payload))


_NOW = int(NOON.timestamp())
NO_TIMES: list[object] = [True, "1", [], {}, -1, 10**400, 1e300, 253_402_300_800]


@pytest.mark.parametrize(
    ("reason", "claims"),
    [
        (None, {}),
        (None, {"iat": _NOW - 100, "exp": _NOW - 59}),
        ("expired", {"iat": _NOW - 100, "exp": _NOW - 60}),
        ("expired", {"exp": 0}),
        (None, {"iat": _NOW + 60}),
        ("not_yet_valid", {"iat": _NOW + 61}),
        (None, {"nbf": _NOW + 60}),
        ("not_yet_valid", {"nbf": _NOW + 61}),
        ("not_yet_valid", {"nbf": _NOW, "iat": _NOW + 61}),
        (None, {"iat": _NOW - 660}),
        ("too_old", {"iat": _NOW - 661}),
        (None, {"exp": _NOW + 3600}),
        ("lifetime", {"exp": _NOW + 3601}),
        ("lifetime", {"exp": _NOW, "iat": _NOW}),
        ("lifetime", {"exp": _NOW - 30, "iat": _NOW + 30}),
        (None, {"exp": _NOW + 30.5, "iat": _NOW - 0.5}),
        ("missing_claim", {"exp": None}),
        ("missing_claim", {"iat": None}),
        *(("malformed", {name: value}) for name in ("exp", "iat", "nbf") for value in NO_TIMES),
    ],
)
def test_the_times_of_a_token(reason: str | None, claims: Mapping[str, object]) -> None:
    merged = {"iat": _NOW, "exp": _NOW + 300, **claims}
    present = {name: value for name, value in merged.items() if value is not None}
    hour = timedelta(hours=1)
    if reason is None:
        check_times(present, NOON, max_age=10 * MINUTE, longest=hour)
        return

    with pytest.raises(InvalidToken) as caught:
        check_times(present, NOON, max_age=10 * MINUTE, longest=hour)

    assert caught.value.reason == reason


def test_age_and_lifetime_are_limited_only_if_asked() -> None:
    check_times({"iat": 1, "exp": _NOW + 10**9}, NOON, max_age=None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=3), JSON))
def test_an_accepted_object_is_the_one_that_was_written(value: dict[str, object]) -> None:
    # Python writes half of a surrogate pair and NaN, which are then refused.
    written = json.dumps(value).encode()
    try:
        parsed = parse_object(written)
    except InvalidToken:
        return

    assert parsed == value
    assert json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()


@given(st.binary(max_size=60) | st.text('{}[]",:019eE.-tfn\\u', max_size=30).map(str.encode))
def test_no_bytes_raise_anything_but_a_refusal(data: bytes) -> None:
    try:
        parsed = parse_object(data)
    except InvalidToken:
        return

    assert isinstance(parsed, dict)


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){0,4}"))
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    with pytest.raises(InvalidToken):
        unverified_claims(text)


def test_an_answer_of_the_issuer_is_parsed_as_strictly(issuer: ForgingIssuer, issuers: Issuers) -> None:
    issuer.answers["/keys"] = Answer(b'{"keys":[],"keys":[]}')

    with pytest.raises(IssuerUnavailable, match="is not a JSON Web Key Set"):
        issuers.verify(issuer.url, issuer.token(CLAIMS), ACCEPTED)
