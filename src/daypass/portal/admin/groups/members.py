"""The members of groups, which are changed here for local groups only."""

from dataclasses import dataclass

from daypass.portal.admin import reauthentication
from daypass.portal.admin.groups.service import find_group
from daypass.portal.admin.groups.store import GroupList
from daypass.portal.admin.transactions import Author, Change, ChangeExecutor, single_change
from daypass.portal.admin.users.service import find_user, part_of_username
from daypass.portal.errors import GroupReadOnly, MembershipNotFound
from daypass.portal.groups.model import Group, GroupMember
from daypass.portal.groups.store import add_group_member, remove_group_member
from daypass.portal.identity.model import User
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """The actions of Administrators on the members of groups; references are ids or names."""

    executor: ChangeExecutor

    def page(self, group: str, page_request: PageRequest, search: str = "") -> Page[GroupMember]:
        """Return a page of a group's members, by username; *search* is a substring of it."""
        with self.executor.database.reading() as connection:
            found = find_group(connection, group).group
            return GroupList(connection).members(found.id, part_of_username(search), page_request)

    def count(self, group: str, search: str = "") -> int:
        """Return the number of members on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        with self.executor.database.reading() as connection:
            found = find_group(connection, group).group
            return GroupList(connection).count_members(found.id, part_of_username(search))

    def find(self, group: str, user: str) -> GroupMember:
        """Return one member; raises `GroupNotFound`, `UserNotFound` or `MembershipNotFound`."""
        found, member = self._find_both(group, user)
        with self.executor.database.reading() as connection:
            listed = GroupList(connection).find_member(found.id, member.id)
        if listed is None:
            raise _no_member(found, member)
        return listed

    def add(self, group: str, user: str, by: Author) -> GroupMember:
        """Add a member to a local group, or leave one as they are.

        Raises `GroupNotFound`, `UserNotFound`, or `GroupReadOnly` for a group of a provider.
        """
        found, member, now = *self._find_both(group, user), self.executor.clock()

        def plan(connection: Connection) -> Change | None:
            # Read again in the transaction, because the group may have been deleted since.
            _check_local(find_group(connection, found.id).group)
            find_user(connection, member.id)
            if GroupList(connection).find_member(found.id, member.id) is not None:
                return None
            row = add_group_member(found.id, member.id, at=now)
            proof = reauthentication.to_add_group_member()
            return Change((row,), {}, {"user": member.username}, proof=proof)

        self.executor.execute(single_change("group_member.add", found.name, by, plan))
        return self.find(found.id, member.id)

    def remove(self, group: str, user: str, by: Author) -> None:
        """Remove a member of a local group; raises the same as `add`, and `MembershipNotFound`."""
        found, member = self._find_both(group, user)

        def plan(connection: Connection) -> Change:
            _check_local(find_group(connection, found.id).group)
            if GroupList(connection).find_member(found.id, member.id) is None:
                raise _no_member(found, member)
            return Change((remove_group_member(found.id, member.id),), {"user": member.username}, {})

        self.executor.execute(single_change("group_member.remove", found.name, by, plan))

    def _find_both(self, group: str, user: str) -> tuple[Group, User]:
        with self.executor.database.reading() as connection:
            return find_group(connection, group).group, find_user(connection, user).user


def _check_local(group: Group) -> None:
    if not group.is_local:
        raise GroupReadOnly(
            f"The members of “{group.name}” come from the identity provider “{group.provider}”. Change them "
            "there, or use a local group."
        )


def _no_member(group: Group, user: User) -> MembershipNotFound:
    return MembershipNotFound(f"“{user.username}” is not a member of the group “{group.name}”.")
