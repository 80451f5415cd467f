"""The cached state of roles in AWS, in the database for all replicas."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

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
        c = role_facts.c
        columns = c.maximum, c.maximum_read_at, c.plain_until, c.checked_at, c.problem
        row = self._connection.execute(select(*columns).where(c.role_arn == role_arn)).first()
        if row is None:
            return CachedRole()
        return replace(cached_role(row), checked_at=row.checked_at, problem=row.problem)

    def remember_maximum(self, role_arn: str, maximum: timedelta | None, read_at: datetime) -> None:
        """Cache the role's maximum session duration; None if it could not be read."""
        seconds = None if maximum is None else maximum // timedelta(seconds=1)
        self._put(role_arn, {"maximum": seconds, "maximum_read_at": read_at})

    def remember_unattributed(self, role_arn: str, until: datetime) -> None:
        """Cache that the role's trust policy refuses source identity and tags; valid for the time *until*."""
        self._put(role_arn, {"plain_until": until})

    def remember_check(self, role_arn: str, problem: str, checked_at: datetime) -> None:
        """Cache the result of a check of a permission set's role; the problem is "" if there is none."""
        self._put(role_arn, {"problem": problem, "checked_at": checked_at})

    def forget(self, role_arn: str) -> None:
        """Drop the cached state of a role that was changed."""
        self._connection.execute(delete(role_facts).where(role_facts.c.role_arn == role_arn))

    def _put(self, role_arn: str, values: Mapping[str, object]) -> None:
        self._connection.execute(
            insert_or_update(self._connection, role_facts)
            .values(role_arn=role_arn, **values)
            .on_conflict_do_update(index_elements=["role_arn"], set_=values)
        )


def cached_role(row: ResultRow) -> CachedRole:
    """Return the cached role in a row that has its columns, even if all are NULL; without its check."""
    return CachedRole(
        maximum=None if row.maximum is None else timedelta(seconds=row.maximum),
        maximum_read_at=row.maximum_read_at,
        unattributed_until=row.plain_until,
    )
