"""Queries for the members of claim groups whose claims count no longer."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, tuple_

from daypass.portal.groups.model import MemberSource
from daypass.portal.identity.model import User
from daypass.portal.identity.store.users import user_of
from daypass.portal.storage.schema.groups import group_members, groups
from daypass.portal.storage.schema.identity import user_kind, user_role, users
from daypass.portal.storage.schema.sign_in import external_identities


class LapsedClaimStore:
    """The members of claim groups whose last sign-in at the provider no longer counts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_users(
        self, issuers: Mapping[str, str], before: datetime, number: int
    ) -> Sequence[tuple[User, str]]:
        """Return up to *number* pairs of a user and the provider of their groups.

        *issuers* has the issuer of each provider whose claims give groups. A sign-in counts if it was there,
        at that issuer, and after *before*.
        """
        query = _LAPSED.where(_has_lapsed(issuers, before)).distinct().limit(number)
        rows = self._connection.execute(query)
        return [(user_of(row.id, row.username, row.role, row.user_kind), row.provider) for row in rows]

    def has_lapsed(self, user_id: str, provider: str, issuers: Mapping[str, str], before: datetime) -> bool:
        """Return whether this is one of the pairs of `list_users`."""
        of_pair = users.c.id == user_id, groups.c.provider == provider
        query = _LAPSED.where(*of_pair, _has_lapsed(issuers, before)).limit(1)
        return self._connection.execute(query).first() is not None


_LAPSED = (
    select(users.c.id, users.c.username, user_role, user_kind, groups.c.provider)
    .join(group_members, group_members.c.user_id == users.c.id)
    .join(groups, groups.c.id == group_members.c.group_id)
    .where(groups.c.source == MemberSource.CLAIM.value)
)


def _has_lapsed(issuers: Mapping[str, str], before: datetime) -> ColumnElement[bool]:
    i = external_identities.c
    return ~(
        select(i.subject)
        .where(
            i.user_id == users.c.id,
            i.provider == groups.c.provider,
            tuple_(i.provider, i.issuer).in_(list(issuers.items())),
            i.last_used_at > before,
        )
        .exists()
    )
