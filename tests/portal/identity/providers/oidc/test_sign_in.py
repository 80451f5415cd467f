"""The authorization code flow: the request, the answer, and the calls of the provider."""

import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from daypass.portal.config.providers import GroupSource
from daypass.portal.errors import ProviderRefused, ProviderUnavailable, SignInFailed
from daypass.portal.secret import Secret
from tests.captured_log import captured_log
from tests.fakes import NOON, FakeClock
from tests.fixtures.forging_issuer import CANARY, Answer, ForgingIssuer, forging_issuer
from tests.fixtures.signing import ec_key
from tests.portal.identity.providers.oidc.conftest import CALLBACK, Configure, Sign

DISCOVERY = "/.well-known/openid-configuration"


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_a_person_signs_in(sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.id_token_changes = {"sid": "session-1", "acr": "pwd", "amr": ["pwd", "otp"]}

    proved = sign.in_()

    assert (proved.issuer, proved.subject) == (issuer.url, "alice-1")
    assert (proved.authenticated_at, proved.acr, proved.amr) == (NOON, "pwd", ("pwd", "otp"))
    assert proved.sid == "session-1"
    assert proved.claims["email"] == "alice@example.com"
    assert proved.id_token.reveal().count(".") == 2
    assert (sign.provider.name, sign.provider.label) == ("idp", "Example")


def test_the_request_has_state_nonce_and_a_code_challenge_and_no_demands(
    configure: Configure, issuer: ForgingIssuer
) -> None:
    sign = configure(scopes=("email", "offline_access", "openid", "groups"))

    first, second = sign.request(), sign.request()

    asked = parameters(first.url)
    challenge = asked.pop("code_challenge")
    assert first.url.startswith(f"{issuer.url}/authorize?")
    assert asked == {
        "response_type": "code",
        "client_id": "daypass",
        "redirect_uri": CALLBACK,
        "scope": "openid email groups",
        "state": first.state.reveal(),
        "nonce": first.nonce,
        "code_challenge_method": "S256",
    }
    assert len(challenge) == 43
    assert 43 <= len(first.verifier.reveal()) <= 128
    assert len(first.nonce) <= 64
    assert first.verifier.reveal() not in first.url
    made = [each for request in (first, second) for each in (request.state.reveal(), request.nonce)]
    assert len({*made, first.verifier.reveal(), second.verifier.reveal()}) == 6


def test_the_query_of_the_provider_s_page_is_kept(sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.metadata_changes["authorization_endpoint"] = f"{issuer.url}/authorize?tenant=a#top"

    asked = parameters(sign.request().url)

    assert (asked["tenant"], asked["client_id"]) == ("a", "daypass")


def test_a_step_up_asks_in_every_way_that_providers_understand(sign: Sign) -> None:
    sign.max_age, sign.acr_values = timedelta(), ("urn:a", "urn:b")

    asked = parameters(sign.request().url)

    assert (asked["max_age"], asked["prompt"], asked["acr_values"]) == ("0", "login", "urn:a urn:b")
    assert json.loads(asked["claims"]) == {
        "id_token": {
            "auth_time": {"essential": True},
            "acr": {"essential": True, "values": ["urn:a", "urn:b"]},
        }
    }

    sign.max_age, sign.acr_values = timedelta(minutes=5), ()
    asked = parameters(sign.request().url)
    assert asked["max_age"] == "300"
    assert not {"prompt", "acr_values"} & asked.keys()


def test_the_code_is_redeemed_once_with_its_verifier(sign: Sign, issuer: ForgingIssuer) -> None:
    request = sign.request()
    answer = issuer.authorize(request.url)
    sign.provider.authenticate(CALLBACK, answer, sign.saved(request))

    form = next(each for each in issuer.requests if each.path == "/token").form
    assert form == {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": request.verifier.reveal(),
    }
    with pytest.raises(ProviderRefused, match="invalid_grant"):
        sign.provider.authenticate(CALLBACK, answer, sign.saved(request))


def test_a_code_of_another_attempt_fails_at_the_provider_by_its_verifier(
    sign: Sign, issuer: ForgingIssuer
) -> None:
    victim, attacker = sign.request(), sign.request()
    injected = {**issuer.authorize(victim.url), "code": issuer.authorize(attacker.url)["code"]}

    with pytest.raises(ProviderRefused, match="invalid_grant"):
        sign.provider.authenticate(CALLBACK, injected, sign.saved(victim))


def test_an_injected_code_fails_by_its_nonce_at_a_provider_that_ignores_the_verifier(
    sign: Sign, issuer: ForgingIssuer
) -> None:
    other = sign.request().nonce
    issuer.id_token_changes = {"nonce": other}

    assert sign.reason() == "nonce"


SECRET = "s e+c:r%é/t"


@pytest.mark.parametrize(
    ("supported", "is_header"),
    [
        (None, True),
        (["client_secret_post", "client_secret_basic"], True),
        (["private_key_jwt", "client_secret_post"], False),
    ],
)
def test_the_client_authenticates_as_the_metadata_says(
    supported: object, is_header: bool, configure: Configure, issuer: ForgingIssuer
) -> None:
    issuer.client_secret = SECRET
    issuer.metadata_changes["token_endpoint_auth_methods_supported"] = supported

    configure(client_secret=Secret(SECRET)).in_()

    received = next(each for each in issuer.requests if each.path == "/token")
    assert ("authorization" in received.headers) is is_header
    assert ("client_secret" in received.form) is not is_header


@pytest.mark.parametrize("supported", [["private_key_jwt"], [], "client_secret_basic", 5])
def test_a_provider_that_accepts_no_secret_is_explained_to_the_operator(
    supported: object, sign: Sign, issuer: ForgingIssuer
) -> None:
    issuer.metadata_changes["token_endpoint_auth_methods_supported"] = supported

    refusal = sign.refused()

    assert isinstance(refusal, ProviderUnavailable)
    assert "neither by client_secret_basic nor by client_secret_post" in str(refusal.cause)


def test_a_public_client_names_itself_only(configure: Configure, issuer: ForgingIssuer) -> None:
    issuer.client_secret = None

    configure(client_secret=None).in_()

    received = next(each for each in issuer.requests if each.path == "/token")
    assert received.form["client_id"] == "daypass"
    assert "authorization" not in received.headers


@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize("error", [None, "access_denied"])
def test_an_answer_of_another_issuer_is_refused_before_anything_else(
    is_announced: bool, error: str | None, sign: Sign, issuer: ForgingIssuer
) -> None:
    issuer.metadata_changes["authorization_response_iss_parameter_supported"] = is_announced

    for iss in ("https://attacker.example.com", f"{issuer.url}/", ""):
        assert sign.reason(iss=iss, error=error) == "answer_issuer"

    assert issuer.hits("/token") == 0


def test_the_issuer_of_an_answer_is_demanded_if_the_metadata_announces_it(
    sign: Sign, issuer: ForgingIssuer, clock: FakeClock
) -> None:
    assert sign.reason(iss=None) == "answer_issuer"
    assert sign.reason(iss=None, error="access_denied") == "answer_issuer"

    issuer.metadata_changes["authorization_response_iss_parameter_supported"] = None
    clock.move(timedelta(hours=1))
    assert sign.in_(iss=None).subject == "alice-1"


def test_a_code_of_one_provider_is_worth_nothing_at_the_callback_of_another(
    sign: Sign, issuer: ForgingIssuer, clock: FakeClock
) -> None:
    with forging_issuer(clock) as attacker:
        request = sign.request()
        mixed_up = {**issuer.authorize(request.url), "iss": attacker.url}
        with pytest.raises(SignInFailed):
            sign.provider.authenticate(CALLBACK, mixed_up, sign.saved(request))

        # A provider that announces nothing is still asked for its own tokens, which must name it.
        issuer.metadata_changes["authorization_response_iss_parameter_supported"] = False
        clock.move(timedelta(hours=1))
        issuer.id_token_forger = lambda claims: attacker.token({**claims, "iss": attacker.url})
        assert sign.reason(iss=None) in ("signature", "key", "issuer")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("access_denied", "access_denied"),
        ("login_required", "login_required"),
        ("", "unknown"),
        ("Call +1 555 0100 now", "unknown"),
        ("<script>", "unknown"),
        ("a" * 65, "unknown"),
        ("línea", "unknown"),
        ("a\nb", "unknown"),
        ("a\n", "unknown"),
    ],
)
def test_an_error_of_the_provider_is_shown_by_its_code_and_never_by_its_text(
    sent: str, shown: str, sign: Sign
) -> None:
    refusal = sign.refused(error=sent, error_description=CANARY, error_uri=CANARY)

    assert isinstance(refusal, ProviderRefused)
    assert refusal.error == shown
    assert f"(error code {shown})" in refusal.reason


