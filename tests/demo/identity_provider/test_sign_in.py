"""Sign-in at the provider, by an independent client: requests, codes, tokens and userinfo."""

import stat
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from daypass.demo.identity_provider.tokens import ensure_key
from tests.demo.identity_provider.relying_party import (
    CALLBACK,
    DANA,
    ID,
    ISSUER,
    NOOR,
    SECRET,
    RelyingParty,
    answered,
    basic,
    challenge,
)


def test_the_metadata_names_the_issuer_and_its_endpoints(rp: RelyingParty) -> None:
    metadata = rp.call("GET", "/.well-known/openid-configuration").json

    assert metadata["issuer"] == ISSUER
    for name in ("authorization", "token", "userinfo", "end_session"):
        assert metadata[f"{name}_endpoint"].startswith(f"{ISSUER}/")
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["backchannel_logout_supported"] is True


def test_the_key_set_has_the_public_key_only(rp: RelyingParty) -> None:
    (key,) = rp.call("GET", "/keys").json["keys"]

    assert key.keys() == {"kty", "n", "e", "use", "alg", "kid"}


def test_the_private_key_is_kept_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"

    first = ensure_key(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_key(path).thumbprint() == first.thumbprint()
    assert isinstance(first, RSAKey)


def test_the_answer_has_code_state_and_issuer(rp: RelyingParty) -> None:
    answer = rp.choose(DANA)

    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("the state", ISSUER)


def test_the_id_token_has_the_person_and_the_authentication(rp: RelyingParty) -> None:
    tokens = rp.tokens(rp.choose(DANA)["code"])

    header, claims = rp.verified(tokens["id_token"])
    now = int(rp.clock.now.timestamp())
    left_half = sha256(tokens["access_token"].encode()).digest()[:16]
    assert header["alg"] == "RS256"
    assert len(claims.pop("sid")) >= 16
    assert claims == {
        "iss": ISSUER,
        "aud": ID,
        "sub": DANA.subject,
        "iat": now,
        "exp": now + 300,
        "auth_time": now,
        "nonce": "the nonce",
        "acr": "pwd",
        "amr": ["pwd"],
        "at_hash": urlsafe_b64encode(left_half).rstrip(b"=").decode(),
        "name": "Dana",
        "preferred_username": "dana@example.com",
        "email": "dana@example.com",
        "email_verified": True,
        "groups": ["developers", "readers"],
    }


def test_subjects_are_the_same_in_every_run_and_no_names(rp: RelyingParty) -> None:
    assert DANA.subject == rp.sign_in(DANA)["sub"]
    assert DANA.subject != NOOR.subject
    assert "dana" not in DANA.subject


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid", set()),
        ("openid email", {"email", "email_verified"}),
        ("openid profile", {"name", "preferred_username"}),
        ("openid groups", {"groups"}),
    ],
)
def test_a_scope_gives_its_claims_in_id_token_and_userinfo(
    rp: RelyingParty, scope: str, claims: set[str]
) -> None:
    tokens = rp.tokens(rp.choose(DANA, scope=scope)["code"])

    id_token = rp.verified(tokens["id_token"])[1]
    userinfo = rp.call("GET", "/userinfo", None, ("Authorization", f"Bearer {tokens['access_token']}")).json

    of_person = {"name", "preferred_username", "email", "email_verified", "groups"}
    assert id_token.keys() & of_person == claims
    assert userinfo.keys() == {"sub", *claims}


def test_a_person_without_groups_has_an_empty_claim(rp: RelyingParty) -> None:
    assert rp.sign_in(NOOR)["groups"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://attacker.example.com/callback"},
        {"redirect_uri": f"{CALLBACK}/more"},
        {"redirect_uri": None},
        {"client_id": "another"},
        {"client_id": None},
    ],
)
def test_a_request_of_another_client_is_never_redirected(
    rp: RelyingParty, changes: dict[str, str | None]
) -> None:
    rp.sign_in(DANA)

    for method in ("GET", "POST"):
        answer = rp.browse(method, rp.request(**changes), {"person": DANA.username})

        assert (answer.status, answer.header("location")) == (400, None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://attacker.example.com"}, "request_uri_not_supported"),
    ],
)
def test_a_bad_request_is_answered_with_an_error_code(
    rp: RelyingParty, changes: dict[str, str | None], code: str
) -> None:
    for method in ("GET", "POST"):
        answer = answered(rp.browse(method, rp.request(**changes), {"person": DANA.username}))

        assert (answer["error"], answer["state"], answer["iss"]) == (code, "the state", ISSUER)
        assert "code" not in answer


def test_a_repeated_parameter_is_refused(rp: RelyingParty) -> None:
    answer = rp.browse("GET", rp.request() + "&state=another")

    assert answer.status == 400


def test_a_form_of_another_site_chooses_nobody(rp: RelyingParty) -> None:
    fields = {"person": DANA.username}

    for origin in ("https://attacker.example.com", "null"):
        answer = rp.browse("POST", rp.request(), fields, Origin=origin)
        assert (answer.status, answer.header("set-cookie")) == (400, None)


def test_an_unknown_person_is_refused(rp: RelyingParty) -> None:
    assert rp.browse("POST", rp.request(), {"person": "eve@example.com"}).status == 400


def test_cancel_answers_access_denied(rp: RelyingParty) -> None:
    assert answered(rp.browse("POST", rp.request(), {"cancel": "yes"}))["error"] == "access_denied"


