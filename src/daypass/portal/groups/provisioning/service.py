"""The groups of an identity provider: made, renamed, filled and deleted by SCIM.

A provider reaches the groups that it made and no others. Their members are users that the same provider made:
no local account, no user of another provider, and not the break-glass account. Administrators decide on the
memberships that a group gives, so no call of the provider gives a tenant or the role Administrator by itself.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    AlreadyExists,
    GroupNotFound,
    InvalidRequest,
    LastAdministrator,
    PortalError,
)
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.provisioning.model import ProvisionedGroup, WantedGroup
from daypass.portal.groups.provisioning.store import ProvisionedGroupStore, end_what_a_group_gave
from daypass.portal.groups.store import (
    add_group,
    add_group_member,
    change_group,
    delete_group,
    remove_group_member,
)
from daypass.portal.identity.administrators import require_local_administrator
from daypass.portal.identity.authentication import check_no_secret
from daypass.portal.identity.model import UserId
from daypass.portal.identity.provisioning.events import provisioning_event, refusal_event
from daypass.portal.identity.provisioning.model import Provisioner
from daypass.portal.identity.provisioning.retries import Stale, check_tag, retry_while_stale
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork
from daypass.portal.tenants.model import GroupId

LONGEST_NAME = 255
LONGEST_EXTERNAL_ID = 255

# Providers change the members of one group by many requests at the same time, one for each user.
_TRIES = 20

Edit = Callable[[ProvisionedGroup], WantedGroup]
"""Returns what a group becomes. It runs again if the group is changed meanwhile, so it has no effect."""


@dataclass(frozen=True, slots=True)
class GroupPage:
    """A part of a provider's groups."""

    groups: Sequence[ProvisionedGroup]
    total: int


@dataclass(frozen=True, slots=True)
class _Change:
    """The rows and events of a change, and its own refusal inside the transaction."""

    rows: Sequence[RowChange]
    events: Sequence[Event]
    refusal: Callable[[Connection], PortalError | None]


class _ForeignMember(InvalidRequest):
    """A member is no user of the provider."""


