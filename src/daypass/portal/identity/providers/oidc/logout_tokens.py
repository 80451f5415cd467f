"""Logout tokens (OpenID Connect Back-Channel Logout, section 2.6)."""

from datetime import UTC, datetime, timedelta

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.identity.jwt import InvalidToken, SignedToken, check_times
from daypass.portal.identity.jwt.times import LEEWAY, required_time
from daypass.portal.identity.providers.oidc.claims import check_party, identifier, type_of
from daypass.portal.identity.providers.oidc.model import LogoutToken

LONGEST_LOGOUT_TOKEN = 16 * 1024
"""The limit on the length of a logout token; it has no claims of the user."""

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_OLDEST = timedelta(minutes=5)


def read_logout_token(config: ProviderConfig, token: SignedToken, now: datetime) -> LogoutToken:
    """Return the logout that a token with a verified signature demands; raises `InvalidToken`.

    An ID token has no event and a nonce, so it is never taken for a logout token.
    """
    claims = token.claims
    events = claims.get("events")
    if type_of(token) not in ("", "jwt", "logout+jwt") or not isinstance(events, dict):
        raise InvalidToken("type", "The token is not a logout token.")
    if not isinstance(events.get(_EVENT), dict) or "nonce" in claims:
        raise InvalidToken("type", "The token is not a logout token.")
    check_party(config, token)
    check_times(claims, now, max_age=_OLDEST)
    sid, subject, jti = (identifier(claims, name) for name in ("sid", "sub", "jti"))
    if jti is None or (sid is None and subject is None):
        raise InvalidToken("missing_claim", "The token has no claim jti, or neither sid nor sub.")
    last = min(required_time(claims, "exp"), required_time(claims, "iat") + _OLDEST.total_seconds())
    # A second longer, because times in the database may be rounded.
    expires_at = datetime.fromtimestamp(last, UTC) + LEEWAY + timedelta(seconds=1)
    return LogoutToken(sid, subject, jti, expires_at)
