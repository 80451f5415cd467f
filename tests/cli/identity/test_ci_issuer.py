"""The tests' own issuer behaves as the issuers of CI systems do."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from daypass.cli.identity import claims
from tests.fixtures.ci_issuer import FORK_JOB, GITHUB_JOB, CiIssuer, ci_issuer


def fetch(url: str, bearer: str = "") -> dict[str, object]:
    """Return the JSON at *url*."""
    request = Request(url, headers={"Authorization": f"Bearer {bearer}"})  # noqa: S310  the test's own server
    with urlopen(request, timeout=60) as answer:  # noqa: S310  as above
        found: dict[str, object] = json.load(answer)
    return found


def test_a_token_is_signed_with_the_key_that_discovery_leads_to(issuer: CiIssuer) -> None:
    metadata = fetch(f"{issuer.url}/.well-known/openid-configuration")
    keys = KeySet.import_key_set(fetch(str(metadata["jwks_uri"])))  # type: ignore[arg-type]  # JSON

    token = jwt.decode(issuer.mint("https://portal.example.com"), keys, algorithms=["RS256"])

    assert (metadata["issuer"], token.claims["iss"]) == (issuer.url, issuer.url)
    assert token.claims["repository_id"] == GITHUB_JOB["repository_id"]
    assert not [key for key in keys.as_dict(private=False)["keys"] if "d" in key]


def test_a_job_gets_tokens_with_its_bearer_token_only(issuer: CiIssuer) -> None:
    with pytest.raises(HTTPError) as refused:
        fetch(f"{issuer.request_url}&audience=x", "another")
    answer = fetch(f"{issuer.request_url}&audience=https%3A%2F%2Fportal.example.com", issuer.request_token)

    refused.value.close()
    assert refused.value.code == HTTPStatus.UNAUTHORIZED
    assert claims.unverified(str(answer["value"]))["aud"] == "https://portal.example.com"
    assert issuer.audiences == ["https://portal.example.com"]


def test_times_are_those_of_the_clock_and_any_claim_can_be_replaced() -> None:
    now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    with ci_issuer(lambda: now) as issuer:
        token = claims.unverified(issuer.mint("a", FORK_JOB, environment="production", ref=None))

    assert token["iat"] == int(now.timestamp())
    assert token["exp"] == int((now + timedelta(minutes=5)).timestamp())
    assert (token["repository_id"], token["environment"]) == ("6666", "production")
    assert "ref" not in token
