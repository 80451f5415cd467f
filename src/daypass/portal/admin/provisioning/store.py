"""The numbers of users and groups that an identity provider provisioned."""

from sqlalchemy import Connection, func, select

from daypass.portal.groups.model import MemberSource
from daypass.portal.storage.schema.groups import groups
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.provisioning import scim_users


class ProvisionedCounts:
    """Queries for the numbers of users and groups."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def users(self, provider: str) -> tuple[int, int]:
        """Return how many users a provider made and did not delete, and how many of them are enabled."""
        enabled = func.count().filter(users.c.disabled_at.is_(None))
        query = select(func.count(), enabled).select_from(
            scim_users.join(users, users.c.id == scim_users.c.user_id)
        )
        row = self._connection.execute(
            query.where(scim_users.c.provider == provider, scim_users.c.deleted_at.is_(None))
        ).one()
        return row[0], row[1]

    def groups(self, provider: str) -> int:
        """Return the number of groups of a provider."""
        query = select(func.count()).select_from(groups)
        of_provider = query.where(groups.c.provider == provider, groups.c.source == MemberSource.SCIM.value)
        return self._connection.execute(of_provider).scalar_one()