@pytest.mark.parametrize("code", [None, "", "a" * 4097, "é", "a\n", "\ud800"])
def test_an_answer_without_a_code_never_reaches_the_provider(
    code: str | None, sign: Sign, issuer: ForgingIssuer
) -> None:
    assert sign.reason(code=code) == "answer_code"
    assert issuer.hits("/token") == 0


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            Answer({"error": "invalid_client", "error_description": CANARY}, 401),
            ProviderRefused,
            "invalid_client",
        ),
        (Answer({"error": [CANARY]}, 400), ProviderRefused, "unknown"),
        (Answer({"error": "server_error"}, 500), ProviderUnavailable, "status 500"),
        (Answer({"message": CANARY}, 400), ProviderUnavailable, "status 400"),
        (Answer(CANARY.encode(), 502), ProviderUnavailable, "not a JSON object"),
        (Answer(b'{"id_token":"a","id_token":"b"}'), ProviderUnavailable, "not a JSON object"),
        (Answer({"access_token": CANARY}), ProviderUnavailable, "no ID token"),
        (Answer({"id_token": [CANARY]}), ProviderUnavailable, "no ID token"),
        (Answer({"id_token": "a.b.c"}, 201), ProviderUnavailable, "status 201"),
        (
            Answer(status=302, headers={"Location": "http://169.254.169.254/"}),
            ProviderUnavailable,
            "redirect",
        ),
    ],
)
def test_an_unusable_answer_of_the_token_endpoint_is_explained(
    answer: Answer, kind: type[Exception], said: str, sign: Sign, issuer: ForgingIssuer
) -> None:
    issuer.answers["/token"] = answer

    refusal = sign.refused()

    assert type(refusal) is kind
    assert said in f"{refusal.reason} {refusal.cause}"


