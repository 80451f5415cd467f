"""Queries for users: people and service accounts, and the changes of their rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.storage.schema.identity import is_administrator, user_kind, user_role, users
from daypass.portal.storage.unit_of_work import RowChange

_ADD = insert(users)

_UPDATE_LAST_SIGN_IN = (
    update(users).where(users.c.id == bindparam("user")).values(last_sign_in_at=bindparam("signed_in_at"))
)


@dataclass(frozen=True, slots=True)
class SignInRecord:
    """The facts that a sign-in attempt is checked against."""

    user: User
    password_hash: str | None = field(repr=False)
    is_disabled: bool
    is_break_glass: bool = False
    """Whether this is the local Administrator for the time when no identity provider answers."""


_USER = (users.c.id, users.c.username, user_role, user_kind)

_LOGIN = select(*_USER, users.c.password_hash, users.c.disabled_at, users.c.is_break_glass).where(
    users.c.username == bindparam("username")
)


def user_of(user_id: str, username: str, role: str, kind: str) -> User:
    """Return the user of these columns; *kind* is that of `user_kind`."""
    return User(UserId(user_id), username, Role(role), UserKind(kind))


class UserStore:
    """Queries for users: people and service accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, username: str) -> User | None:
        """Return the user of that canonical name, unless disabled."""
        row = self._connection.execute(
            select(*_USER).where(users.c.username == username, users.c.disabled_at.is_(None))
        ).first()
        return None if row is None else user_of(row.id, row.username, row.role, row.user_kind)

    def find_by_id(self, user_id: UserId) -> User | None:
        """Return the user of that ID, unless disabled."""
        row = self._connection.execute(
            select(*_USER).where(users.c.id == user_id, users.c.disabled_at.is_(None))
        ).first()
        return None if row is None else user_of(row.id, row.username, row.role, row.user_kind)

    def is_taken(self, username: str) -> bool:
        """Return whether a user of that canonical name exists, disabled users included."""
        return self._connection.scalar(select(users.c.id).where(users.c.username == username)) is not None

    def password_hash(self, user_id: UserId) -> str | None:
        """Return the hash of a user's password, or None."""
        return self._connection.scalar(select(users.c.password_hash).where(users.c.id == user_id))

    def find_login(self, username: str) -> SignInRecord | None:
        """Return the user of that canonical name, disabled or not, with the password's hash."""
        row = self._connection.execute(_LOGIN, {"username": username}).first()
        if row is None:
            return None
        user = user_of(row.id, row.username, row.role, row.user_kind)
        return SignInRecord(user, row.password_hash, row.disabled_at is not None, row.is_break_glass)

    def lock_login(self, username: str) -> SignInRecord | None:
        """Return the same as `find_login`, and lock the row until the transaction ends."""
        if self._connection.dialect.name != "sqlite":
            self._connection.execute(_LOGIN.with_for_update(key_share=True), {"username": username})
        return self.find_login(username)

    def first_administrators(self, number: int) -> Sequence[str]:
        """Return the names of the first Administrators who are people, for a user to contact."""
        return self._connection.scalars(
            select(users.c.username)
            .where(
                is_administrator,
                users.c.disabled_at.is_(None),
                user_kind == UserKind.PERSON.value,
            )
            .order_by(users.c.username)
            .limit(number)
        ).all()

    def count_administrators(self) -> int:
        """Return the number of enabled Administrators."""
        counted = self._connection.scalar(
            select(func.count()).select_from(users).where(is_administrator, users.c.disabled_at.is_(None))
        )
        return counted or 0

    def break_glass_account(self) -> str | None:
        """Return the username of the enabled break-glass account, or None if there is none."""
        return self._connection.scalar(
            select(users.c.username).where(users.c.is_break_glass, users.c.disabled_at.is_(None))
        )

    def count_local_administrators(self) -> int:
        """Return the number of enabled Administrators with an assigned role and a password."""
        counted = self._connection.scalar(
            select(func.count())
            .select_from(users)
            .where(
                users.c.role == Role.ADMINISTRATOR.value,
                users.c.disabled_at.is_(None),
                users.c.password_hash.is_not(None),
            )
        )
        return counted or 0


def add_user(user: User, password_hash: str | None, *, at: datetime) -> RowChange:
    """Return the change that inserts a user; one without a password cannot sign in with one."""
    row = {
        "id": user.id,
        "username": user.username,
        "role": user.role.value,
        "kind": user.kind.value,
        "password_hash": password_hash,
        "created_at": at,
    }
    return RowChange(_ADD, row)


def update_last_sign_in(user_id: UserId, *, at: datetime) -> RowChange:
    """Return the change that updates when a user last signed in."""
    return RowChange(_UPDATE_LAST_SIGN_IN, {"user": user_id, "signed_in_at": at})