def test_a_code_is_used_once_and_its_second_use_revokes_the_access_token(rp: RelyingParty) -> None:
    code = rp.choose(DANA)["code"]
    bearer = "Authorization", f"Bearer {rp.tokens(code)['access_token']}"
    assert rp.call("GET", "/userinfo", None, bearer).status == 200

    again = rp.exchange(code)

    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    assert rp.call("GET", "/userinfo", None, bearer).status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": challenge("v" * 43)},
        {"redirect_uri": "https://attacker.example.com/callback"},
        {"code_verifier": ""},
    ],
)
def test_a_wrong_exchange_is_refused_and_uses_the_code_up(rp: RelyingParty, changes: dict[str, str]) -> None:
    code = rp.choose(DANA)["code"]

    refused = rp.exchange(code, **changes)

    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
    assert rp.exchange(code).status == 400


@pytest.mark.parametrize(
    "authorization",
    [basic(secret="wrong"), basic(client_id="another"), ("Authorization", "Basic !"), ("X-Nothing", "here")],
)
def test_a_wrong_client_is_refused_and_the_code_stays(
    rp: RelyingParty, authorization: tuple[str, str]
) -> None:
    code = rp.choose(DANA)["code"]

    refused = rp.exchange(code, authorization)

    assert (refused.status, refused.json["error"]) == (401, "invalid_client")
    assert rp.exchange(code).status == 200


def test_the_client_may_send_its_secret_in_the_form(rp: RelyingParty) -> None:
    code = rp.choose(DANA)["code"]

    answer = rp.exchange(code, ("X-Nothing", "here"), client_id=ID, client_secret=SECRET)

    assert answer.status == 200


def test_a_code_expires_after_a_minute(rp: RelyingParty) -> None:
    code = rp.choose(DANA)["code"]
    rp.clock.move(seconds=60)

    assert rp.exchange(code).json["error"] == "invalid_grant"


def test_an_access_token_expires_after_five_minutes(rp: RelyingParty) -> None:
    bearer = "Authorization", f"Bearer {rp.tokens(rp.choose(DANA)['code'])['access_token']}"
    rp.clock.move(minutes=5)

    assert rp.call("GET", "/userinfo", None, bearer).status == 401


def test_only_codes_are_exchanged(rp: RelyingParty) -> None:
    assert rp.exchange("any", grant_type="password").json["error"] == "unsupported_grant_type"


def test_a_long_form_is_refused(rp: RelyingParty) -> None:
    assert rp.exchange("c" * 20_000).json["error"] == "invalid_request"


def test_another_host_name_is_refused(rp: RelyingParty) -> None:
    assert rp.browse("GET", rp.request(), Host="attacker.example.com:8444").status == 421


def test_pages_run_no_script_and_load_nothing_from_elsewhere(rp: RelyingParty) -> None:
    page = rp.browse("GET", rp.request())

    policy = page.header("content-security-policy") or ""
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "Not for production" in page.body.decode()
    assert "everyone can sign in as any user here" in page.body.decode()


def test_every_person_is_a_button_with_groups(rp: RelyingParty) -> None:
    page = rp.browse("GET", rp.request()).body.decode()

    for person in (DANA, NOOR):
        assert f'<button name="person" value="{person.username}">' in page
    assert "developers" in page
    assert "no groups" in page


def test_text_of_the_request_is_escaped(rp: RelyingParty) -> None:
    page = rp.browse("GET", rp.request(state='"><script>alert(1)</script>')).body.decode()

    assert "<script>" not in page


def test_a_session_answers_without_a_page_until_it_expires(rp: RelyingParty) -> None:
    first = rp.sign_in(DANA)
    rp.clock.move(hours=7)

    again = rp.verified(rp.tokens(answered(rp.browse("GET", rp.request()))["code"])["id_token"])[1]
    rp.clock.move(hours=1)

    assert (again["sid"], again["auth_time"]) == (first["sid"], first["auth_time"])
    assert rp.browse("GET", rp.request()).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "login"},
        {"prompt": "select_account"},
        {"max_age": "0"},
        {"max_age": "59"},
        {"acr_values": "mfa"},
    ],
)
def test_a_demand_for_a_new_authentication_shows_the_page(
    rp: RelyingParty, changes: dict[str, str | None]
) -> None:
    first = rp.sign_in(DANA)
    rp.clock.move(minutes=1)

    again = rp.sign_in(DANA, second_factor=True, **changes)

    assert again["auth_time"] == first["auth_time"] + 60
    assert again["sid"] == first["sid"]
    assert (again["acr"], again["amr"]) == ("mfa", ["pwd", "otp", "mfa"])
    assert rp.browse("GET", rp.request(max_age="60", acr_values="mfa")).status == 303


def test_a_maximum_age_of_zero_asks_also_within_the_same_second(rp: RelyingParty) -> None:
    rp.sign_in(DANA)

    assert rp.browse("GET", rp.request(max_age="0")).status == 200


def test_the_second_factor_is_a_choice_of_the_person(rp: RelyingParty) -> None:
    assert rp.sign_in(DANA, acr_values="mfa")["acr"] == "pwd"


def test_prompt_none_asks_nobody(rp: RelyingParty) -> None:
    assert answered(rp.browse("GET", rp.request(prompt="none")))["error"] == "login_required"
    rp.sign_in(DANA)
    assert "code" in answered(rp.browse("GET", rp.request(prompt="none")))
    rp.clock.move(minutes=2)
    assert answered(rp.browse("GET", rp.request(prompt="none", max_age="60")))["error"] == "login_required"


def test_another_person_gets_another_session(rp: RelyingParty) -> None:
    dana = rp.sign_in(DANA)
    noor = rp.sign_in(NOOR, prompt="login")

    assert noor["sid"] != dana["sid"]
    assert timedelta(seconds=noor["exp"] - noor["iat"]) <= timedelta(minutes=5)