def test_a_provider_that_is_down_is_a_page_for_the_user_and_a_cause_for_the_operator(
    sign: Sign, issuer: ForgingIssuer, clock: FakeClock
) -> None:
    request = sign.request()
    answer, saved = issuer.authorize(request.url), sign.saved(request)
    issuer.close()

    with pytest.raises(ProviderUnavailable, match="Sign-in with Example is not available") as down:
        sign.provider.authenticate(CALLBACK, answer, saved)
    assert issuer.url not in down.value.reason
    assert f"The connection to {issuer.url}/token failed: Connection refused." in str(down.value.cause)

    clock.move(timedelta(hours=26))
    with pytest.raises(ProviderUnavailable):
        sign.provider.authorization_request(CALLBACK)


def test_the_keys_may_rotate_between_two_sign_ins(sign: Sign, issuer: ForgingIssuer) -> None:
    sign.in_()
    issuer.keys = [ec_key("new")]

    assert sign.in_().subject == "alice-1"


@pytest.mark.parametrize("member", ["token_endpoint", "authorization_endpoint", "userinfo_endpoint"])
def test_an_address_inward_in_the_metadata_is_never_called(
    member: str, configure: Configure, issuer: ForgingIssuer
) -> None:
    issuer.metadata_changes[member] = "http://169.254.169.254/latest/meta-data"

    refusal = configure(groups=GroupSource.CLAIM).refused()

    assert isinstance(refusal, ProviderUnavailable)
    assert f"no usable address in {member}" in str(refusal.cause)


