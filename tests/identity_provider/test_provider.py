"""The provider behaves as the tests that use it assume."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import urllib3

from tests.identity_provider.run import Browser, IdentityProvider

REDIRECT_URI = "http://127.0.0.1:1/sign-in/oidc/test/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def url(provider: IdentityProvider, **parameters: str) -> str:
    request = {
        "client_id": "daypass",
        "response_type": "code",
        "scope": "openid profile email groups",
        "redirect_uri": REDIRECT_URI,
        "state": "a-state",
        "nonce": "a-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{provider.metadata()['authorization_endpoint']}?{urlencode(request | parameters)}"


def id_token(provider: IdentityProvider, code: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of the ID token for an authorization code."""
    form = {
        "grant_type": "authorization_code",
        "client_id": "daypass",
        "client_secret": "a-secret-of-a-client",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    endpoint = provider.metadata()["token_endpoint"]
    token: str = (
        urllib3.PoolManager()
        .request_encode_body("POST", endpoint, fields=form, encode_multipart=False)
        .json()["id_token"]
    )
    return decoded(token)


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), json.loads(claims)


def add_client(provider: IdentityProvider, **metadata: object) -> None:
    provider.add_client(
        "daypass",
        [REDIRECT_URI],
        client_secret="a-secret-of-a-client",
        token_endpoint_auth_method="client_secret_post",
        **metadata,
    )


def test_a_code_flow_gives_the_claims_of_the_account(identity_provider: IdentityProvider) -> None:
    add_client(identity_provider, id_token_signed_response_alg="ES256")
    identity_provider.add_account(
        "dana", email="dana@example.com", email_verified=True, groups=["developers"], hd="example.com"
    )

    answer = Browser().sign_in(url(identity_provider), "dana", REDIRECT_URI)
    header, claims = id_token(identity_provider, answer["code"])

    assert (answer["state"], answer["iss"]) == ("a-state", identity_provider.issuer)
    assert header["alg"] == "ES256"
    assert (claims["sub"], claims["nonce"], claims["aud"]) == ("dana", "a-nonce", "daypass")
    assert (claims["email"], claims["email_verified"]) == ("dana@example.com", True)
    assert (claims["groups"], claims["hd"]) == (["developers"], "example.com")


def test_each_login_can_have_its_own_acr_and_time(identity_provider: IdentityProvider) -> None:
    add_client(identity_provider, require_auth_time=True)
    identity_provider.add_account("dana", login={"acr": "mfa", "amr": ["otp"], "ts": 1_000_000_000})

    answer = Browser().sign_in(url(identity_provider), "dana", REDIRECT_URI)
    _, claims = id_token(identity_provider, answer["code"])

    assert (claims["acr"], claims["amr"], claims["auth_time"]) == ("mfa", ["otp"], 1_000_000_000)


def test_a_browser_with_a_session_is_asked_again_only_on_demand(identity_provider: IdentityProvider) -> None:
    add_client(identity_provider)
    for name in ("dana", "erin"):
        identity_provider.add_account(name)
    browser = Browser()
    browser.sign_in(url(identity_provider), "dana", REDIRECT_URI)

    silent = browser.sign_in(url(identity_provider), "erin", REDIRECT_URI)
    assert id_token(identity_provider, silent["code"])[1]["sub"] == "dana"
    asked = browser.sign_in(url(identity_provider, prompt="login", max_age="0"), "erin", REDIRECT_URI)

    assert id_token(identity_provider, asked["code"])[1]["sub"] == "erin"


def test_a_user_can_cancel(identity_provider: IdentityProvider) -> None:
    add_client(identity_provider)

    answer = Browser().sign_in(url(identity_provider), "", REDIRECT_URI)

    assert answer["error"] == "access_denied"


def test_a_logout_token_is_as_the_specification_says(identity_provider: IdentityProvider) -> None:
    add_client(
        identity_provider,
        backchannel_logout_uri="http://127.0.0.1:1/logout",
        backchannel_logout_session_required=True,
    )

    header, claims = decoded(identity_provider.logout_token("daypass", "dana", "a-session"))

    assert header["typ"] == "logout+jwt"
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert (claims["aud"], claims["sub"], claims["sid"]) == ("daypass", "dana", "a-session")
    assert claims["exp"] - claims["iat"] == 120
