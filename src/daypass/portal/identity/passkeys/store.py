"""Queries for passkeys, user handles, challenges and recovery links, and the changes of their rows."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Integer, and_, bindparam, delete, func, insert, or_, select, update

from daypass.portal.identity.model import TokenId, UserId
from daypass.portal.identity.passkeys.model import Challenge, Passkey, Purpose
from daypass.portal.storage.prepared import Prepared, ResultRow
from daypass.portal.storage.schema.sign_in import (
    passkeys,
    recovery_links,
    webauthn_challenges,
    webauthn_users,
)
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.storage.upsert import insert_or_update

_ADD = insert(passkeys)
_RENAME = (
    update(passkeys)
    .where(
        passkeys.c.credential_id == bindparam("renamed_id"),
        passkeys.c.user_id == bindparam("owner_id"),
    )
    .values(name=bindparam("new_name"))
)
_REMOVE = delete(passkeys).where(
    passkeys.c.credential_id == bindparam("removed_id"), passkeys.c.user_id == bindparam("owner_id")
)
_REMOVE_OTHERS = delete(passkeys).where(
    passkeys.c.user_id == bindparam("owner_id"), passkeys.c.credential_id != bindparam("kept_id")
)

_new_count = bindparam("new_count", type_=Integer)

# Two answers with one counter can be verified at the same time; only the first may count.
_RECORD_USE = Prepared(
    update(passkeys)
    .where(
        passkeys.c.credential_id == bindparam("used_id"),
        or_(
            # Strictly greater, unless both are 0 (Web Authentication, section 6.1.1).
            passkeys.c.sign_count < _new_count,
            and_(passkeys.c.sign_count == 0, _new_count == 0),
        ),
    )
    .values(
        sign_count=_new_count,
        is_backed_up=bindparam("backed_up"),
        last_used_at=bindparam("used_at"),
    ),
    is_conditional=True,
)

_ADD_CHALLENGE = insert(webauthn_challenges)
_ADD_LINK = insert(recovery_links)
# Limited, because they run in the transaction of a sign-in, which must not take long.
_DELETE_EXPIRED = delete(webauthn_challenges).where(
    webauthn_challenges.c.digest.in_(
        select(webauthn_challenges.c.digest)
        .where(webauthn_challenges.c.expires_at <= bindparam("now"))
        .limit(1000)
        .with_for_update(skip_locked=True)
    )
)
_DELETE_LINKS = delete(recovery_links).where(
    or_(recovery_links.c.user_id == bindparam("owner_id"), recovery_links.c.expires_at <= bindparam("now"))
)

_PASSKEY = (
    passkeys.c.credential_id,
    passkeys.c.user_id,
    passkeys.c.public_key,
    passkeys.c.sign_count,
    passkeys.c.device_type,
    passkeys.c.is_backed_up,
    passkeys.c.aaguid,
    passkeys.c.name,
    passkeys.c.created_at,
    passkeys.c.last_used_at,
)
_CHALLENGE = (
    webauthn_challenges.c.user_id,
    webauthn_challenges.c.purpose,
    webauthn_challenges.c.token_id,
    webauthn_challenges.c.challenge,
    webauthn_challenges.c.created_at,
    webauthn_challenges.c.next,
    webauthn_challenges.c.record_digest,
    webauthn_challenges.c.expires_at,
)


class PasskeyStore:
    """Queries for passkeys and the user handles that authenticators store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, credential_id: bytes, owner_id: UserId) -> Passkey | None:
        """Return that passkey of that user, or None."""
        row = self._connection.execute(
            select(*_PASSKEY).where(passkeys.c.credential_id == credential_id, passkeys.c.user_id == owner_id)
        ).first()
        return None if row is None else _passkey(row)

    def list_for(self, owner_id: UserId) -> Sequence[Passkey]:
        """Return the passkeys of a user, oldest first."""
        rows = self._connection.execute(
            select(*_PASSKEY)
            .where(passkeys.c.user_id == owner_id)
            .order_by(passkeys.c.created_at, passkeys.c.credential_id)
        )
        return [_passkey(row) for row in rows]

    def count(self, owner_id: UserId) -> int:
        """Return the number of passkeys of a user."""
        counted = self._connection.scalar(
            select(func.count()).select_from(passkeys).where(passkeys.c.user_id == owner_id)
        )
        return counted or 0

    def is_taken(self, credential_id: bytes) -> bool:
        """Return whether any user has a passkey of this id."""
        taken = select(passkeys.c.user_id).where(passkeys.c.credential_id == credential_id)
        return self._connection.scalar(taken) is not None

    def handle(self, owner_id: UserId) -> bytes | None:
        """Return the user handle of a user; None if they never began to register a passkey."""
        return self._connection.scalar(
            select(webauthn_users.c.handle).where(webauthn_users.c.user_id == owner_id)
        )

    def ensure_handle(self, owner_id: UserId, new: bytes) -> bytes:
        """Return the user handle of a user, which is *new* if there was none; needs a writing transaction."""
        self._connection.execute(
            insert_or_update(self._connection, webauthn_users)
            .values(user_id=owner_id, handle=new)
            .on_conflict_do_nothing(index_elements=["user_id"])
        )
        # Read, because another replica may have written its own first.
        handle = self.handle(owner_id)
        if handle is None:
            raise LookupError("a row that was just written is missing")
        return handle


