"""A provider of identities by OpenID Connect: the authorization code flow with PKCE, and logout."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_urlsafe
from urllib.parse import quote, urlencode

from daypass.common.pkce import s256_challenge
from daypass.portal.clock import Clock
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.errors import ProviderRefused, ProviderUnavailable, SignInFailed
from daypass.portal.identity.jwt import InvalidToken, Issuers, IssuerUnavailable, SignedToken
from daypass.portal.identity.providers.oidc.claims import (
    authentication_time,
    check_access_token,
    check_id_token,
    context_class,
    identifier,
    methods,
)
from daypass.portal.identity.providers.oidc.logout_tokens import LONGEST_LOGOUT_TOKEN, read_logout_token
from daypass.portal.identity.providers.oidc.model import (
    Authentication,
    AuthorizationRequest,
    LogoutToken,
    SavedRequest,
)
from daypass.portal.identity.providers.oidc.token_endpoint import (
    ProviderEndpoints,
    TokenRefused,
    Tokens,
    error_code,
    is_visible_ascii,
)
from daypass.portal.identity.providers.oidc.userinfo import completed, missing_claims
from daypass.portal.secret import Secret

_LONGEST_CODE = 4096


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """A provider that authenticates users on pages of its own.

    It proves an account at the provider, (issuer, subject); which user of the portal has it is not decided
    here. Every failure has a sentence for the user, and a `cause` for the operator without any part of a
    token.
    """

    config: ProviderConfig
    issuers: Issuers = field(repr=False)
    clock: Clock = field(repr=False)

    @property
    def name(self) -> str:
        """The name in stored sessions and in paths."""
        return self.config.name

    @property
    def label(self) -> str:
        """The name for users, as in “Sign in with …”."""
        return self.config.title

    def authorization_request(
        self, redirect_uri: str, *, max_age: timedelta | None = None, acr_values: Sequence[str] = ()
    ) -> AuthorizationRequest:
        """Return a new request, with the address of the provider's page; raises `ProviderUnavailable`.

        With *max_age*, the provider must authenticate a user again who did so longer ago; with *acr_values*,
        in one of these ways. `authenticate` checks that it did.
        """
        # `state` binds the answer to the browser, `nonce` the ID token to this request, and the verifier the
        # code to this client (RFC 9700, section 2.1).
        state, nonce, verifier = token_urlsafe(32), token_urlsafe(32), token_urlsafe(48)
        parameters = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._scopes()),
            "state": state,
            "nonce": nonce,
            "code_challenge": s256_challenge(verifier),
            "code_challenge_method": "S256",
            **_demands(max_age, acr_values),
        }
        try:
            page = self.issuers.required_endpoint(self.config.issuer, "authorization_endpoint")
        except IssuerUnavailable as error:
            raise self._unavailable(error) from error
        return AuthorizationRequest(_with_query(page, parameters), Secret(state), nonce, Secret(verifier))

    def authenticate(
        self, redirect_uri: str, answer: Mapping[str, str], saved: SavedRequest
    ) -> Authentication:
        """Return the account that the query parameters of the callback prove.

        The parameter `state` was checked already: the answer is for *saved*, which counts once. Raises
        `ProviderUnavailable`, `ProviderRefused` with the provider's error code, or `SignInFailed`.
        """
        try:
            code = self._code(answer)
            tokens = ProviderEndpoints(self.config, self.issuers).redeem(code, redirect_uri, saved.verifier)
            signed = self._verified(tokens, saved)
            claims = self._complete(signed.claims, tokens.access_token)
            return Authentication(
                issuer=self.config.issuer,
                subject=identifier(claims, "sub") or "",
                claims=claims,
                authenticated_at=authentication_time(claims),
                acr=context_class(claims),
                amr=methods(claims),
                sid=identifier(claims, "sid"),
                id_token=tokens.id_token,
                requested_at=saved.created_at,
            )
        except IssuerUnavailable as error:
            raise self._unavailable(error) from error
        except TokenRefused as error:
            raise self._refused(error.error, "the token endpoint") from None
        except InvalidToken as error:
            raise self._invalid(error) from error

    def end_session_url(self, *, id_token: Secret | None, return_to: str, state: str) -> str | None:
        """Return the address at which the provider ends its own session, or None if it has none.

        A provider that cannot be reached has none: signing out of the portal must not depend on it.
        """
        try:
            page = self.issuers.endpoint(self.config.issuer, "end_session_endpoint")
        except IssuerUnavailable:
            return None
        if page is None:
            return None
        parameters = {
            "client_id": self.config.client_id,
            "post_logout_redirect_uri": return_to,
            "state": state,
        }
        if id_token is not None:
            parameters["id_token_hint"] = id_token.reveal()
        return _with_query(page, parameters)

    def logout_token(self, text: str) -> LogoutToken:
        """Verify a logout token (OpenID Connect Back-Channel Logout, section 2.6).

        Raises `InvalidToken`, or `ProviderUnavailable` if the provider's keys cannot be read. The caller
        accepts each `jti` once.
        """
        if len(text) > LONGEST_LOGOUT_TOKEN:
            raise InvalidToken("too_long", f"The token is longer than {LONGEST_LOGOUT_TOKEN // 1024} KiB.")
        try:
            signed = self.issuers.verify(self.config.issuer, text, self.config.algorithms)
        except IssuerUnavailable as error:
            raise self._unavailable(error) from error
        return read_logout_token(self.config, signed, self.clock())

    def _scopes(self) -> Sequence[str]:
        # A refresh token would outlive the sign-in, and the portal keeps none.
        others = [scope for scope in self.config.scopes if scope not in ("openid", "offline_access")]
        return ["openid", *others]

    def _code(self, answer: Mapping[str, str]) -> str:
        """Return the authorization code of *answer*, if it is this provider's own (RFC 9207)."""
        metadata = self.issuers.metadata(self.config.issuer)
        is_announced = metadata.get("authorization_response_iss_parameter_supported") is True
        # Checked before anything else, because another provider's error would mislead too.
        if answer.get("iss", None if is_announced else self.config.issuer) != self.config.issuer:
            raise InvalidToken("answer_issuer", "The answer is of another provider.")
        if "error" in answer:
            raise self._refused(error_code(answer["error"]), "the sign-in page")
        code = answer.get("code", "")
        if not 1 <= len(code) <= _LONGEST_CODE or not is_visible_ascii(code):
            raise InvalidToken("answer_code", "The answer has no authorization code.")
        return code

    def _verified(self, tokens: Tokens, saved: SavedRequest) -> SignedToken:
        """Return the ID token, every claim of which was checked."""
        text = tokens.id_token.reveal()
        signed = self.issuers.verify(self.config.issuer, text, self.config.algorithms)
        check_id_token(self.config, signed, saved, self.clock())
        check_access_token(signed, None if tokens.access_token is None else tokens.access_token.reveal())
        return signed

    def _complete(self, claims: Mapping[str, object], access_token: Secret | None) -> Mapping[str, object]:
        """Return *claims* with the configured ones that only the UserInfo endpoint has."""
        missing = missing_claims(self.config, claims)
        if not missing or access_token is None:
            return claims
        more = ProviderEndpoints(self.config, self.issuers).userinfo(access_token)
        if more is None:
            return claims
        # The answer to a stolen or swapped access token describes another account.
        if more.get("sub") != claims["sub"]:
            raise InvalidToken("userinfo_subject", "The UserInfo endpoint describes another account.")
        return completed(claims, more, missing)

    def _unavailable(self, error: IssuerUnavailable) -> ProviderUnavailable:
        refusal = ProviderUnavailable(
            f"Sign-in with {self.label} is not available at the moment. Try again in a few minutes; if it "
            "does not work then, tell the operator of the portal."
        )
        refusal.cause = f"{self.name}: {error}"
        return refusal

    def _refused(self, error: str, where: str) -> ProviderRefused:
        refusal = ProviderRefused(
            error,
            f"{self.label} refused the sign-in (error code {error}). Try again; if it refuses again, send "
            "this code to the operator of the portal.",
        )
        refusal.cause = f"{self.name}: {where} answered with the error {error}"
        return refusal

    def _invalid(self, error: InvalidToken) -> SignInFailed:
        refusal = SignInFailed(
            f"The answer of {self.label} was not accepted ({error.reason}). Start the sign-in again; if it "
            "fails again, send this word to the operator of the portal."
        )
        refusal.cause = f"{self.name}: {error.reason}: {error}"
        return refusal


def _demands(max_age: timedelta | None, acr_values: Sequence[str]) -> Mapping[str, str]:
    """Return the parameters that ask for an authentication of a certain age or strength."""
    parameters: dict[str, str] = {}
    claims: dict[str, object] = {}
    if max_age is not None:
        parameters["max_age"] = str(int(max_age.total_seconds()))
        if not max_age:
            # Some providers take the age 0 for no limit.
            parameters["prompt"] = "login"
        claims["auth_time"] = {"essential": True}
    if acr_values:
        # `acr_values` alone is a wish, which providers may ignore (OpenID Connect Core, section 5.5.1.1).
        parameters["acr_values"] = " ".join(acr_values)
        claims["acr"] = {"essential": True, "values": list(acr_values)}
    if claims:
        parameters["claims"] = json.dumps({"id_token": claims}, separators=(",", ":"))
    return parameters


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    """Add *parameters* to a URL, which may have a query already (RFC 6749, section 3.1)."""
    address = url.partition("#")[0]
    return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters, quote_via=quote)}"