@dataclass(frozen=True, slots=True)
class ProvisionedGroups:
    """The groups that identity providers make."""

    database: Database
    committer: Committer
    clock: Clock

    def find(self, provider: str, group_id: str, *, with_members: bool = True) -> ProvisionedGroup:
        """Return a group of a provider; raises `GroupNotFound` for every other group."""
        found = None
        if is_storable(group_id):
            with self.database.reading() as connection:
                found = ProvisionedGroupStore(connection, provider).find(group_id, with_members=with_members)
        if found is None:
            raise GroupNotFound("There is no such group.")
        return found

    def page(self, provider: str, offset: int, limit: int, *, with_members: bool = True) -> GroupPage:
        """Return up to *limit* groups of a provider after the first *offset*, the oldest first."""
        with self.database.reading() as connection:
            store = ProvisionedGroupStore(connection, provider)
            return GroupPage(store.page(offset, limit, with_members=with_members), store.count())

    def all(self, provider: str, *, with_members: bool = True) -> Sequence[ProvisionedGroup]:
        """Return all groups of a provider, the oldest first."""
        with self.database.reading() as connection:
            return ProvisionedGroupStore(connection, provider).all(with_members=with_members)

    def with_members(self, provider: str, groups: Sequence[ProvisionedGroup]) -> Sequence[ProvisionedGroup]:
        """Return *groups* of a provider, which were read without their members, with them."""
        with self.database.reading() as connection:
            members = ProvisionedGroupStore(connection, provider).members([each.group.id for each in groups])
        return [replace(each, members=members.get(each.group.id, frozenset())) for each in groups]

    def create(self, wanted: WantedGroup, by: Provisioner) -> ProvisionedGroup:
        """Create a group that gives nothing yet.

        Raises `InvalidRequest`, also for a member that is no user of the provider, or `AlreadyExists`.
        """
        _check(wanted)
        group = _new_group(wanted, by)
        try:
            self._create(group, wanted, by)
        except (AlreadyExists, _ForeignMember) as refusal:
            self.committer.commit_rate_limited(refusal_event("scim_group.create", group.name, by, refusal))
            raise
        return self.find(by.provider, group.id)

    def _create(self, group: Group, wanted: WantedGroup, by: Provisioner) -> None:
        now = self.clock()
        with self.database.reading() as connection:
            names = _names_of_users(connection, by.provider, wanted.member_ids)
        rows = [add_group(group, at=now), *_joins(group, names, now)]
        events = [
            provisioning_event("scim_group.create", group.name, by, {"external_id": group.external_id}),
            *_member_events("group_member.add", group, names, by),
        ]

        def check(connection: Connection) -> PortalError | None:
            # A user may have been deleted since the names were read, and a foreign key would not refuse that:
            # the row stays.
            if names.keys() != ProvisionedGroupStore(connection, by.provider).users(names).keys():
                return _foreign_member()
            return _taken(connection, by.provider, None, wanted)

        self.committer.commit_unit(UnitOfWork(rows, events, check, is_exclusive=True))

    def update(self, group_id: str, edit: Edit, by: Provisioner, expected: str | None = None) -> str:
        """Change a group, which stays as it is if *edit* changes nothing, and return its tag.

        *expected* is the tag that the group must have. Raises `GroupNotFound`, `PreconditionFailed`,
        `InvalidRequest`, `AlreadyExists`, or `LastAdministrator`, which is recorded as an alert.
        """

        def change(old: ProvisionedGroup) -> _Change | None:
            return self._update(old, edit(old), by)

        self._commit(group_id, change, by, expected)
        return self.find(by.provider, group_id, with_members=False).tag

    def delete(self, group_id: str, by: Provisioner, expected: str | None = None) -> None:
        """Delete a group with the memberships that it gives; raises the refusals of `update`."""

        def change(old: ProvisionedGroup) -> _Change:
            with self.database.reading() as connection:
                names = ProvisionedGroupStore(connection, by.provider).usernames(old.members)
            rows = [*_ends(old.group, names, self.clock()), delete_group(old.group.id)]
            events = [
                *_member_events("group_member.remove", old.group, names, by),
                provisioning_event(
                    "scim_group.delete", old.group.name, by, {"external_id": old.group.external_id}
                ),
            ]
            return _Change(rows, events, lambda connection: _lost(connection, old.group, names))

        self._commit(group_id, change, by, expected)

    def _update(self, old: ProvisionedGroup, wanted: WantedGroup, by: Provisioner) -> _Change | None:
        group = replace(old.group, name=wanted.name, external_id=wanted.external_id)
        joining, leaving = wanted.member_ids - old.members, old.members - wanted.member_ids
        if group == old.group and not joining and not leaving:
            return None
        # After the comparison, so that a request that changes nothing is never refused.
        _check(wanted)
        now = self.clock()
        with self.database.reading() as connection:
            joined = _names_of_users(connection, by.provider, joining)
            left = ProvisionedGroupStore(connection, by.provider).usernames(leaving)
        events = []
        if group != old.group:
            facts = {
                "old.name": old.group.name,
                "new.name": group.name,
                "old.external_id": old.group.external_id,
                "new.external_id": group.external_id,
            }
            events.append(provisioning_event("scim_group.update", old.group.name, by, facts))
        events += _member_events("group_member.remove", group, left, by)
        events += _member_events("group_member.add", group, joined, by)
        rows = [
            # Also if only members change: it increases the version, by which a concurrent change notices this
            # one.
            change_group(group, at=now),
            *_ends(group, left, now),
            *(remove_group_member(group.id, UserId(user_id)) for user_id in left),
            *_joins(group, joined, now),
        ]

        def refusal(connection: Connection) -> PortalError | None:
            if joined.keys() != ProvisionedGroupStore(connection, by.provider).users(joined).keys():
                return Stale("A user was deleted.")
            return _lost(connection, group, left) or _taken(connection, by.provider, old.group, wanted)

        return _Change(rows, events, refusal)

    def _commit(
        self,
        group_id: str,
        change: Callable[[ProvisionedGroup], _Change | None],
        by: Provisioner,
        expected: str | None,
    ) -> None:
        def attempt() -> None:
            old = self.find(by.provider, group_id)
            check_tag(expected, old.tag, "group")
            try:
                wanted = change(old)
                if wanted is not None:
                    unit = UnitOfWork(wanted.rows, wanted.events, _unchanged(old, wanted), is_exclusive=True)
                    self.committer.commit_unit(unit)
            # The provider gets an error only, so the Administrators of the portal learn of it by the audit
            # log.
            except LastAdministrator as refusal:
                self._record("group.synchronise", old, by, refusal, Outcome.ALERT)
                raise
            except (AlreadyExists, _ForeignMember) as refusal:
                self._record("scim_group.update", old, by, refusal, Outcome.DENIED)
                raise

        retry_while_stale(attempt, _TRIES, "group")

    def _record(
        self, action: str, old: ProvisionedGroup, by: Provisioner, refusal: PortalError, outcome: Outcome
    ) -> None:
        self.committer.commit_rate_limited(refusal_event(action, old.group.name, by, refusal, outcome))


