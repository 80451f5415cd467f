"""Rate limits for requests that a user may repeat freely and that each write to the audit log.

Every grant of access must be recorded, so above the limit the request itself is refused.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event, Outcome, Scalar
from daypass.portal.errors import RateLimited
from daypass.portal.identity.model import User
from daypass.portal.identity.rate_limit.limits import WINDOW_MINUTES, RateLimit, consume
from daypass.portal.storage.engine import Database

LIMIT = 300
"""Requests of one user for one action in each window; the database counts for all replicas together."""

_MESSAGE = (
    f"You did this {LIMIT} times within {WINDOW_MINUTES} minutes, which is the limit. Wait "
    f"{WINDOW_MINUTES} minutes, then try again. If a program does it, have it reuse the sign-in or "
    "token that it got."
)


def require_rate(
    database: Database, committer: Committer, now: datetime, action: str, user: User, request_id: str
) -> None:
    """Count one more request of *user* for *action*; raise `RateLimited` above the limit.

    The first refusal of each window is recorded. Later ones write nothing.
    """
    limit = RateLimit(action, subject_of(action, user), LIMIT, is_extended=False)
    exceeded = consume(database, [limit], now)
    if exceeded is None:
        return
    if exceeded.is_first_refusal:
        detail: Mapping[str, Scalar] = {"code": RateLimited.code, "limit": LIMIT}
        actor = user.as_actor(request_id)
        committer.commit(Event(action=action, actor=actor, outcome=Outcome.DENIED, detail=detail))
    raise RateLimited(_MESSAGE)


def subject_of(action: str, user: User) -> bytes:
    """Return the key of a counter; *action* is named as in the audit log."""
    return hashlib.sha256(f"rate {action} {user.id}".encode()).digest()
