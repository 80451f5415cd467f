"""The signed tokens of the provider: ID tokens and logout tokens (RS256), and its key set."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from daypass.demo.identity_provider.grants import Grant, ProviderSession
from daypass.demo.identity_provider.settings import Person
from daypass.demo.state_dir import write_private

ALGORITHM = "RS256"
ID_TOKEN_LIFETIME = timedelta(minutes=5)
LOGOUT_TOKEN_LIFETIME = timedelta(minutes=2)
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def ensure_key(path: Path) -> RSAKey:
    """Return the private key in the file; create it if the file is missing."""
    if path.exists():
        return RSAKey.import_key(path.read_bytes())
    key = RSAKey.generate_key(2048, private=True)
    write_private(path, key.as_pem(private=True))
    return key


def person_claims(person: Person, scopes: frozenset[str]) -> dict[str, object]:
    """Return the claims about a person that the scopes ask for."""
    claims: dict[str, object] = {}
    if "profile" in scopes:
        claims |= {"name": person.name, "preferred_username": person.username}
    if "email" in scopes:
        claims |= {"email": person.username, "email_verified": True}
    if "groups" in scopes:
        claims |= {"groups": list(person.groups)}
    return claims


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Makes the signed tokens for one client."""

    issuer: str
    client_id: str
    key: RSAKey

    def key_set(self) -> dict[str, object]:
        """Return the public key as a JSON Web Key Set."""
        key = self.key.as_dict(private=False)
        return {"keys": [{**key, "use": "sig", "alg": ALGORITHM, "kid": self.key.thumbprint()}]}

    def id_token(self, grant: Grant, access_token: str, now: datetime) -> str:
        """Return the ID token of a grant (OpenID Connect Core, section 2)."""
        session = grant.session
        claims = self._claims(session, now, ID_TOKEN_LIFETIME) | {
            "auth_time": int(session.authenticated_at.timestamp()),
            "acr": session.acr,
            "amr": list(session.amr),
            "at_hash": _half_hash(access_token),
            **person_claims(session.person, grant.scopes),
        }
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        return self._sign("JWT", claims)

    def logout_token(self, session: ProviderSession, now: datetime) -> str:
        """Return the logout token of an ended session (OpenID Connect Back-Channel Logout, section 2.4)."""
        # Never with a `nonce`: section 2.4 forbids it, so that the token cannot pass for an ID token.
        claims = self._claims(session, now, LOGOUT_TOKEN_LIFETIME) | {
            "jti": secrets.token_urlsafe(16),
            "events": {LOGOUT_EVENT: {}},
        }
        return self._sign("logout+jwt", claims)

    def sid_of(self, id_token: str) -> str | None:
        """Return the claim `sid` of a token of this provider, also an expired one; None for others."""
        try:
            # This checks the signature alone. A hint may have expired (OpenID Connect RP-Initiated Logout,
            # section 2), because an ID token lives for minutes and the session for hours.
            token = jwt.decode(id_token, self.key, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            return None
        sid = token.claims.get("sid")
        return sid if isinstance(sid, str) else None

    def _claims(self, session: ProviderSession, now: datetime, lifetime: timedelta) -> dict[str, object]:
        return {
            "iss": self.issuer,
            "sub": session.person.subject,
            "aud": self.client_id,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "sid": session.sid,
        }

    def _sign(self, kind: str, claims: Mapping[str, object]) -> str:
        header = {"alg": ALGORITHM, "typ": kind, "kid": self.key.thumbprint()}
        return jwt.encode(header, dict(claims), self.key)


def _half_hash(token: str) -> str:
    """Return the left half of a token's digest, as `at_hash` has it (OpenID Connect Core, 3.1.3.6)."""
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()
