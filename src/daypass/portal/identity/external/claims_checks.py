"""Checks of the claims that an identity provider sends about a person, without signing them in.

The operator's command makes a check and waits. The person opens the address of the check and authenticates at
the provider, and the portal stores its findings for the command.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from daypass.portal.clock import Clock
from daypass.portal.identity.external.model import ATTEMPT_LIFETIME
from daypass.portal.identity.external.store.claims_checks import ClaimsCheckStore
from daypass.portal.storage.engine import Database

LIFETIME = ATTEMPT_LIFETIME + timedelta(minutes=5)
"""The time in which the person must have authenticated; longer than an attempt, which begins later."""

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class ClaimsChecks:
    """The service for checks.

    The id of a check is no proof of identity and gives nothing: it only lets a browser send its own account's
    claims to the command that waits.
    """

    database: Database
    clock: Clock

    def begin(self, provider: str) -> str:
        """Make a check of a provider's claims, and return its id."""
        check_id = secrets.token_hex(_ID_BYTES)
        with self.database.writing() as connection:
            ClaimsCheckStore(connection).add(check_id, provider, self.clock() + LIFETIME)
        return check_id

    def is_open(self, check_id: str, provider: str) -> bool:
        """Return whether a check of the provider waits for its findings."""
        if not _is_id(check_id):
            return False
        with self.database.reading() as connection:
            return ClaimsCheckStore(connection).is_open(check_id, provider, self.clock())

    def answer(self, check_id: str, provider: str, findings: str) -> bool:
        """Store the findings of a check, as JSON; return False if it does not wait for them any more."""
        if not _is_id(check_id):
            return False
        with self.database.writing() as connection:
            return ClaimsCheckStore(connection).answer(check_id, provider, findings, self.clock())

    def findings(self, check_id: str) -> str | None:
        """Return the findings of a check as JSON, or None if it has none yet."""
        with self.database.reading() as connection:
            return ClaimsCheckStore(connection).findings(check_id)

    def end(self, check_id: str) -> None:
        """Delete a check, answered or not."""
        with self.database.writing() as connection:
            ClaimsCheckStore(connection).delete(check_id, self.clock())


def _is_id(text: str) -> bool:
    return len(text) == 2 * _ID_BYTES and text.isascii() and text.isalnum()
