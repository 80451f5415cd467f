"""How often anybody may guess a password: budgets that the database keeps, for all replicas together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.identity.model import UserId, network_of
from daypass.portal.identity.rate_limit.store import RateLimitStore
from daypass.portal.storage.engine import Database

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 10
PER_NETWORK = 100
"""Many people may share an address, and none of them more than `PER_ACCOUNT` guesses."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many guesses about, or by, one subject."""

    of: str
    subject: bytes
    limit: int
    is_extended: bool = True
    """Whether each guess puts off the reset. Then no span of `WINDOW` ever sees more than `limit`."""


@dataclass(frozen=True, slots=True)
class RateLimitExceeded:
    """A budget that has nothing left."""

    budget: RateLimit
    is_news: bool
    """Whether this is the first guess that it refuses: one line on record is enough."""


def account(username: str) -> RateLimit:
    """Of everybody who guesses at one account, by its canonical name, whether or not there is one."""
    return RateLimit("account", _digest("account", username), PER_ACCOUNT)


def network(address: str) -> RateLimit:
    """Of one address, or of a whole home's worth of IPv6 ones, at whatever accounts."""
    return RateLimit("network", _digest("network", network_of(address)), PER_NETWORK, is_extended=False)


def device(digest: bytes) -> RateLimit:
    """Of a browser that its user signed in with before; what strangers do is no matter of its."""
    return RateLimit("device", _digest("device", digest.hex()), PER_ACCOUNT)


def confirmation(user_id: UserId) -> RateLimit:
    """Of whoever sits at a browser that is signed in."""
    return RateLimit("confirmation", _digest("confirmation", user_id), PER_ACCOUNT)


def consume(database: Database, budgets: Sequence[RateLimit], now: datetime) -> RateLimitExceeded | None:
    """Take one guess from each budget; the first that has none left is the answer.

    It is taken, and committed, before the guess is looked at: a crowd gets no more of them than one alone.
    """
    with database.writing() as connection:
        store = RateLimitStore(connection)
        for budget in budgets:
            spent = store.spend(
                budget.subject, budget.limit, now, now + WINDOW, is_extended=budget.is_extended
            )
            if spent is None or spent > budget.limit:
                return RateLimitExceeded(budget, is_news=spent is not None)
    return None


def _digest(of: str, subject: str) -> bytes:
    # What is typed may hold half a character, which has no bytes of its own.
    return hashlib.sha256(f"{of} {subject}".encode(errors="surrogatepass")).digest()
