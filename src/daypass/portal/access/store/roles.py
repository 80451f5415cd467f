"""The cached state of roles in AWS, in the database for all replicas."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, or_, select

from daypass.portal.access.broker import AWS_TIME_LIMIT, SetRole
from daypass.portal.access.model import CachedRole
from daypass.portal.storage.prepared import ResultRow
from daypass.portal.storage.schema.access import role_facts
from daypass.portal.storage.upsert import insert_or_update


class CachedRoleStore:
    """The cached state of roles in AWS."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, role_arn: str) -> CachedRole:
        """Return the cached state of the role, with its latest check."""
        return self.find_all([role_arn]).get(role_arn, CachedRole())

    def find_all(self, role_arns: Collection[str]) -> Mapping[str, CachedRole]:
        """Return the cached states of those roles that have one, with their latest checks, by ARN."""
        rows = self._connection.execute(select(role_facts).where(role_facts.c.role_arn.in_(role_arns)))
        return {row.role_arn: _with_check(row) for row in rows}

    def remember_maximum(self, role_arn: str, maximum: timedelta | None, read_at: datetime) -> None:
        """Cache the role's maximum session duration; None if it could not be read."""
        seconds = None if maximum is None else maximum // timedelta(seconds=1)
        self._put(role_arn, {"maximum": seconds, "maximum_read_at": read_at})

    def remember_unattributed(self, role_arn: str, until: datetime) -> None:
        """Cache that the role's trust policy refuses source identity and tags; valid for the time *until*."""
        self._put(role_arn, {"plain_until": until})

    def remember_check(self, role: SetRole, problem: str, checked_at: datetime) -> None:
        """Cache the result of a check of a permission set's role; the problem is "" if there is none.

        A result without a problem does not replace that of a check which began later.
        """
        c = role_facts.c
        # The role may have changed after this check read it. A check lasts `AWS_TIME_LIMIT` at most, so a
        # result that is later still was recorded before the clock was set back.
        is_older = or_(
            c.checked_at.is_(None), c.checked_at < checked_at, c.checked_at > checked_at + AWS_TIME_LIMIT
        )
        checked = {"problem": problem, "checked_at": checked_at, "checked_for": role.demands}
        self._put(role.role_arn, checked, where=None if problem else is_older)

    def forget(self, role_arn: str) -> None:
        """Drop the cached state of a role that was changed."""
        self._connection.execute(delete(role_facts).where(role_facts.c.role_arn == role_arn))

    def _put(
        self, role_arn: str, values: Mapping[str, object], where: ColumnElement[bool] | None = None
    ) -> None:
        self._connection.execute(
            insert_or_update(self._connection, role_facts)
            .values(role_arn=role_arn, **values)
            .on_conflict_do_update(index_elements=["role_arn"], set_=values, where=where)
        )


def cached_role(row: ResultRow) -> CachedRole:
    """Return the cached role in a row that has its columns, even if all are NULL; without its check."""
    return CachedRole(
        maximum=None if row.maximum is None else timedelta(seconds=row.maximum),
        maximum_read_at=row.maximum_read_at,
        unattributed_until=row.plain_until,
    )


def _with_check(row: ResultRow) -> CachedRole:
    checked = {"checked_at": row.checked_at, "problem": row.problem, "checked_for": row.checked_for}
    return replace(cached_role(row), **checked)
