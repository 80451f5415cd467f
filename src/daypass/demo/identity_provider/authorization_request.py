"""Authorization requests (OpenID Connect Core, section 3.1.2.1), parsed and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl

from daypass.demo.identity_provider.settings import Client

SCOPES = ("openid", "profile", "email", "groups")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_MOST_PARAMETERS = 50


class RequestRefused(Exception):
    """A refused request: an error code of OAuth or OpenID Connect, and a sentence with the reason."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class UntrustedRequest(Exception):
    """A request whose redirect URI is not the client's, so the browser must not be redirected."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid request."""

    redirect_uri: str
    state: str | None
    scopes: frozenset[str]
    nonce: str | None
    challenge: str
    prompts: frozenset[str]
    max_age: timedelta | None
    acr_values: tuple[str, ...]


def parameters(text: str) -> dict[str, str]:
    """Return the parameters of a query or a form; raises `RequestRefused` for a repeated one."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise RequestRefused("invalid_request", "The request has too many parameters.") from error
    values = dict(pairs)
    if len(values) != len(pairs):
        raise RequestRefused("invalid_request", "The request has a parameter twice.")
    # An empty parameter counts as omitted (RFC 6749, section 3.1).
    return {name: value for name, value in values.items() if value}


def check_client(values: Mapping[str, str], client: Client) -> None:
    """Raise `UntrustedRequest` unless client and redirect URI are the registered ones."""
    if values.get("client_id") != client.id:
        raise UntrustedRequest("The request is from an unknown client (client_id).")
    if values.get("redirect_uri") != client.redirect_uri:
        raise UntrustedRequest(f"The redirect URI is not {client.redirect_uri}, which is registered.")


def read(values: Mapping[str, str]) -> AuthorizationRequest:
    """Return the request; raises `RequestRefused`. The caller has checked client and redirect URI."""
    # Unknown parameters are ignored (RFC 6749, section 3.1), such as the `claims` that the portal sends.
    _check(values)
    max_age = values.get("max_age")
    return AuthorizationRequest(
        redirect_uri=values["redirect_uri"],
        state=values.get("state"),
        scopes=frozenset(values["scope"].split()),
        nonce=values.get("nonce"),
        challenge=values["code_challenge"],
        prompts=frozenset(values.get("prompt", "").split()),
        max_age=None if max_age is None else timedelta(seconds=int(max_age)),
        acr_values=tuple(values.get("acr_values", "").split()),
    )


def _check(values: Mapping[str, str]) -> None:
    for name in ("request", "request_uri"):
        if name in values:
            # OpenID Connect Core, section 3.1.2.6, has an error code for each of the two.
            raise RequestRefused(f"{name}_not_supported", f"The parameter {name} is not supported.")
    if values.get("response_type") != "code":
        raise RequestRefused("unsupported_response_type", "response_type must be code.")
    if values.get("response_mode", "query") != "query":
        raise RequestRefused("invalid_request", "response_mode must be query.")
    if "openid" not in values.get("scope", "").split():
        raise RequestRefused("invalid_scope", "scope must contain openid.")
    # RFC 9700, section 2.1.1: without PKCE, a stolen code could be redeemed.
    if values.get("code_challenge_method") != "S256":
        raise RequestRefused("invalid_request", "code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(values.get("code_challenge", "")):
        raise RequestRefused("invalid_request", "code_challenge must be a SHA-256 digest in base64url.")
    if not _SECONDS.fullmatch(values.get("max_age", "0")):
        raise RequestRefused("invalid_request", "max_age must be a number of seconds.")
    prompts = frozenset(values.get("prompt", "").split())
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise RequestRefused("invalid_request", "prompt has an unknown value, or none with another one.")
