"""Statements for the break-glass account."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.store.users import user_of
from daypass.portal.storage.schema.identity import user_kind, users
from daypass.portal.storage.unit_of_work import RowChange

_FIND = select(users.c.id, users.c.username, users.c.role, user_kind).where(users.c.is_break_glass)

_MARK = update(users).where(users.c.id == bindparam("marked_id")).values(is_break_glass=True)

_RESTORE = (
    update(users)
    .where(users.c.id == bindparam("restored_id"))
    .values(
        password_hash=bindparam("new_password_hash"),
        role=Role.ADMINISTRATOR.value,
        kind=UserKind.PERSON.value,
        disabled_at=None,
    )
)

_RETIRE = (
    update(users)
    .where(users.c.id == bindparam("retired_id"))
    .values(
        is_break_glass=False,
        role=Role.USER.value,
        disabled_at=func.coalesce(
            users.c.disabled_at, bindparam("retired_at", type_=users.c.disabled_at.type)
        ),
    )
)


class BreakGlassStore:
    """Reads the break-glass account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self) -> User | None:
        """Return the break-glass account, or None if there is none."""
        row = self._connection.execute(_FIND).first()
        return None if row is None else user_of(row.id, row.username, row.role, row.user_kind)


def mark(user_id: UserId) -> RowChange:
    """Return the change that makes a user the break-glass account."""
    return RowChange(_MARK, {"marked_id": user_id})


def restore(user_id: UserId, password_hash: str) -> RowChange:
    """Return the change that makes the account an enabled Administrator with another password."""
    return RowChange(_RESTORE, {"restored_id": user_id, "new_password_hash": password_hash})


def retire(user_id: UserId, *, at: datetime) -> RowChange:
    """Return the change that makes the former break-glass account a disabled User."""
    return RowChange(_RETIRE, {"retired_id": user_id, "retired_at": at})