def _unchanged(old: ProvisionedGroup, change: _Change) -> Callable[[Connection], PortalError | None]:
    """Return the precondition of a change: the group is still *old*, and the change is allowed."""

    def check(connection: Connection) -> PortalError | None:
        # The version stands for the members, of which there can be thousands.
        current = ProvisionedGroupStore(connection, old.group.provider).find(old.group.id, with_members=False)
        if current is None or (current.group, current.version) != (old.group, old.version):
            return Stale("The group was changed.")
        return change.refusal(connection)

    return check


def _new_group(wanted: WantedGroup, by: Provisioner) -> Group:
    group_id = GroupId(uuid4().hex)
    return Group(group_id, wanted.name, MemberSource.SCIM, by.provider, wanted.external_id)


def _check(wanted: WantedGroup) -> None:
    """Raise `InvalidRequest` if a value cannot be stored."""
    check_no_secret(wanted.name)
    name, external_id = wanted.name, wanted.external_id or ""
    if not name or len(name) > LONGEST_NAME or not is_storable(name) or name != name.strip():
        raise InvalidRequest(
            f"displayName has 1 to {LONGEST_NAME} printable characters, without spaces at the ends."
        )
    if len(external_id) > LONGEST_EXTERNAL_ID or not is_storable(external_id):
        raise InvalidRequest(f"externalId has at most {LONGEST_EXTERNAL_ID} printable characters.")


def _names_of_users(connection: Connection, provider: str, user_ids: Collection[str]) -> Mapping[str, str]:
    """Return the usernames of a provider's users by id; raises `InvalidRequest` if one is no such user."""
    # An id with a NUL or a lone surrogate belongs to no user, and PostgreSQL would refuse the query with an
    # error.
    known = [user_id for user_id in user_ids if is_storable(user_id)]
    users = ProvisionedGroupStore(connection, provider).users(known)
    if len(users) != len(user_ids):
        raise _foreign_member()
    return {user_id: users[user_id].username for user_id in sorted(users)}


def _foreign_member() -> _ForeignMember:
    # The same answer for an unknown id, a local account, a user of another provider, and a group.
    return _ForeignMember(
        "A member is no user that this provider made. Create the user by SCIM first; groups in groups are "
        "not supported."
    )


def _taken(
    connection: Connection, provider: str, old: Group | None, wanted: WantedGroup
) -> PortalError | None:
    store = ProvisionedGroupStore(connection, provider)
    if (old is None or wanted.name != old.name) and store.is_name_taken(wanted.name):
        return AlreadyExists(f"There is a group “{wanted.name}” of this provider already.")
    external_id = wanted.external_id
    is_new = external_id is not None and (old is None or external_id != old.external_id)
    if external_id is not None and is_new and store.is_external_id_taken(external_id):
        return AlreadyExists("Another group has this externalId already.")
    return None


def _lost(connection: Connection, group: Group, leaving: Collection[str]) -> PortalError | None:
    """Return the refusal if members lose the role Administrator while no local Administrator exists."""
    if group.makes_administrators and leaving:
        try:
            require_local_administrator(connection)
        except LastAdministrator as refusal:
            return refusal
    return None


def _joins(group: Group, user_ids: Collection[str], now: datetime) -> Sequence[RowChange]:
    return [add_group_member(group.id, UserId(user_id), at=now) for user_id in user_ids]


def _ends(group: Group, user_ids: Collection[str], now: datetime) -> Sequence[RowChange]:
    return [row for user_id in user_ids for row in end_what_a_group_gave(group, UserId(user_id), at=now)]


def _member_events(
    action: str, group: Group, usernames: Mapping[str, str], by: Provisioner
) -> Sequence[Event]:
    return [
        provisioning_event(action, group.name, by, {"user": username, "source": group.source.value})
        for username in usernames.values()
    ]
