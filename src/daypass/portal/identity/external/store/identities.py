"""Queries for the accounts of users at identity providers, and the changes of their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.model import UserId
from daypass.portal.identity.store.users import SignInRecord, UserStore
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.sign_in import external_identities
from daypass.portal.storage.unit_of_work import RowChange

_c = external_identities.c

_IDENTITY = (
    _c.provider,
    _c.issuer,
    _c.subject,
    _c.user_id,
    _c.email,
    _c.username,
    _c.linked_at,
    _c.linked_by,
    _c.last_used_at,
)

_IS_IT = (
    _c.provider == bindparam("of_provider"),
    _c.issuer == bindparam("of_issuer"),
    _c.subject == bindparam("of_subject"),
)

_ADD = insert(external_identities)
# With the owner: an account that was unlinked and linked to another user meanwhile stays theirs.
_REMOVE = delete(external_identities).where(*_IS_IT, _c.user_id == bindparam("owner_id"))
_RECORD_USE = (
    update(external_identities)
    .where(*_IS_IT)
    .values(
        last_used_at=bindparam("used_at"),
        email=bindparam("new_email"),
        username=bindparam("new_username"),
    )
)


@dataclass(frozen=True, slots=True)
class LinkCandidate:
    """An existing user, with the facts that decide whether a sign-in may link an account to them."""

    record: SignInRecord
    has_signed_in: bool
    has_identity: bool
    is_break_glass: bool


class ExternalIdentityStore:
    """Queries for the accounts of users at identity providers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, provider: str, issuer: str, subject: str) -> ExternalIdentity | None:
        """Return the account with that key, or None."""
        key = {"of_provider": provider, "of_issuer": issuer, "of_subject": subject}
        row = self._connection.execute(select(*_IDENTITY).where(*_IS_IT), key).first()
        return None if row is None else _identity(row)

    def find_owner(self, provider: str, issuer: str, subject: str) -> SignInRecord | None:
        """Return the user of the account with that key, disabled or not; None if it is not linked."""
        key = {"of_provider": provider, "of_issuer": issuer, "of_subject": subject}
        username = self._connection.scalar(
            select(users.c.username).join(external_identities, _c.user_id == users.c.id).where(*_IS_IT), key
        )
        return None if username is None else UserStore(self._connection).find_login(username)

    def list_for(self, user_id: UserId) -> Sequence[ExternalIdentity]:
        """Return the accounts of a user, by the time of their link."""
        query = (
            select(*_IDENTITY).where(_c.user_id == user_id).order_by(_c.linked_at, _c.provider, _c.subject)
        )
        return [_identity(row) for row in self._connection.execute(query)]

    def find_candidate(self, username: str) -> LinkCandidate | None:
        """Return the user of that canonical name, disabled or not, with what decides about a link."""
        record = UserStore(self._connection).find_login(username)
        if record is None:
            return None
        row = self._connection.execute(
            select(
                users.c.last_sign_in_at,
                users.c.is_break_glass,
                select(func.count()).where(_c.user_id == users.c.id).scalar_subquery().label("identities"),
            ).where(users.c.id == record.user.id)
        ).one()
        return LinkCandidate(record, row.last_sign_in_at is not None, row.identities > 0, row.is_break_glass)

    def is_break_glass(self, user_id: UserId) -> bool:
        """Return whether a user is the account for the time when identity providers are down."""
        return bool(self._connection.scalar(select(users.c.is_break_glass).where(users.c.id == user_id)))


def _identity(row: Row[*tuple[Any, ...]]) -> ExternalIdentity:
    return ExternalIdentity(
        provider=row.provider,
        issuer=row.issuer,
        subject=row.subject,
        user_id=UserId(row.user_id),
        linked_at=row.linked_at,
        linked_by=None if row.linked_by is None else UserId(row.linked_by),
        email=row.email,
        username=row.username,
        last_used_at=row.last_used_at,
    )


def add_identity(identity: ExternalIdentity) -> RowChange:
    """Return the change that links an account to its user."""
    row = {
        "provider": identity.provider,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "user_id": identity.user_id,
        "email": identity.email,
        "username": identity.username,
        "linked_at": identity.linked_at,
        "linked_by": identity.linked_by,
        "last_used_at": identity.last_used_at,
    }
    return RowChange(_ADD, row)


def remove_identity(identity: ExternalIdentity) -> RowChange:
    """Return the change that unlinks an account from its user; none if another user has it."""
    return RowChange(_REMOVE, {**_key(identity), "owner_id": identity.user_id})


def record_identity_use(identity: ExternalIdentity, *, at: datetime) -> RowChange:
    """Return the change that updates when an account was last used, and what is shown of it."""
    shown = {"new_email": identity.email, "new_username": identity.username}
    return RowChange(_RECORD_USE, {**_key(identity), **shown, "used_at": at})


def _key(identity: ExternalIdentity) -> dict[str, object]:
    return {
        "of_provider": identity.provider,
        "of_issuer": identity.issuer,
        "of_subject": identity.subject,
    }
