"""Groups: list, create, change and delete."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import uuid4

from daypass.portal.access.session_names import printable
from daypass.portal.admin import reauthentication
from daypass.portal.admin.groups.model import GroupQuery, GroupRecord, group_version
from daypass.portal.admin.groups.store import GroupList
from daypass.portal.admin.model import Version
from daypass.portal.admin.transactions import Author, Change, ChangeExecutor, check_version, single_change
from daypass.portal.admin.users.service import find_user
from daypass.portal.audit.event import PORTAL, Scalar
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.errors import (
    AlreadyExists,
    GroupNotFound,
    InvalidRequest,
    PortalError,
    StorageUnavailable,
)
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.groups.store import (
    GroupStore,
    add_group,
    change_group,
    delete_group,
    end_administration_by,
)
from daypass.portal.identity.administrators import require_local_administrator
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.pagination import Page, PageRequest
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import GroupId

_LONGEST_NAME = 100
_LONGEST_VALUE = 255
_LONGEST_DESCRIPTION = 500
_SHOWN = 60


class ValueTaken(AlreadyExists):
    """Another group of the provider has the value of the claim."""


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """A new group, as an Administrator wrote it."""

    name: str
    description: str = ""
    provider: str = ""
    """The identity provider of a claim group; "" for a local group."""
    value: str = ""
    """The exact value of the provider's groups claim; "" for a local group."""
    makes_administrators: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """The actions of Administrators on groups. A reference is an id, or a name that only one group has."""

    executor: ChangeExecutor
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    """The configured identity providers, by name."""

    def find(self, reference: str) -> GroupRecord:
        """Return one group; raises `GroupNotFound`, or `InvalidRequest` for a name of several groups."""
        with self.executor.database.reading() as connection:
            return find_group(connection, reference)

    def page(self, query: GroupQuery, page_request: PageRequest) -> Page[GroupRecord]:
        """Return a page of groups, by name; raises `InvalidRequest`."""
        with self.executor.database.reading() as connection:
            return GroupList(connection).page(_searchable(query), page_request)

    def count(self, query: GroupQuery) -> int:
        """Return the number of groups on all pages; for a search, at most `COUNT_LIMIT` + 1."""
        with self.executor.database.reading() as connection:
            return GroupList(connection).count(_searchable(query))

    def of_user(self, user: str) -> Sequence[GroupRecord]:
        """Return all groups of a user, by name; raises `UserNotFound`."""
        with self.executor.database.reading() as connection:
            return GroupList(connection).of_user(find_user(connection, user).user.id)

    def create(self, definition: GroupDefinition, by: Author) -> GroupRecord:
        """Create a local group, or a group of a provider's claim.

        Raises `InvalidRequest`, or `AlreadyExists` if the name or the value is taken.
        """
        group, now = self._parse(definition), self.executor.clock()

        def plan(connection: Connection) -> Change:
            self.check_administrators(group)
            if GroupList(connection).is_taken(group.provider, group.name):
                raise AlreadyExists(f"There is a group “{group.name}” already. Choose another name.")
            # Two groups with one value would always have the same members.
            if group.external_id and GroupStore(connection).with_claims(group.provider, [group.external_id]):
                raise ValueTaken(
                    f"Another group has the value “{group.external_id}” already. Give the tenants to that "
                    "group, or enter another value."
                )
            proof = reauthentication.to_put_group(None, group)
            return Change((add_group(group, at=now),), {}, _facts(group), proof=proof)

        self.executor.execute(single_change("group.create", group.name, by, plan))
        return self.find(group.id)

    def update(
        self,
        reference: str,
        by: Author,
        *,
        name: str | None = None,
        description: str | None = None,
        makes_administrators: bool | None = None,
        expected: Version | None = None,
    ) -> GroupRecord:
        """Rename or describe a group, or change whether it makes Administrators; None leaves it unchanged.

        The name of a group of SCIM is the provider's. Raises `GroupNotFound`, `InvalidRequest`,
        `AlreadyExists`, `PreconditionFailed` or `LastAdministrator`.
        """
        group_id, now = self.find(reference).group.id, self.executor.clock()

        def plan(connection: Connection) -> Change | None:
            old = find_group(connection, group_id).group
            check_version(expected, group_version(old), f"The group “{old.name}”")
            new = replace(
                old,
                name=old.name if name is None else name,
                description=old.description if description is None else description,
                makes_administrators=(
                    old.makes_administrators if makes_administrators is None else makes_administrators
                ),
            )
            if new == old:
                return None
            self._check_changed(connection, old, new)
            rows = [change_group(new, at=now)]
            if old.makes_administrators and not new.makes_administrators:
                # Before the change, while the group still tells who is an Administrator by it.
                rows.insert(0, _end_administration(connection, old))
            proof = reauthentication.to_put_group(old, new)
            return Change(tuple(rows), _facts(old), _facts(new), proof=proof)

        self.executor.execute(single_change("group.update", group_id, by, plan))
        return self.find(group_id)

    def delete(self, reference: str, by: Author, expected: Version | None = None) -> None:
        """Delete a group with its memberships, which its members lose; raises the refusals of `update`.

        A group of SCIM comes back with the next provisioning, without memberships.
        """
        group_id = self.find(reference).group.id

        def plan(connection: Connection) -> Change:
            old = find_group(connection, group_id).group
            check_version(expected, group_version(old), f"The group “{old.name}”")
            rows = [delete_group(old.id)]
            if old.makes_administrators:
                rows.insert(0, _end_administration(connection, old))
            return Change(tuple(rows), _facts(old), {}, proof=reauthentication.to_put_group(old, None))

        self.executor.execute(single_change("group.delete", group_id, by, plan))

    def withdraw_administrators(self) -> None:
        """Take the role from groups of providers whose configuration does not let them make Administrators.

        The portal calls it at start. A group keeps the role if no Administrator with an assigned role and a
        password would remain, which is recorded as denied.
        """
        # The next start does this again, so a database that is away for a moment is no reason not to start.
        with suppress(StorageUnavailable):
            with self.executor.database.reading() as connection:
                groups = GroupList(connection).making_administrators()
            for group in groups:
                if not self._is_permitted(group):
                    with suppress(PortalError):
                        self.update(group.id, PORTAL, makes_administrators=False)

    def check_administrators(self, group: Group) -> None:
        """Return if the group may make Administrators, or does not; raise `InvalidRequest` otherwise."""
        if not group.makes_administrators:
            return
        if group.is_local:
            raise InvalidRequest(
                "A local group makes no Administrators. Assign the role to users, or use a group of an "
                "identity provider."
            )
        if not self._is_permitted(group):
            raise InvalidRequest(
                f"The configuration does not let groups of “{group.provider}” make Administrators. Ask the "
                "portal's operator."
            )

    def _is_permitted(self, group: Group) -> bool:
        """Return whether the configuration lets a provider's group make Administrators."""
        provider = self.providers.get(group.provider)
        if provider is None or not provider.makes_administrators:
            return False
        # If the provider fills no groups of this source any more, it cannot remove a leaver from the group.
        return provider.groups.value == group.source.value

    def _parse(self, definition: GroupDefinition) -> Group:
        check_name(definition.name)
        check_description(definition.description)
        group_id = GroupId(uuid4().hex)
        if not definition.provider:
            if definition.value:
                raise InvalidRequest("A group with a value of a claim needs the “provider” that sends it.")
            source, value = MemberSource.LOCAL, None
        else:
            self._check_provider(definition.provider)
            check_value(definition.value)
            source, value = MemberSource.CLAIM, definition.value
        return Group(
            group_id,
            definition.name,
            source,
            definition.provider,
            value,
            definition.description,
            definition.makes_administrators,
        )

    def _check_provider(self, name: str) -> None:
        provider = self.providers.get(name)
        if provider is None or provider.groups is not GroupSource.CLAIM:
            raise InvalidRequest(
                f"No identity provider “{name[:_SHOWN]}” with groups by a claim is configured. The operator "
                "configures providers, and the claim with their groups."
            )

    def _check_changed(self, connection: Connection, old: Group, new: Group) -> None:
        check_description(new.description)
        if new.name != old.name:
            if old.source is MemberSource.SCIM:
                raise InvalidRequest("The identity provider names this group. Rename it there.")
            check_name(new.name)
            if GroupList(connection).is_taken(new.provider, new.name):
                raise AlreadyExists(f"There is a group “{new.name}” already. Choose another name.")
        # Only the step up is checked: a group that lost the permission can still be renamed and described.
        if new.makes_administrators and not old.makes_administrators:
            self.check_administrators(new)


