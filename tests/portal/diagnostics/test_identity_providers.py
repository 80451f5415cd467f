"""The findings of the doctor on identity providers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.clock import utc_now
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.diagnostics.identity_providers import ProviderDoctor
from daypass.portal.identity.jwt import Issuers
from tests.fixtures.forging_issuer import Answer, ForgingIssuer
from tests.identity_provider.run import IdentityProvider
from tests.portal.http.world import portal_config
from tests.portal.processes import Operator

PUBLIC_URL = "https://portal.example.com"


@pytest.fixture
def issuer() -> Iterator[ForgingIssuer]:
    opened = ForgingIssuer(utc_now)
    yield opened
    opened.close()


def findings(
    provider: ProviderConfig,
    ahead: timedelta = timedelta(0),
    public_url: str = PUBLIC_URL,
) -> Mapping[str, Finding]:
    """Return the worst finding of each check, by a machine whose clock is *ahead*."""
    config = replace(portal_config("sqlite:///x"), providers=(provider,), stated_public_url=public_url)
    doctor = ProviderDoctor(config, lambda: utc_now() + ahead, Issuers(utc_now))
    levels = list(Level)
    found = sorted(doctor.examine(), key=lambda finding: levels.index(finding.level))
    return {finding.code.removeprefix("provider_"): finding for finding in found}


def of(issuer: ForgingIssuer, **changes: object) -> ProviderConfig:
    config = ProviderConfig("company", issuer.url, issuer.client_id)
    return replace(config, **changes)  # type: ignore[arg-type]  # by name


def test_an_honest_provider_is_fine(identity_provider: IdentityProvider) -> None:
    provider = ProviderConfig(
        "company", identity_provider.issuer, "daypass", groups=GroupSource.CLAIM, acr_values=("mfa",)
    )

    found = findings(provider)

    assert {finding.level for finding in found.values()} == {Level.FINE}
    assert set(found) == {"discovery", "redirect_uri", "keys", "algorithms", "logout"}
    assert f"{PUBLIC_URL}/sign-in/oidc/company/callback." in found["redirect_uri"].sentence
    assert "RS256, PS256, ES256, EdDSA" in found["algorithms"].sentence
    assert "also ends the session there, and it can end sessions here" in found["logout"].sentence


@pytest.mark.parametrize(
    ("check", "changes", "metadata", "level", "says"),
    [
        (
            "algorithms",
            {},
            {"id_token_signing_alg_values_supported": ["HS256"]},
            Level.ERROR,
            "signs with HS256",
        ),
        ("keys", {"algorithms": ("ES256",)}, {}, Level.ERROR, "None of its 1 keys is for one of ES256"),
        ("pkce", {}, {"code_challenge_methods_supported": ["plain"]}, Level.WARNING, "PKCE with S256"),
        ("scopes", {}, {"scopes_supported": ["openid"]}, Level.WARNING, "the scopes profile, email"),
        (
            "claims",
            {"groups": GroupSource.CLAIM},
            {"claims_supported": ["sub"]},
            Level.WARNING,
            "the claims groups (claims_supported). Sign-ins without it are refused.",
        ),
        (
            "claims",
            {"creates_users": True, "username_claim": "email"},
            {"claims_supported": ["sub", "email"]},
            Level.WARNING,
            "the claims email_verified (claims_supported).",
        ),
        (
            "claims",
            {"email_domains": frozenset({"example.com"})},
            {"claims_supported": ["sub", "email"]},
            Level.WARNING,
            "the claims email_verified (claims_supported). Sign-ins without it are refused.",
        ),
        (
            "username",
            {"creates_users": True, "username_claim": "email"},
            {},
            Level.WARNING,
            "Every account with a verified e-mail address there gets a user",
        ),
        (
            "acr_values",
            {"acr_values": ("phr",)},
            {"acr_values_supported": ["pwd"]},
            Level.WARNING,
            "the acr_values phr",
        ),
        ("logout", {}, {"end_session_endpoint": None}, Level.FINE, "does not end the session there"),
        (
            "discovery",
            {},
            {"jwks_uri": "http://192.0.2.1/keys"},
            Level.ERROR,
            "no usable address in jwks_uri",
        ),
        ("discovery", {}, {"issuer": "https://example.com"}, Level.ERROR, "is of another issuer"),
    ],
)
def test_a_difference_is_a_finding(
    issuer: ForgingIssuer,
    check: str,
    changes: dict[str, object],
    metadata: dict[str, object],
    level: Level,
    says: str,
) -> None:
    before = findings(of(issuer)).get(check)
    issuer.metadata_changes = metadata

    found = findings(of(issuer, **changes))[check]

    assert (found.level, says in found.sentence) == (level, True), found
    assert found.subject == "identity provider company"
    assert before is None or says not in before.sentence


@pytest.mark.parametrize(
    "bound",
    [
        {"email_domains": frozenset({"example.com"})},
        {"required_claims": {"hd": "example.com"}},
        {"creates_users": False},
        {"username_claim": "upn"},
    ],
)
def test_addresses_as_usernames_of_bounded_accounts_are_no_finding(
    issuer: ForgingIssuer, bound: dict[str, object]
) -> None:
    provider = of(issuer, **{"creates_users": True, "username_claim": "email", **bound})

    assert "username" not in findings(provider)


def test_what_a_provider_does_not_announce_is_no_finding(issuer: ForgingIssuer) -> None:
    issuer.metadata_changes = {"code_challenge_methods_supported": None, "scopes_supported": "x"}

    assert {finding.level for finding in findings(of(issuer)).values()} == {Level.FINE}


@pytest.mark.parametrize(
    ("seconds", "level", "says"),
    [(45, Level.WARNING, "s ahead of the provider's"), (-300, Level.ERROR, "s behind the provider's")],
)
def test_a_wrong_clock_is_a_finding(issuer: ForgingIssuer, seconds: int, level: Level, says: str) -> None:
    found = findings(of(issuer), timedelta(seconds=seconds))["clock"]

    assert (found.level, says in found.sentence) == (level, True), found
    assert "clock" not in findings(of(issuer))


def test_a_public_url_without_tls_is_a_finding(issuer: ForgingIssuer) -> None:
    assert findings(of(issuer), public_url="http://portal.example.com")["redirect_uri"].level is Level.WARNING
    assert findings(of(issuer), public_url="http://127.0.0.1:8443")["redirect_uri"].level is Level.FINE


def test_a_key_set_that_is_none_is_a_finding(issuer: ForgingIssuer) -> None:
    issuer.answers["/keys"] = Answer(b"<html>")

    assert "not a JSON Web Key Set" in findings(of(issuer))["discovery"].sentence


def test_the_command_prints_them_and_fails_while_a_provider_is_down(
    operator: Operator, issuer: ForgingIssuer
) -> None:
    operator.run_inside("migrate")
    variables = {"DAYPASS_PROVIDER_COMPANY_ISSUER": issuer.url, "DAYPASS_PROVIDER_COMPANY_CLIENT_ID": "x"}
    up = operator.run_inside("doctor", **variables)
    issuer.close()
    down = operator.run_inside("doctor", **variables)

    assert f"✓ identity provider company: The metadata of {issuer.url} can be read." in up.stdout
    assert "✗ identity provider company: No user can sign in with it. The connection to" in down.stdout
