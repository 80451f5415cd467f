"""Attempts to authenticate at an identity provider: one row each, for one browser and one answer."""

import secrets
from dataclasses import dataclass

from daypass.portal.clock import Clock
from daypass.portal.errors import RateLimited
from daypass.portal.identity.external.model import Attempt
from daypass.portal.identity.external.store.attempts import AttemptStore
from daypass.portal.identity.rate_limit import limits
from daypass.portal.identity.sealing import SealingKey
from daypass.portal.identity.tokens import digest
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database

_PURPOSE = "sign-in attempts"
_LONGEST = 512
"""The longest accepted `state` and cookie; the portal's own are shorter."""


@dataclass(frozen=True, slots=True)
class SignInAttempts:
    """The service for attempts.

    The browser keeps the id in a cookie, so that another site cannot finish its own sign-in in the browser of
    a user, who would then work in a foreign account. The provider returns `state`, of which only the digest
    is stored.
    """

    database: Database
    clock: Clock
    key: SealingKey

    @classmethod
    def of(cls, database: Database, clock: Clock) -> "SignInAttempts":
        """Return the service, with its own encryption key."""
        return cls(database, clock, SealingKey(database, clock, _PURPOSE))

    def begin(self, attempt: Attempt, state: Secret) -> Secret:
        """Store *attempt* and return its id for the browser's cookie; raises `RateLimited`.

        Attempts that have expired are deleted.
        """
        # A browser begins an attempt without any proof of identity, and each one takes a row.
        if limits.consume(self.database, [limits.provider_attempts(attempt.address)], attempt.created_at):
            raise RateLimited(
                "There were too many sign-ins from your network. "
                f"Wait {limits.WINDOW_MINUTES} minutes, then try again."
            )
        attempt_id = Secret(secrets.token_urlsafe(32))
        # Made before the transaction, because the first use of the key writes it in a transaction of its own.
        self.key.cipher()
        with self.database.writing() as connection:
            store = AttemptStore(connection, self.key)
            store.delete_expired(attempt.created_at)
            store.add(digest(attempt_id.reveal()), digest(state.reveal()), attempt)
        return attempt_id

    def take(self, attempt_id: str, state: str, provider: str) -> Attempt | None:
        """Return the attempt that an answer of *provider* belongs to, and delete it.

        Return None if there is no such attempt in this browser, it was answered before, or it has expired.
        An answer with a wrong `state`, or at the callback of another provider, leaves the attempt as it is.
        """
        if not (attempt_id and state and len(attempt_id) <= _LONGEST and len(state) <= _LONGEST):
            return None
        # A lone surrogate has no UTF-8 bytes, and no id of the portal has anything but ASCII.
        if not (attempt_id.isascii() and state.isascii()):
            return None
        self.key.cipher()
        with self.database.writing() as connection:
            store, key = AttemptStore(connection, self.key), digest(attempt_id)
            # Found before it is deleted, so that a forged answer cannot end the attempt of the genuine one.
            found = store.find(key, digest(state), provider, self.clock())
            # The number of deleted rows is the lock: of answers that arrive at once, one counts.
            return found if found is not None and store.delete(key) else None
