"""The OAuth client: PAR (RFC 9126), tokens (RFC 6749), PKCE (RFC 7636), issuer check (RFC 9207)."""

from urllib.parse import urlencode

from daypass import __version__
from daypass.cli.api import errors
from daypass.cli.api.client import Answer, ApiRequest, exchange
from daypass.cli.api.responses import read_json
from daypass.cli.auth.pending_login import PushedRequest
from daypass.cli.runtime.errors import Misconfigured, Refusal, SessionExpired, Unavailable, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from daypass.cli.api.tls import Trust

CLIENT_ID = "daypass-cli"

_MAX_LIFETIME = 10**9
"""Maximum plausible lifetime of a token, in seconds."""


class Tokens:
    """A token response: the access and refresh tokens, their lifetimes in seconds, and their session."""

    __slots__ = ("access", "access_lifetime", "allows_admin", "id", "refresh", "session_lifetime", "username")

    def __init__(self, content: "Mapping[str, Any]") -> None:
        self.id = _text(content, "sign_in_id")
        self.username = errors.printable(_text(content, "username"))
        self.allows_admin = "admin" in _text(content, "scope").split()
        self.access = _text(content, "access_token")
        self.access_lifetime = _number(content, "expires_in")
        self.refresh = _text(content, "refresh_token")
        self.session_lifetime = _number(content, "refresh_expires_in")


class OAuthClient:
    """A client of the OAuth endpoints of the portal at `origin`."""

    __slots__ = ("origin", "trust")

    def __init__(self, origin: str, trust: "Trust | None") -> None:
        self.origin = origin
        self.trust = trust

    @property
    def manual_redirect_uri(self) -> str:
        """Redirect URI of the portal's page that shows the code to copy."""
        return f"{self.origin}/oauth/code"

    @property
    def done_url(self) -> str:
        """URL of the portal's page that sends the user back to the terminal."""
        return f"{self.origin}/oauth/done"

    def push(
        self, redirect_uri: str, device: str, tenant: str, *, admin: bool, max_age: int | None = None
    ) -> PushedRequest:
        """Push the authorization request (RFC 9126) and return what is needed to complete it.

        With *max_age*, it asks for an authentication of the last seconds (RFC 9470, section 4).
        Raises `Misconfigured` if the portal's issuer differs from the origin that was called.
        """
        # Imported here because refreshing tokens is far more frequent and needs neither.
        import secrets

        from daypass.common.pkce import s256_challenge

        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        content = self._post(
            "/oauth/par",
            {
                "client_id": CLIENT_ID,
                "response_type": "code",
                "code_challenge": s256_challenge(verifier),
                "code_challenge_method": "S256",
                "state": state,
                "redirect_uri": redirect_uri,
                "scope": "tenants admin" if admin else "tenants",
                "device": device,
                "tenant": tenant,
                "version": __version__,
                **({} if max_age is None else {"max_age": str(max_age)}),
            },
        )
        issuer = _text(content, "issuer")
        if issuer != self.origin:
            raise Misconfigured(
                f"The portal at {self.origin} calls itself {errors.printable(issuer)}. "
                "Use that address, or ask its operator to correct DAYPASS_PUBLIC_URL."
            )
        return PushedRequest(
            request_uri=_text(content, "request_uri"),
            match_code=errors.printable(_text(content, "match_code")),
            state=state,
            verifier=verifier,
            redirect_uri=redirect_uri,
            lifetime=_number(content, "expires_in"),
            max_age=max_age,
        )

    def authorization_url(self, request_uri: str) -> str:
        """Return the URL of the consent page for a pushed request."""
        return f"{self.origin}/oauth/authorize?" + urlencode(
            {"client_id": CLIENT_ID, "request_uri": request_uri}
        )

    def redeem(self, code: str, pushed: PushedRequest) -> Tokens:
        """Exchange an authorization code for tokens."""
        return self._tokens(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": pushed.verifier,
                "redirect_uri": pushed.redirect_uri,
            }
        )

    def refresh(self, refresh: str) -> Tokens:
        """Exchange a refresh token for new tokens; raise `SessionExpired` if the session has ended."""
        return self._tokens({"grant_type": "refresh_token", "refresh_token": refresh})

    def revoke(self, refresh: str) -> None:
        """Revoke the session of a refresh token (RFC 7009)."""
        self._post("/oauth/revoke", {"token": refresh, "client_id": CLIENT_ID})

    def _tokens(self, fields: "Mapping[str, str]") -> Tokens:
        return Tokens(self._post("/oauth/token", {**fields, "client_id": CLIENT_ID}))

    def _post(self, path: str, fields: "Mapping[str, str]") -> "dict[str, Any]":
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = ApiRequest("POST", path, headers, urlencode(fields))
        answer = exchange(self.origin, self.trust, request, f"asking {self.origin} for a sign-in")
        content = _fields(answer)
        if answer.status >= 300 or content is None:
            raise self._refused(answer, content)
        return content

    def _refused(self, answer: Answer, content: "dict[str, Any] | None") -> Refusal:
        error = content.get("error") if content else None
        if content is None or not isinstance(error, str):
            if answer.status >= 500 or answer.status == 429:
                return Unavailable(f"{self.origin} answers with an error ({answer.status}). Try again later.")
            return errors.not_a_portal(self.origin, answer.status)
        description = content.get("error_description")
        message = description if isinstance(description, str) else f"the portal says {error}."
        sentence = errors.printable(message)
        # RFC 6749, section 5.2: the code or the refresh token has expired, or was revoked or used before.
        if error == "invalid_grant":
            return SessionExpired(sentence)
        return (Unavailable if answer.status >= 500 or answer.status == 429 else UsageError)(sentence)


def _fields(answer: Answer) -> "dict[str, Any] | None":
    # The answer to a revocation has no body (RFC 7009, section 2.2).
    if answer.status == 200 and not answer.body:
        return {}
    try:
        content = read_json(answer.body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _text(content: "Mapping[str, Any]", name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise Misconfigured(f"The portal's answer to the sign-in lacks {name}. Is it a newer version?")
    return value


def _number(content: "Mapping[str, Any]", name: str) -> int:
    value = content.get(name)
    if not isinstance(value, int) or not 0 <= value <= _MAX_LIFETIME:
        raise Misconfigured(f"The portal's answer to the sign-in lacks {name}. Is it a newer version?")
    return value
