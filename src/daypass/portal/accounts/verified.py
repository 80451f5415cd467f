"""A cache of the managed policies that were verified in each account, for every session that needs one."""

import time
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Final

from daypass.portal.accounts.store import VerifiedPolicies
from daypass.portal.storage.engine import Database

CACHED_FOR: Final = 60.0
"""The age, in seconds, up to which a cached answer is used."""


@dataclass(frozen=True, slots=True)
class VerifiedPolicyCache:
    """Reads the verified policies of an account at most once a minute in each process.

    A verification by another process is noticed after up to a minute.
    """

    database: Database
    monotonic: Callable[[], float] = time.monotonic
    _cached: dict[str, tuple[float, Set[str]]] = field(default_factory=dict)

    def names(self, account_id: str) -> Set[str]:
        """Return the names of the policies that the last verification of an account found."""
        now = self.monotonic()
        # An account that was never read counts as one whose answer has just expired.
        read_at, names = self._cached.get(account_id, (now - CACHED_FOR, frozenset[str]()))
        if now - read_at < CACHED_FOR:
            return names
        with self.database.reading() as connection:
            names = frozenset(VerifiedPolicies(connection).names(account_id))
        # Two threads may read at the same time; the later answer replaces the earlier one.
        self._cached[account_id] = now, names
        return names
