"""The token endpoint and the UserInfo endpoint of a provider (OpenID Connect Core, sections 3.1.3, 5.3)."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlencode

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.identity.jwt import InvalidToken, Issuers, IssuerUnavailable
from daypass.portal.identity.jwt.strict_json import parse_object
from daypass.portal.secret import Secret

_ERROR_CODE = re.compile("[a-z][a-z0-9_]{0,63}")
_BASIC, _POST = "client_secret_basic", "client_secret_post"


class TokenRefused(Exception):
    """The provider refused the code; `error` is its error code (RFC 6749, section 5.2)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one sign-in; the portal keeps the ID token at most."""

    id_token: Secret
    access_token: Secret | None


@dataclass(frozen=True, slots=True)
class ProviderEndpoints:
    """Calls the endpoints of one provider as its client."""

    config: ProviderConfig
    issuers: Issuers = field(repr=False)

    def redeem(self, code: str, redirect_uri: str, verifier: Secret) -> Tokens:
        """Exchange an authorization code for tokens; raises `TokenRefused` or `IssuerUnavailable`."""
        url = self.issuers.required_endpoint(self.config.issuer, "token_endpoint")
        headers, client = self._authentication()
        # The portal has one redirect URI for each provider; it is sent again because RFC 6749, section 4.1.3,
        # demands it.
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier.reveal(),
            **client,
        }
        response = self.issuers.fetcher.post_form(url, urlencode(form).encode(), headers)
        answer = _parse(response.body)
        # Any 4xx with an error code is about this request; anything else is a provider out of order.
        if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR and "error" in answer:
            raise TokenRefused(error_code(answer["error"]))
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if response.status != HTTPStatus.OK or not isinstance(id_token, str):
            raise IssuerUnavailable(
                f"The token endpoint answered with status {response.status} and no ID token."
            )
        if not isinstance(access_token, str) or not is_visible_ascii(access_token):
            return Tokens(Secret(id_token), None)
        return Tokens(Secret(id_token), Secret(access_token))

    def userinfo(self, access_token: Secret) -> Mapping[str, object] | None:
        """Return the claims of the UserInfo endpoint, or None if there is none.

        Raises `IssuerUnavailable`.
        """
        url = self.issuers.endpoint(self.config.issuer, "userinfo_endpoint")
        if url is None:
            return None
        response = self.issuers.fetcher.get(url, {"Authorization": f"Bearer {access_token.reveal()}"})
        if response.status != HTTPStatus.OK:
            raise IssuerUnavailable(f"The UserInfo endpoint answered with status {response.status}.")
        return _parse(response.body)

    def _authentication(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the header and the parameters that authenticate the client (RFC 6749, section 2.3.1)."""
        config = self.config
        if config.client_secret is None:
            return {}, {"client_id": config.client_id}
        secret = config.client_secret.reveal()
        # The header is the default of OpenID Connect Discovery, section 3.
        supported = self.issuers.metadata(config.issuer).get(
            "token_endpoint_auth_methods_supported", [_BASIC]
        )
        names = supported if isinstance(supported, list) else []
        if _BASIC in names:
            # A space is %20 here, which providers read that decode forms as well as those that decode URLs.
            credentials = f"{quote(config.client_id, safe='')}:{quote(secret, safe='')}"
            return {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}, {}
        if _POST in names:
            return {}, {"client_id": config.client_id, "client_secret": secret}
        raise IssuerUnavailable(f"The provider accepts a client secret neither by {_BASIC} nor by {_POST}.")


def is_visible_ascii(text: str) -> bool:
    """Return whether a code or token has only the characters that it can have (RFC 6749, appendix A)."""
    return text.isascii() and text.isprintable()


def error_code(value: object) -> str:
    """Return a provider's error code (RFC 6749, section 4.1.2.1) if it looks like one, else `unknown`.

    Everything else that a provider or an attacker writes there is no text for a page or a log.
    """
    return value if isinstance(value, str) and _ERROR_CODE.fullmatch(value) else "unknown"


def _parse(body: bytes) -> Mapping[str, object]:
    try:
        return parse_object(body)
    except InvalidToken:
        raise IssuerUnavailable("The provider's answer is not a JSON object.") from None
