"""Rate limits, such as for password attempts; the counters are in the database, shared by all replicas."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.portal.identity.model import UserId, network_of
from daypass.portal.identity.rate_limit.store import RateLimitStore
from daypass.portal.storage.engine import Database

WINDOW = timedelta(minutes=15)
WINDOW_MINUTES = WINDOW // timedelta(minutes=1)
PER_ACCOUNT = 10
PER_NETWORK = 100
"""Higher than `PER_ACCOUNT`, because many users may share one address."""
ATTEMPTS_PER_NETWORK = 1000
"""Begun sign-ins at identity providers. They guess nothing; the limit bounds the rows of unfinished ones."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit of attempts for one subject in a `WINDOW`."""

    name: str
    subject: bytes
    attempts: int
    is_extended: bool = True
    """Whether each attempt restarts the window; then no span of `WINDOW` ever sees more than `attempts`."""


@dataclass(frozen=True, slots=True)
class RateLimitExceeded:
    """A limit that is exhausted."""

    limit: RateLimit
    is_first_refusal: bool
    """Whether this is the first refused attempt of the window; only that one is audited."""


def account(username: str) -> RateLimit:
    """Return the limit for attempts at one account, by its canonical name, whether or not it exists."""
    return RateLimit("account", _digest("account", username), PER_ACCOUNT)


def network(address: str) -> RateLimit:
    """Return the limit for attempts from one IPv4 address or IPv6 /64 prefix, at any account."""
    # Not extended: the users behind one address could otherwise keep the window open for one another.
    return RateLimit("network", _digest("network", network_of(address)), PER_NETWORK, is_extended=False)


def provider_attempts(address: str) -> RateLimit:
    """Return the limit for begun sign-ins at identity providers from one IPv4 address or IPv6 /64 prefix."""
    subject = _digest("provider attempts", network_of(address))
    return RateLimit("provider_attempts", subject, ATTEMPTS_PER_NETWORK, is_extended=False)


def device(digest: bytes) -> RateLimit:
    """Return the limit for a known browser, which attempts from other browsers do not exhaust."""
    return RateLimit("device", _digest("device", digest.hex()), PER_ACCOUNT)


def confirmation(user_id: UserId) -> RateLimit:
    """Return the limit for reauthentication in a signed-in browser."""
    return RateLimit("confirmation", _digest("confirmation", user_id), PER_ACCOUNT)


def passkey(user_id: UserId) -> RateLimit:
    """Return the limit for wrong passkeys of one user, at sign-in and at reauthentication together."""
    return RateLimit("passkey", _digest("passkey", user_id), PER_ACCOUNT)


def consume(database: Database, limits: Sequence[RateLimit], now: datetime) -> RateLimitExceeded | None:
    """Consume one attempt of each limit; return the first limit that is exhausted, or None.

    The attempt is committed before the password is checked: concurrent requests get no extra attempts.
    """
    with database.writing() as connection:
        store = RateLimitStore(connection)
        for limit in limits:
            spent = store.spend(
                limit.subject, limit.attempts, now, now + WINDOW, is_extended=limit.is_extended
            )
            # Later limits are not consumed: a network over its limit cannot exhaust those of accounts.
            if spent is None or spent > limit.attempts:
                return RateLimitExceeded(limit, is_first_refusal=spent is not None)
    return None


def _digest(of: str, subject: str) -> bytes:
    # The typed name may contain a lone surrogate, which strict UTF-8 does not encode.
    return hashlib.sha256(f"{of} {subject}".encode(errors="surrogatepass")).digest()
