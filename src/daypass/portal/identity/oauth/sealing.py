"""Stateless pushed authorization requests (RFC 9126): the reference is the request itself, encrypted.

An anonymous caller therefore uses no storage, and no rate limit that users behind one address would share.
"""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.fernet import InvalidToken

from daypass.portal.clock import Clock
from daypass.portal.identity.oauth.model import (
    REQUEST_LIFE,
    AuthorizationParameters,
    AuthorizationRequest,
    Loopback,
    ManualRedirect,
    RequestId,
)
from daypass.portal.identity.scopes import Scopes, consented_scopes, stored_scopes
from daypass.portal.identity.sealing import SealingKey
from daypass.portal.storage.engine import Database

_PURPOSE = "oauth requests"
_LONGEST = 4096
_SECOND = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Sealing:
    """Encryption of requests with a key that all replicas share; the first use creates it."""

    database: Database
    clock: Clock
    key: SealingKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the key."""
        self.key = SealingKey(self.database, self.clock, _PURPOSE)

    def seal(self, parameters: AuthorizationParameters, match_code: str, now: datetime) -> RequestId:
        """Return the reference to a request that was pushed at *now*."""
        loopback = parameters.destination if isinstance(parameters.destination, Loopback) else None
        # Values without names, and without escapes, keep the address short.
        values = [
            parameters.client_id,
            parameters.challenge,
            parameters.state,
            [loopback.port, loopback.path] if loopback else None,
            # Replicas of the release before this one read a flag here; the two consents differ in it alone.
            parameters.wants_admin,
            parameters.tenant,
            parameters.device,
            parameters.version,
            parameters.address,
            match_code,
            (now - _EPOCH) // _MILLISECOND,
        ]
        if parameters.max_age is not None:
            # Replicas of the release before this one cannot open such a request, and so do not ignore it.
            values.append(parameters.max_age // _SECOND)
        content = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
        # `encrypt` would read the machine's clock.
        sealed = self.key.cipher().encrypt_at_time(content, int(now.timestamp()))
        # The padding would be percent-encoded in the address.
        return RequestId(sealed.decode().rstrip("="))

    def unseal(self, reference: RequestId) -> AuthorizationRequest | None:
        """Return the request that *reference* contains, or None if this portal did not seal it."""
        if len(reference) > _LONGEST or not reference.isascii():
            return None
        padded = reference.encode() + b"=" * (-len(reference) % 4)
        try:
            # Fernet's own timestamp is ignored: the request carries one, by the portal's clock.
            content = self.key.cipher().decrypt(padded)
        except InvalidToken:
            return None
        # The hash is of the bytes, because several base64 texts can decode to the same: one push, one ID.
        id_ = RequestId(sha256(urlsafe_b64decode(padded)).hexdigest()[:32])
        return _request(id_, json.loads(content))


def _request(id_: RequestId, values: list[object]) -> AuthorizationRequest:
    client_id, challenge, state, loopback, scopes = values[:5]
    tenant, device, version, address, match_code = map(str, values[5:10])
    pushed_at, *max_age = values[10:]
    created_at = _EPOCH + int(str(pushed_at)) * _MILLISECOND
    return AuthorizationRequest(
        id=id_,
        parameters=AuthorizationParameters(
            client_id=str(client_id),
            challenge=str(challenge),
            state=str(state),
            destination=Loopback(*loopback) if isinstance(loopback, list) else ManualRedirect(),
            scopes=_scopes(scopes),
            tenant=tenant,
            device=device,
            version=version,
            address=address,
            max_age=int(str(max_age[0])) * _SECOND if max_age else None,
        ),
        match_code=match_code,
        created_at=created_at,
        expires_at=created_at + REQUEST_LIFE,
    )


def _scopes(value: object) -> Scopes:
    # A later release may put a list of scopes in the place of the flag.
    if isinstance(value, str):
        return stored_scopes(value, allows_admin=True)
    return consented_scopes(with_admin=bool(value))
