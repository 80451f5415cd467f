"""Queries for rate-limit counters and known browsers."""

from datetime import datetime

from sqlalchemy import Boolean, Connection, bindparam, case, delete, insert, or_, select, update

from daypass.portal.identity.model import UserId
from daypass.portal.storage.schema.identity import devices, guesses
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.storage.upsert import insert_or_update

_ADD_DEVICE = insert(devices)

_DELETE_DEVICE = delete(devices).where(
    devices.c.user_id == bindparam("owner_id"),
    or_(devices.c.digest == bindparam("ended_digest"), devices.c.expires_at <= bindparam("now")),
)

# SKIP LOCKED: replicas that update the same counters in another order would deadlock.
_REFUND = (
    update(guesses)
    .where(
        guesses.c.subject.in_(
            select(guesses.c.subject)
            .where(guesses.c.subject == bindparam("paid"), guesses.c.spent > 0)
            .with_for_update(skip_locked=True)
        )
    )
    .values(spent=guesses.c.spent - 1)
)

# Limited, because it runs in the transaction of a sign-in, which must not take long.
_DELETE_EXPIRED = delete(guesses).where(
    guesses.c.subject.in_(
        select(guesses.c.subject)
        .where(guesses.c.resets_at <= bindparam("now"))
        .limit(1000)
        .with_for_update(skip_locked=True)
    )
)


class DeviceStore:
    """Queries for known browsers: those that a user signed in with before, by the digest of a cookie."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_known(self, digest: bytes, user_id: UserId, now: datetime) -> bool:
        """Return whether that user has signed in with that browser and the record has not expired."""
        known = select(devices.c.digest).where(
            devices.c.digest == digest, devices.c.user_id == user_id, devices.c.expires_at > now
        )
        return self._connection.scalar(known) is not None


def add_device(digest: bytes, user_id: UserId, *, expires_at: datetime) -> RowChange:
    """Return the change that makes a browser a known one."""
    return RowChange(_ADD_DEVICE, {"digest": digest, "user_id": user_id, "expires_at": expires_at})


def delete_device(digest: bytes | None, *, owner: UserId, now: datetime) -> RowChange:
    """Return the change that deletes one known browser, if given, and the expired ones of the same user."""
    return RowChange(_DELETE_DEVICE, {"ended_digest": digest, "owner_id": owner, "now": now})


def refund(subject: bytes) -> RowChange:
    """Return the change that takes one attempt back from a counter."""
    return RowChange(_REFUND, {"paid": subject})


def delete_expired_counters(now: datetime) -> RowChange:
    """Return the change that deletes a batch of counters whose window is over."""
    return RowChange(_DELETE_EXPIRED, {"now": now})


_IS_EXPIRED = guesses.c.resets_at <= bindparam("now")
_RESTARTS_WINDOW = or_(_IS_EXPIRED, bindparam("is_extended", type_=Boolean))


class RateLimitStore:
    """Queries for rate-limit counters."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def spend(
        self, subject: bytes, limit: int, now: datetime, later: datetime, *, is_extended: bool
    ) -> int | None:
        """Increment a counter atomically; return its value, or None if it was above *limit* before."""
        statement = (
            insert_or_update(self._connection, guesses)
            .values(subject=bindparam("subject"), spent=1, resets_at=bindparam("later"))
            .on_conflict_do_update(
                index_elements=["subject"],
                set_={
                    "spent": case((_IS_EXPIRED, 1), else_=guesses.c.spent + 1),
                    "resets_at": case((_RESTARTS_WINDOW, bindparam("later")), else_=guesses.c.resets_at),
                },
                # The counter stops at one more than the limit, the first refusal. Later attempts then write
                # nothing, and do not extend the window.
                where=or_(_IS_EXPIRED, guesses.c.spent <= bindparam("limit")),
            )
            .returning(guesses.c.spent)
        )
        spent: int | None = self._connection.scalar(
            statement,
            {"subject": subject, "limit": limit, "now": now, "later": later, "is_extended": is_extended},
        )
        return spent
