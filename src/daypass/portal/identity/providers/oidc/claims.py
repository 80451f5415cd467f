"""The checks of claims that ID tokens and logout tokens share, and those of ID tokens alone.

The rules are those of OpenID Connect Core, section 3.1.3.7. Where it leaves a choice, the stricter one is
taken.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.identity.jwt import InvalidToken, SignedToken, check_times
from daypass.portal.identity.jwt.times import LEEWAY, required_time
from daypass.portal.identity.providers.oidc.model import SavedRequest

_OLDEST = timedelta(minutes=10)
_LONGEST_ID = 255
_MOST_METHODS = 10


def check_party(config: ProviderConfig, token: SignedToken) -> None:
    """Check that *token* is by the provider and for this client alone; raises `InvalidToken`."""
    claims = token.claims
    if claims.get("iss") != config.issuer:
        raise InvalidToken("issuer", "The token is of another issuer.")
    # With a second audience, a stranger could have got the token too, and sent it here.
    if claims.get("aud") not in (config.client_id, [config.client_id]):
        raise InvalidToken("audience", "The token is not for this portal alone.")
    if "azp" in claims and claims["azp"] != config.client_id:
        raise InvalidToken("authorized_party", "The token was issued to another client.")


def check_id_token(config: ProviderConfig, token: SignedToken, saved: SavedRequest, now: datetime) -> None:
    """Check the claims of an ID token that answers *saved*; raises `InvalidToken`."""
    claims = token.claims
    # Other signed tokens of the provider, for logout or for APIs, say so in their type or have an event.
    if type_of(token) not in ("", "jwt") or "events" in claims:
        raise InvalidToken("type", "The token is not an ID token.")
    check_party(config, token)
    check_times(claims, now, max_age=_OLDEST)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not compare_digest(nonce.encode(), saved.nonce.encode()):
        raise InvalidToken("nonce", "The token answers another request.")
    if identifier(claims, "sub") is None:
        raise InvalidToken("missing_claim", "The token has no claim sub.")
    for name, value in config.required_claims.items():
        # The value is configured as text, and equal to no other type.
        if claims.get(name) != value:
            raise InvalidToken("required_claim", f"The claim {name} has not the value that is configured.")
    _check_step_up(claims, saved, now)


def check_access_token(token: SignedToken, access_token: object) -> None:
    """Check `at_hash` if the ID token has it; raises `InvalidToken`."""
    if "at_hash" not in token.claims:
        return
    stated = token.claims["at_hash"]
    if not isinstance(access_token, str) or stated != _left_half(access_token, str(token.header["alg"])):
        raise InvalidToken("at_hash", "The access token is not the one of the ID token.")


def authentication_time(claims: Mapping[str, object]) -> datetime | None:
    """Return `auth_time`, or None if the token has none; raises `InvalidToken`."""
    if "auth_time" not in claims:
        return None
    return datetime.fromtimestamp(required_time(claims, "auth_time"), UTC)


def context_class(claims: Mapping[str, object]) -> str:
    """Return `acr`, or an empty text if the token has none."""
    acr = claims.get("acr")
    return acr if isinstance(acr, str) and len(acr) <= _LONGEST_ID and acr.isprintable() else ""


def methods(claims: Mapping[str, object]) -> tuple[str, ...]:
    """Return `amr`, as far as it is a list of short names; it is for the record only."""
    amr = claims.get("amr")
    if not isinstance(amr, list):
        return ()
    names = (name for name in amr if isinstance(name, str) and len(name) <= 32 and name.isprintable())
    return tuple(names)[:_MOST_METHODS]


def identifier(claims: Mapping[str, object], name: str) -> str | None:
    """Return the identifier in the claim *name*, or None if there is none; raises `InvalidToken`."""
    if name not in claims:
        return None
    value = claims[name]
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_ID or not value.isprintable():
        raise InvalidToken("malformed", f"The claim {name} is not a text of 1 to {_LONGEST_ID} characters.")
    return value


def type_of(token: SignedToken) -> str:
    """Return the type in the header (RFC 7519, section 5.1) in lower case, or an empty text."""
    return str(token.header.get("typ", "")).lower().removeprefix("application/")


def _check_step_up(claims: Mapping[str, object], saved: SavedRequest, now: datetime) -> None:
    """Check that the user authenticated as recently and as strongly as the portal demanded.

    A browser can remove the demands from the request, so only the token proves that they were met.
    """
    authenticated_at = authentication_time(claims)
    if authenticated_at is not None and authenticated_at > now + LEEWAY:
        raise InvalidToken("auth_time", "The time of authentication is in the future.")
    # Compared with the time of the request, because a user may take minutes on the provider's page.
    if saved.max_age is not None and (
        authenticated_at is None or authenticated_at < saved.created_at - saved.max_age - LEEWAY
    ):
        raise InvalidToken("auth_time", "The provider did not ask the user to authenticate again.")
    if saved.acr_values and context_class(claims) not in saved.acr_values:
        raise InvalidToken("acr", "The provider did not authenticate the user in the way that was demanded.")


def _left_half(access_token: str, algorithm: str) -> str:
    """Return the hash of an access token (OpenID Connect Core, section 3.1.3.6)."""
    # EdDSA with the curve Ed25519 uses SHA-512; the other names end in the size of their hash.
    size = algorithm[2:] if algorithm[:2] in ("RS", "PS", "ES") else "512"
    digest = hashlib.new(f"sha{size}", access_token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
