"""Queries for the groups that an identity provider made, and the changes of their rows."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, or_, select, update

from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.provisioning.model import ProvisionedGroup
from daypass.portal.groups.store import GROUP, group_of
from daypass.portal.identity.model import Role, TokenKind, User, UserId
from daypass.portal.identity.store.tokens import END_ADMINISTRATION
from daypass.portal.identity.store.users import user_of
from daypass.portal.storage.schema.groups import group_members, group_memberships, groups
from daypass.portal.storage.schema.identity import api_tokens, user_kind, user_role, users
from daypass.portal.storage.schema.provisioning import scim_users
from daypass.portal.storage.unit_of_work import RowChange

_GROUPS = select(*GROUP, groups.c.version, groups.c.created_at, groups.c.updated_at).where(
    groups.c.source == MemberSource.SCIM.value
)
_ORDER = (groups.c.created_at, groups.c.id)

# Fewer than the 32,766 parameters of a statement on SQLite.
_IDS_AT_ONCE = 5000

# A group that gives nothing changes nothing on open pages, so its members stay signed in.
_GIVES_ACCESS = select(groups.c.id).where(
    groups.c.id == bindparam("of_group"),
    or_(
        groups.c.makes_administrators,
        groups.c.id.in_(select(group_memberships.c.group_id)),
    ),
)
_END_BROWSER_SESSIONS = (
    update(api_tokens)
    .where(
        api_tokens.c.user_id == bindparam("of_user"),
        api_tokens.c.kind == TokenKind.BROWSER.value,
        api_tokens.c.revoked_at.is_(None),
        _GIVES_ACCESS.exists(),
    )
    .values(revoked_at=bindparam("now"))
)
# As in `user_role`, without the group that the user leaves: the statement runs while they are still a member.
_IS_MADE_ADMINISTRATOR_ELSEWHERE = or_(
    select(users.c.id)
    .where(users.c.id == bindparam("of_user"), users.c.role == Role.ADMINISTRATOR.value)
    .exists(),
    select(group_members.c.user_id)
    .join(groups, groups.c.id == group_members.c.group_id)
    .where(
        group_members.c.user_id == bindparam("of_user"),
        groups.c.makes_administrators,
        groups.c.source != MemberSource.LOCAL.value,
        groups.c.id != bindparam("of_group"),
    )
    .exists(),
)
_END_ADMINISTRATION = END_ADMINISTRATION.where(
    api_tokens.c.user_id == bindparam("of_user"), ~_IS_MADE_ADMINISTRATOR_ELSEWHERE
)


class ProvisionedGroupStore:
    """Queries for the groups that one identity provider made."""

    def __init__(self, connection: Connection, provider: str) -> None:
        self._connection = connection
        self._provider = provider
        self._of_provider = _GROUPS.where(groups.c.provider == provider)

    def find(self, group_id: str, *, with_members: bool = True) -> ProvisionedGroup | None:
        """Return the group of that id, or None."""
        found = self._read(self._of_provider.where(groups.c.id == group_id), with_members=with_members)
        return found[0] if found else None

    def all(self, *, with_members: bool) -> Sequence[ProvisionedGroup]:
        """Return all groups, in the order of `page`."""
        return self._read(self._of_provider.order_by(*_ORDER), with_members=with_members)

    def count(self) -> int:
        """Return the number of groups."""
        return self._connection.scalar(select(func.count()).select_from(self._of_provider.subquery())) or 0

    def page(self, offset: int, limit: int, *, with_members: bool) -> Sequence[ProvisionedGroup]:
        """Return up to *limit* groups after the first *offset*, the oldest first."""
        query = self._of_provider.order_by(*_ORDER).offset(offset).limit(limit)
        return self._read(query, with_members=with_members)

    def is_name_taken(self, name: str) -> bool:
        """Return whether a group of the provider, of any source, has that name."""
        query = select(groups.c.id).where(groups.c.provider == self._provider, groups.c.name == name)
        return self._connection.scalar(query) is not None

    def is_external_id_taken(self, external_id: str) -> bool:
        """Return whether a group that the provider made has that `externalId`."""
        query = self._of_provider.where(groups.c.external_id == external_id)
        return self._connection.execute(query).first() is not None

    def users(self, user_ids: Collection[str]) -> Mapping[str, User]:
        """Return those of *user_ids* whom the provider made, by id; no other user exists for it."""
        wanted, found = sorted(user_ids), dict[str, User]()
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            query = (
                select(users.c.id, users.c.username, user_role, user_kind)
                .join(scim_users, scim_users.c.user_id == users.c.id)
                .where(
                    scim_users.c.provider == self._provider,
                    scim_users.c.deleted_at.is_(None),
                    users.c.is_break_glass.is_(False),
                    users.c.id.in_(wanted[start : start + _IDS_AT_ONCE]),
                )
            )
            for row in self._connection.execute(query):
                found[row.id] = user_of(row.id, row.username, row.role, row.user_kind)
        return found

    def usernames(self, user_ids: Collection[str]) -> Mapping[str, str]:
        """Return the canonical names of users by id."""
        wanted, found = sorted(user_ids), dict[str, str]()
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            chosen = users.c.id.in_(wanted[start : start + _IDS_AT_ONCE])
            rows = self._connection.execute(select(users.c.id, users.c.username).where(chosen))
            found |= {row.id: row.username for row in rows}
        return found

    def _read(self, query: Select[Any], *, with_members: bool) -> Sequence[ProvisionedGroup]:
        rows = self._connection.execute(query).all()
        members = self.members([row.id for row in rows]) if with_members else {}
        return [_group(row, members.get(row.id, frozenset())) for row in rows]

    def members(self, group_ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Return the ids of the members by that of the group; a group without members is left out."""
        found: dict[str, set[str]] = defaultdict(set)
        for start in range(0, len(group_ids), _IDS_AT_ONCE):
            query = select(group_members.c.group_id, group_members.c.user_id).where(
                group_members.c.group_id.in_(group_ids[start : start + _IDS_AT_ONCE])
            )
            for row in self._connection.execute(query):
                found[row.group_id].add(row.user_id)
        return {group_id: frozenset(user_ids) for group_id, user_ids in found.items()}


def _group(row: Row[*tuple[Any, ...]], members: frozenset[str]) -> ProvisionedGroup:
    return ProvisionedGroup(group_of(row), row.version, row.created_at, row.updated_at, members)


def end_what_a_group_gave(group: Group, user_id: UserId, *, at: datetime) -> Sequence[RowChange]:
    """Return the changes that end what a member of a group had by it.

    These are the sign-ins of browsers, if the group gives anything, and what the user authorized as an
    Administrator, if nothing else makes them one. They come before the change that removes the member, or
    deletes the group.
    """
    of_member = {"of_group": group.id, "of_user": user_id}
    rows = [RowChange(_END_BROWSER_SESSIONS, {**of_member, "now": at})]
    if group.makes_administrators:
        rows.append(RowChange(_END_ADMINISTRATION, of_member))
    return rows
