"""Tests of the parameters and redirect URIs of authorization requests."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.errors import OAuthRefused
from daypass.portal.identity.oauth.model import Loopback, ManualRedirect, challenge_of, parse_redirect_uri
from tests.portal.identity.oauth.conftest import CHALLENGE, PARAMETERS, PASTE_BACK, VERIFIER

PATH = "/cb/0123456789abcdef"


@given(st.integers(1024, 65535))
def test_a_loopback_redirect_uri_is_rebuilt_from_its_port(port: int) -> None:
    destination = parse_redirect_uri(f"http://127.0.0.1:{port}{PATH}", PASTE_BACK)

    assert destination == Loopback(port, PATH)
    assert isinstance(destination, Loopback)
    assert destination.url == f"http://127.0.0.1:{port}{PATH}"


def test_the_portal_page_is_a_manual_redirect() -> None:
    assert parse_redirect_uri(PASTE_BACK, PASTE_BACK) == ManualRedirect()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://127.0.0.1/cb/0123456789abcdef",
        "http://127.0.0.1:80/cb/0123456789abcdef",
        "http://127.0.0.1:1023/cb/0123456789abcdef",
        "http://127.0.0.1:65536/cb/0123456789abcdef",
        "http://127.0.0.1:08443/cb/0123456789abcdef",
        "http://127.0.0.1:+8443/cb/0123456789abcdef",
        "http://127.0.0.1:\N{FULLWIDTH DIGIT EIGHT}443/cb/0123456789abcdef",
        "http://127.0.0.1:54321@evil.example/cb/0123456789abcdef",
        "http://127.0.0.1:54321/cb/0123456789abcdef/../..",
        "http://127.0.0.1:54321/cb/short",
        "http://127.0.0.1:54321/cb/0123456789abcdef?x=1",
        "http://127.0.0.1:54321/cb/0123456789abcdef#x",
        "http://127.0.0.1:54321/cb/0123456789abcdef\n",
        "http://127.0.0.1.evil.example:54321/cb/0123456789abcdef",
        "http://localhost:54321/cb/0123456789abcdef",
        "http://[::1]:54321/cb/0123456789abcdef",
        "http://127.1:54321/cb/0123456789abcdef",
        "https://127.0.0.1:54321/cb/0123456789abcdef",
        "//evil.example/oauth/code",
        f"{PASTE_BACK}/x",
    ],
)
def test_every_other_redirect_uri_is_refused(address: str) -> None:
    with pytest.raises(OAuthRefused, match="redirect_uri"):
        parse_redirect_uri(address, PASTE_BACK)


@given(st.text(max_size=60))
def test_no_redirect_uri_leaves_the_loopback_interface(text: str) -> None:
    for address in (text, f"http://127.0.0.1:{text}", f"http://{text}:54321{PATH}"):
        try:
            destination = parse_redirect_uri(address, PASTE_BACK)
        except OAuthRefused:
            continue
        assert isinstance(destination, Loopback)
        assert destination.url == address
        assert 1024 <= destination.port <= 65535


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": ""},
        {"client_id": "<b>"},
        {"challenge": "plain"},
        {"challenge": CHALLENGE + "="},
        {"state": "short"},
        {"state": "s" * 200},
        {"device": ""},
        {"device": "x" * 65},
        {"device": "a\x1b[2Jb"},
        {"tenant": "a\nb"},
        {"version": "v" * 33},
    ],
)
def test_a_malformed_request_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(OAuthRefused):
        replace(PARAMETERS, **change).check()


def test_the_code_challenge_is_that_of_rfc_7636() -> None:
    # The example of appendix B.
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
    assert challenge_of(VERIFIER) == CHALLENGE


@pytest.mark.parametrize("verifier", ["", "v" * 42, "v" * 129, "v" * 42 + "é"])
def test_a_malformed_verifier_has_no_challenge(verifier: str) -> None:
    assert challenge_of(verifier) is None