def test_userinfo_is_asked_for_configured_claims_that_the_id_token_lacks(
    configure: Configure, issuer: ForgingIssuer
) -> None:
    issuer.userinfo = {
        "sub": "alice-1",
        "email": "other@example.com",
        "preferred_username": "alice",
        "groups": ["a"],
        "role": "admin",
    }
    complete, partial = configure(), configure(groups=GroupSource.CLAIM)

    assert "groups" not in complete.in_().claims
    assert issuer.hits("/userinfo") == 0

    claims = partial.in_().claims
    assert claims["groups"] == ["a"]
    assert claims["email"] == "alice@example.com"
    # A claim that nobody configured is not taken over.
    assert "role" not in claims
    received = next(each for each in issuer.requests if each.path == "/userinfo")
    assert received.headers["authorization"] == f"Bearer {CANARY}-access"
    assert received.path == "/userinfo"


@pytest.mark.parametrize(
    ("changes", "lacking", "is_asked"),
    [
        ({}, ["email", "preferred_username"], False),
        ({"scopes": ("openid", "email")}, ["email"], True),
        ({"scopes": ("openid", "email")}, ["email_verified"], False),
        ({"creates_users": True}, ["preferred_username"], True),
        ({"creates_users": True, "username_claim": "upn"}, ["upn"], True),
        ({"creates_users": True, "username_claim": "email"}, ["email_verified"], True),
        ({"username_claim": "email"}, ["email_verified"], False),
        ({"links_by_email": True}, ["email_verified"], True),
        ({"email_domains": frozenset({"example.com"})}, ["email_verified"], True),
        ({"external_id_claim": "oid"}, ["oid"], True),
        ({"groups": GroupSource.CLAIM}, ["groups"], True),
        ({"groups": GroupSource.CLAIM, "groups_claim": "urn:g"}, ["urn:g"], True),
        ({"groups": GroupSource.SCIM}, ["groups"], False),
    ],
)
def test_userinfo_is_asked_only_if_the_configuration_uses_what_is_missing(
    changes: dict[str, object],
    lacking: list[str],
    is_asked: bool,
    configure: Configure,
    issuer: ForgingIssuer,
) -> None:
    everything = ["email", "email_verified", "preferred_username", "upn", "oid", "groups", "urn:g"]
    issuer.userinfo = {"sub": "alice-1"}
    issuer.id_token_changes = {name: None if name in lacking else "x" for name in everything}

    configure(**changes).in_()

    assert issuer.hits("/userinfo") == is_asked


EVE, ALICE = "eve@example.org", "alice@example.com"


@pytest.mark.parametrize(
    ("id_token", "userinfo", "expected"),
    [
        ({"email": ALICE}, {"email": ALICE, "email_verified": True}, (ALICE, True)),
        ({"email": ALICE}, {"email": EVE, "email_verified": True}, (ALICE, None)),
        ({"email": ALICE}, {"email_verified": True}, (ALICE, None)),
        ({"email": None}, {"email": ALICE, "email_verified": True}, (ALICE, True)),
        ({"email": None, "email_verified": True}, {"email": ALICE}, (None, True)),
        ({"email": ALICE, "email_verified": False}, {"email": ALICE, "email_verified": True}, (ALICE, False)),
    ],
)
def test_that_an_address_was_verified_is_believed_only_of_this_address(
    id_token: dict[str, object],
    userinfo: dict[str, object],
    expected: tuple[object, object],
    configure: Configure,
    issuer: ForgingIssuer,
) -> None:
    issuer.id_token_changes = id_token
    issuer.userinfo = {"sub": "alice-1", **userinfo}

    claims = configure(links_by_email=True).in_().claims

    assert (claims.get("email"), claims.get("email_verified")) == expected


def test_userinfo_does_not_replace_groups_that_the_provider_left_out(
    configure: Configure, issuer: ForgingIssuer
) -> None:
    issuer.id_token_changes = {"_claim_names": {"groups": "src1"}}
    issuer.userinfo = {"sub": "alice-1", "groups": []}

    assert "groups" not in configure(groups=GroupSource.CLAIM).in_().claims


