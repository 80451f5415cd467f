"""Permission sets: list, create, change and delete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from daypass.portal.access.model import CachedRole
from daypass.portal.access.session_names import printable
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import (
    PermissionSetRecord,
    SetRoleRecord,
    Version,
    permission_set_version,
)
from daypass.portal.admin.transactions import Author, Change, ChangeExecutor, check_version, single_change
from daypass.portal.errors import PermissionSetInUse, PermissionSetNotFound
from daypass.portal.permission_sets import grammar
from daypass.portal.permission_sets.model import PermissionSet, PermissionSetId, PermissionSetTemplate
from daypass.portal.permission_sets.store import (
    PermissionSetStore,
    add_permission_set,
    change_permission_set,
    delete_permission_set,
)
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.search import is_storable
from daypass.portal.tenants.model import Tenant

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Definition:
    """The content of a custom set, as an Administrator wrote it; `grammar` has the rules."""

    description: str
    rank: int
    policies: Sequence[str]
    """In the form that `ManagedPolicy.parse` reads."""
    denies: Sequence[object]
    """Deny statements of IAM, as parsed JSON."""
    has_own_role: bool = False
    """Whether the set has a role in each tenant; then it has no policies and no denies."""


@dataclass(frozen=True, slots=True)
class PermissionSets:
    """The actions of Administrators on permission sets. A reference to a set is its id or name."""

    executor: ChangeExecutor
    templates: Sequence[PermissionSetTemplate] = ()
    """Suggestions for custom sets."""
    is_known_action: grammar.ActionCheck = grammar.any_action

    def all(self) -> Sequence[PermissionSet]:
        """Return every set, also the built-in ones, the highest rank first."""
        with self.executor.database.reading() as connection:
            return PermissionSetStore(connection).all()

    def with_members(self) -> Sequence[PermissionSetRecord]:
        """Return every set with the number of its memberships, also of the built-in ones."""
        with self.executor.database.reading() as connection:
            store = PermissionSetStore(connection)
            numbers = store.count_all_members()
            return [PermissionSetRecord(each, numbers.get(each.id, 0)) for each in store.all()]

    def find(self, reference: str) -> PermissionSetRecord:
        """Return one set with the number of its memberships; raises `PermissionSetNotFound`."""
        with self.executor.database.reading() as connection:
            found = find_permission_set(connection, reference)
            members = None if found.is_built_in else PermissionSetStore(connection).count_members(found)
        return PermissionSetRecord(found, members)

    def roles(self, permission_set: PermissionSet, tenants: Sequence[Tenant]) -> Sequence[SetRoleRecord]:
        """Return the role of a set in each of *tenants*, with the result of the latest check."""
        arns = [tenant.target_of(permission_set).role_arn for tenant in tenants]
        with self.executor.database.reading() as connection:
            found = CachedRoleStore(connection).find_all(arns)
        return [
            SetRoleRecord(tenant, arn, found.get(arn, CachedRole()))
            for tenant, arn in zip(tenants, arns, strict=True)
        ]

    def put(
        self, name: str, definition: Definition, by: Author, expected: Version | None = None
    ) -> PermissionSetRecord:
        """Create or replace a custom set, with effect on the next session of each of its members.

        The expected version of a set that does not exist is `Version("")`. Raises `InvalidRequest` or
        `PreconditionFailed`.
        """
        new = self._parse(name, definition)
        now = self.executor.clock()

        def plan(connection: Connection) -> Change | None:
            old = PermissionSetStore(connection).find(name)
            version = Version("") if old is None else permission_set_version(old)
            check_version(expected, version, f"The permission set “{name}”")
            proof = reauthentication.to_put_permission_set(old, new)
            if old is None:
                return Change((add_permission_set(new, at=now),), {}, _facts(new), proof=proof)
            changed = replace(new, id=old.id)
            if changed == old:
                return None
            write = change_permission_set(changed, at=now)
            return Change((write,), _facts(old), _facts(changed), proof=proof)

        self.executor.execute(single_change("permission_set.put", name, by, plan))
        return self.find(name)

    def remove(self, reference: str, by: Author, expected: Version | None = None) -> None:
        """Delete a custom set; raises `PermissionSetInUse` while a membership has it."""
        name = self.find(reference).permission_set.name

        def plan(connection: Connection) -> Change:
            old = find_permission_set(connection, name)
            check_version(expected, permission_set_version(old), f"The permission set “{name}”")
            _check_removable(connection, old)
            return Change(delete_permission_set(old), _facts(old), {})

        self.executor.execute(single_change("permission_set.remove", name, by, plan))

    def _parse(self, name: str, definition: Definition) -> PermissionSet:
        grammar.check_name(name)
        permission_set = PermissionSet(
            id=PermissionSetId(uuid4().hex),
            name=name,
            description=definition.description,
            rank=definition.rank,
            policies=grammar.policies_of(definition.policies),
            denies=grammar.denies_text(definition.denies, self.is_known_action),
            has_own_role=definition.has_own_role,
        )
        grammar.check(permission_set)
        return permission_set


def find_permission_set(connection: Connection, reference: str) -> PermissionSet:
    """Return the set with this name or id; raises `PermissionSetNotFound`."""
    found = PermissionSetStore(connection).find(reference) if is_storable(reference) else None
    if found is None:
        name = printable(reference, _SHOWN)
        raise PermissionSetNotFound(f"There is no permission set “{name}”. Check its name.")
    return found


def _check_removable(connection: Connection, permission_set: PermissionSet) -> None:
    if permission_set.is_built_in:
        grammar.check_name(permission_set.name)
    number = PermissionSetStore(connection).count_members(permission_set)
    if number:
        have = "1 membership has" if number == 1 else f"{number:,} memberships have"
        raise PermissionSetInUse(
            f"{have} the permission set “{permission_set.name}”. Give the members another one first."
        )


def _facts(permission_set: PermissionSet) -> dict[str, str | int]:
    return {
        "description": permission_set.description,
        "rank": permission_set.rank,
        "policies": ", ".join(policy.text for policy in permission_set.policies),
        "denies": permission_set.denies,
        "own_role": permission_set.has_own_role,
    }
