"""Queries for attempts to authenticate at an identity provider."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from daypass.portal.identity.external.model import ATTEMPT_LIFETIME, Attempt, Purpose
from daypass.portal.identity.model import TokenId, UserId
from daypass.portal.identity.sealing import SealingKey
from daypass.portal.storage.schema.sign_in import sign_in_attempts

_c = sign_in_attempts.c

_ATTEMPT = (
    _c.provider,
    _c.purpose,
    _c.nonce,
    _c.verifier,
    _c.next,
    _c.created_at,
    _c.user_id,
    _c.token_id,
    _c.max_age,
    _c.acr_values,
    _c.address,
)

_SECOND = timedelta(seconds=1)
_LONGEST_ADDRESS = 64
_BATCH = 1000


class AttemptStore:
    """Queries for attempts; their code verifiers are stored encrypted with *key*."""

    def __init__(self, connection: Connection, key: SealingKey) -> None:
        self._connection = connection
        self._key = key

    def add(self, digest: bytes, state_digest: bytes, attempt: Attempt) -> None:
        """Insert an attempt under the digests of its id and of its parameter `state`."""
        row: Mapping[str, object] = {
            "digest": digest,
            "provider": attempt.provider,
            "purpose": attempt.purpose.value,
            "state_digest": state_digest,
            "nonce": attempt.nonce,
            "verifier": self._key.seal(attempt.verifier),
            "next": attempt.next,
            "user_id": attempt.user_id,
            "token_id": attempt.token_id,
            "max_age": None if attempt.max_age is None else attempt.max_age // _SECOND,
            "acr_values": " ".join(attempt.acr_values),
            "address": attempt.address[:_LONGEST_ADDRESS],
            "created_at": attempt.created_at,
            "expires_at": attempt.created_at + ATTEMPT_LIFETIME,
        }
        self._connection.execute(insert(sign_in_attempts).values(**row))

    def find(self, digest: bytes, state_digest: bytes, provider: str, now: datetime) -> Attempt | None:
        """Return the attempt with these digests at that provider, or None if there is none or it expired."""
        row = self._connection.execute(
            select(*_ATTEMPT).where(
                _c.digest == digest,
                _c.state_digest == state_digest,
                _c.provider == provider,
                _c.expires_at > now,
            )
        ).first()
        verifier = None if row is None else self._key.unseal(row.verifier)
        if row is None or verifier is None:
            return None
        return Attempt(
            provider=row.provider,
            purpose=Purpose(row.purpose),
            nonce=row.nonce,
            verifier=verifier,
            next=row.next,
            created_at=row.created_at,
            user_id=None if row.user_id is None else UserId(row.user_id),
            token_id=None if row.token_id is None else TokenId(row.token_id),
            max_age=None if row.max_age is None else row.max_age * _SECOND,
            acr_values=tuple(row.acr_values.split()),
            address=row.address,
        )

    def delete(self, digest: bytes) -> bool:
        """Delete an attempt; of concurrent calls, exactly one returns True."""
        done = self._connection.execute(delete(sign_in_attempts).where(_c.digest == digest))
        return done.rowcount == 1

    def delete_expired(self, now: datetime) -> None:
        """Delete a batch of attempts whose time is over."""
        # SKIP LOCKED: replicas that delete the same rows in another order would deadlock.
        expired = select(_c.digest).where(_c.expires_at <= now).limit(_BATCH)
        self._connection.execute(
            delete(sign_in_attempts).where(_c.digest.in_(expired.with_for_update(skip_locked=True)))
        )