def find_group(connection: Connection, reference: str) -> GroupRecord:
    """Return the group with that id or name.

    Raises `GroupNotFound`, and `InvalidRequest` for a name that groups of several sources have.
    """
    found = GroupList(connection).find(reference) if is_storable(reference) else ()
    if len(found) > 1:
        raise InvalidRequest("Several groups have this name. Use the id of one of them.")
    if not found:
        # The reference is from a URL, so it is cut, and left out if it could break a line.
        name = printable(reference, _SHOWN)
        raise GroupNotFound(f"There is no group “{name}”. Check its name.")
    return found[0]


def check_name(text: str) -> None:
    """Raise `InvalidRequest` unless *text* can be the name of a group."""
    _check_text(text, "name", _LONGEST_NAME)
    if "/" in text:
        raise InvalidRequest("The name of a group has no “/”, because it is a part of addresses.")


def check_value(text: str) -> None:
    """Raise `InvalidRequest` unless *text* can be the value of a claim that a group names."""
    _check_text(text, "value", _LONGEST_VALUE)
    if "*" in text:
        raise InvalidRequest("The value is compared exactly: “*” is no wildcard. Add a group for each value.")


def check_description(text: str) -> None:
    """Raise `InvalidRequest` unless *text* can be the description of a group."""
    if len(text) > _LONGEST_DESCRIPTION or not is_storable(text):
        raise InvalidRequest(f"A description has at most {_LONGEST_DESCRIPTION} characters.")


def _end_administration(connection: Connection, group: Group) -> RowChange:
    """Return the change that ends what members authorized; raises `LastAdministrator`."""
    # An empty group takes the role from no user, so it can always be deleted.
    if not group.is_local and GroupList(connection).has_members(group.id):
        require_local_administrator(connection)
    return end_administration_by(group.id)


def _check_text(text: str, what: str, longest: int) -> None:
    is_plain = text.isprintable() and is_storable(text) and text == text.strip()
    if not text or len(text) > longest or not is_plain:
        raise InvalidRequest(
            f"The {what} of a group has 1 to {longest} printable characters, without spaces at the ends."
        )


def _facts(group: Group) -> dict[str, Scalar]:
    return {
        "name": group.name,
        "source": group.source.value,
        "provider": group.provider,
        "value": group.external_id,
        "description": group.description,
        "makes_administrators": group.makes_administrators,
    }


def _searchable(query: GroupQuery) -> GroupQuery:
    search = query.search.strip()
    if not search.isprintable() or len(search) > _LONGEST_VALUE:
        raise InvalidRequest("Search for a part of a group's name, in printable characters.")
    return replace(query, search=search)