class ChallengeStore:
    """Queries for challenges without an answer, by the digest of their handle."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, digest: bytes, now: datetime) -> Challenge | None:
        """Return the challenge, unless it was answered or has expired."""
        row = self._connection.execute(
            select(*_CHALLENGE).where(webauthn_challenges.c.digest == digest)
        ).first()
        return None if row is None or row.expires_at <= now else _challenge(row)

    def take(self, digest: bytes, now: datetime) -> Challenge | None:
        """Delete the challenge and return it; None if it was answered or has expired.

        Of concurrent answers to one challenge, one gets it.
        """
        row = self._connection.execute(
            delete(webauthn_challenges).where(webauthn_challenges.c.digest == digest).returning(*_CHALLENGE)
        ).first()
        return None if row is None or row.expires_at <= now else _challenge(row)


class RecoveryLinkStore:
    """Queries for recovery links, by the digest of their secret."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_valid(self, digest: bytes, owner_id: UserId, now: datetime) -> bool:
        """Return whether that user has such a link, neither used nor expired."""
        link = select(recovery_links.c.digest).where(
            recovery_links.c.digest == digest,
            recovery_links.c.user_id == owner_id,
            recovery_links.c.expires_at > now,
        )
        return self._connection.scalar(link) is not None

    def use(self, digest: bytes, owner_id: UserId, now: datetime) -> bool:
        """Delete the link; return whether it was valid. Of concurrent calls, one gets True."""
        deleted = self._connection.execute(
            delete(recovery_links)
            .where(
                recovery_links.c.digest == digest,
                recovery_links.c.user_id == owner_id,
                recovery_links.c.expires_at > now,
            )
            .returning(recovery_links.c.digest)
        ).first()
        return deleted is not None


def add_passkey(passkey: Passkey) -> RowChange:
    """Return the change that inserts a passkey."""
    return RowChange(
        _ADD,
        {
            "credential_id": passkey.credential_id,
            "user_id": passkey.user_id,
            "public_key": passkey.public_key,
            "sign_count": passkey.sign_count,
            "device_type": passkey.device_type,
            "is_backed_up": passkey.is_backed_up,
            "aaguid": passkey.aaguid,
            "name": passkey.name,
            "created_at": passkey.created_at,
            "last_used_at": passkey.last_used_at,
        },
    )


def rename_passkey(credential_id: bytes, *, owner: UserId, name: str) -> RowChange:
    """Return the change that renames a passkey of that owner."""
    return RowChange(_RENAME, {"renamed_id": credential_id, "owner_id": owner, "new_name": name})


def remove_passkey(credential_id: bytes, *, owner: UserId) -> RowChange:
    """Return the change that deletes a passkey of that owner."""
    return RowChange(_REMOVE, {"removed_id": credential_id, "owner_id": owner})


def remove_other_passkeys(credential_id: bytes, *, owner: UserId) -> RowChange:
    """Return the change that deletes the passkeys of that owner but one."""
    return RowChange(_REMOVE_OTHERS, {"kept_id": credential_id, "owner_id": owner})


def record_use(passkey: Passkey, *, at: datetime) -> RowChange:
    """Return the change that stores the new counter of *passkey*; the row must have a lower one."""
    row = {
        "used_id": passkey.credential_id,
        "new_count": passkey.sign_count,
        "backed_up": passkey.is_backed_up,
        "used_at": at,
    }
    return RowChange(_RECORD_USE, row)


def add_challenge(digest: bytes, challenge: Challenge) -> RowChange:
    """Return the change that inserts a challenge; *digest* is that of its handle."""
    return RowChange(
        _ADD_CHALLENGE,
        {
            "digest": digest,
            "user_id": challenge.user_id,
            "purpose": challenge.purpose.value,
            "token_id": challenge.token_id,
            "challenge": challenge.challenge,
            "next": challenge.next,
            "record_digest": challenge.record_digest,
            "created_at": challenge.created_at,
            "expires_at": challenge.expires_at,
        },
    )


def delete_expired_challenges(now: datetime) -> RowChange:
    """Return the change that deletes a batch of challenges whose time is over."""
    return RowChange(_DELETE_EXPIRED, {"now": now})


def add_recovery_link(
    digest: bytes, *, owner: UserId, by: str, at: datetime, expires_at: datetime
) -> RowChange:
    """Return the change that inserts a recovery link; *by* is the id of its author."""
    row = {
        "digest": digest,
        "user_id": owner,
        "created_by": by,
        "created_at": at,
        "expires_at": expires_at,
    }
    return RowChange(_ADD_LINK, row)


def delete_recovery_links(*, owner: UserId, now: datetime) -> RowChange:
    """Return the change that deletes the links of a user, and the expired ones of all users."""
    return RowChange(_DELETE_LINKS, {"owner_id": owner, "now": now})


def _passkey(row: ResultRow) -> Passkey:
    return Passkey(
        credential_id=bytes(row.credential_id),
        user_id=UserId(row.user_id),
        public_key=bytes(row.public_key),
        sign_count=row.sign_count,
        device_type=row.device_type,
        is_backed_up=row.is_backed_up,
        aaguid=row.aaguid,
        name=row.name,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )


def _challenge(row: ResultRow) -> Challenge:
    return Challenge(
        user_id=UserId(row.user_id),
        purpose=Purpose(row.purpose),
        token_id=None if row.token_id is None else TokenId(row.token_id),
        challenge=bytes(row.challenge),
        created_at=row.created_at,
        next=row.next,
        record_digest=None if row.record_digest is None else bytes(row.record_digest),
    )