@pytest.mark.parametrize("answer", [{"sub": "bob-2"}, {}, {"sub": ["alice-1"]}, {"sub": None}])
def test_userinfo_of_another_account_is_refused(
    answer: Mapping[str, object], configure: Configure, issuer: ForgingIssuer
) -> None:
    issuer.userinfo = {**answer, "groups": ["admins"]}

    assert configure(groups=GroupSource.CLAIM).reason() == "userinfo_subject"


@pytest.mark.parametrize("answer", [Answer({"error": CANARY}, 500), Answer(CANARY.encode()), Answer(b"[]")])
def test_userinfo_that_cannot_be_read_is_an_outage(
    answer: Answer, configure: Configure, issuer: ForgingIssuer
) -> None:
    issuer.answers["/userinfo"] = answer

    assert isinstance(configure(groups=GroupSource.CLAIM).refused(), ProviderUnavailable)


def test_a_provider_without_userinfo_gives_what_it_has(configure: Configure, issuer: ForgingIssuer) -> None:
    issuer.metadata_changes["userinfo_endpoint"] = None

    assert "groups" not in configure(groups=GroupSource.CLAIM).in_().claims


@pytest.mark.parametrize("access_token", [None, 5, "a\r\nX: y", "é", "\ud7ff"])
def test_without_a_usable_access_token_userinfo_is_not_asked(
    access_token: object, configure: Configure, issuer: ForgingIssuer
) -> None:
    sign = configure(groups=GroupSource.CLAIM)
    request = sign.request()
    answer = issuer.authorize(request.url)
    id_token = issuer.token(issuer.id_claims(nonce=request.nonce))
    issuer.answers["/token"] = Answer({"id_token": id_token, "access_token": access_token})

    assert sign.provider.authenticate(CALLBACK, answer, sign.saved(request)).subject == "alice-1"
    assert issuer.hits("/userinfo") == 0


def test_nothing_secret_is_in_a_repr_or_a_log(
    sign: Sign, issuer: ForgingIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    issuer.id_token_changes = {"note": CANARY}
    with captured_log() as log:
        request = sign.request()
        saved = sign.saved(request)
        proved = sign.provider.authenticate(CALLBACK, issuer.authorize(request.url), saved)

    texts = [repr(each) for each in (request, saved, proved, sign.provider, sign.provider.issuers)]
    texts += [log.getvalue(), caplog.text]
    secrets = [
        CANARY,
        "secret-of-the-client",
        request.nonce,
        request.state.reveal(),
        request.verifier.reveal(),
        proved.id_token.reveal(),
    ]
    assert [(secret, text) for secret in secrets for text in texts if secret in text] == []


def test_signing_out_leads_to_the_provider_with_what_it_needs(sign: Sign, issuer: ForgingIssuer) -> None:
    url = sign.provider.end_session_url(id_token=None, return_to="https://portal.example.com/", state="s")

    assert url is not None
    assert url.startswith(f"{issuer.url}/logout?")
    assert parameters(url) == {
        "client_id": "daypass",
        "post_logout_redirect_uri": "https://portal.example.com/",
        "state": "s",
    }
    hinted = sign.provider.end_session_url(id_token=Secret("a.b.c"), return_to="https://p", state="s")
    assert parameters(str(hinted))["id_token_hint"] == "a.b.c"


@pytest.mark.parametrize("address", [None, "http://169.254.169.254/", "javascript:alert(1)", 5])
def test_signing_out_never_fails_because_of_the_provider(
    address: object, sign: Sign, issuer: ForgingIssuer
) -> None:
    issuer.metadata_changes["end_session_endpoint"] = address

    assert sign.provider.end_session_url(id_token=None, return_to="https://p", state="s") is None


def test_signing_out_works_while_the_provider_is_down(sign: Sign, issuer: ForgingIssuer) -> None:
    issuer.close()

    assert sign.provider.end_session_url(id_token=None, return_to="https://p", state="s") is None
