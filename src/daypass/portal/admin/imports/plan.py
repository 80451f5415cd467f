"""The plan of each line of an import: the difference between its content and the current state."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from daypass.common.usernames import canonical_username
from daypass.portal.admin import reauthentication
from daypass.portal.admin.imports.limits import MAX_TENANTS_PER_LINE
from daypass.portal.admin.imports.table import ACCESS_COLUMNS, BEYOND, Line, tenant_names
from daypass.portal.admin.model import UserRecord
from daypass.portal.admin.reauthentication import Proof
from daypass.portal.admin.tenants.store.tenants import TenantList
from daypass.portal.admin.users.store.users import MemberList, UserList
from daypass.portal.errors import InvalidRequest, PortalError
from daypass.portal.identity.authentication import check_no_secret
from daypass.portal.identity.model import Role, User, UserId
from daypass.portal.identity.usernames import check_new_username, check_username
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.permission_sets.store import PermissionSetStore
from daypass.portal.storage.engine import Connection
from daypass.portal.tenants.model import Access, Tenant

_NAME_AND_ADDRESS = re.compile(r".*<([^<>\s]+)>")
_ROLES = {role.value.lower(): role for role in Role}


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """The plan of one line."""

    line: int
    username: str
    role: Role = Role.USER
    is_new: bool = False
    old_role: Role | None = None
    """The role before; None if it does not change."""
    memberships: Mapping[str, str] = field(default_factory=dict)
    """The names of the permission sets of memberships that are new or change, by tenant name."""
    proof: Proof = Proof.NONE
    """The reauthentication that the line needs."""
    problem: str | None = None
    """The reason if the line is invalid."""

    @property
    def changes_role(self) -> bool:
        """Whether the user is new or gets another role."""
        return self.is_new or self.old_role is not None

    @property
    def has_effect(self) -> bool:
        """Whether the line changes anything."""
        return self.changes_role or bool(self.memberships)


@dataclass(frozen=True, slots=True)
class CurrentState:
    """The existing users, memberships and tenants that some lines refer to, and all permission sets."""

    users: Mapping[str, UserRecord]
    """By username."""
    memberships: Mapping[tuple[UserId, str], PermissionSet]
    """By the id of the user and the name of the tenant."""
    tenants: Mapping[str, Tenant]
    """By name."""
    permission_sets: Mapping[str, PermissionSet]
    """By name."""


def plan_lines(connection: Connection, lines: Sequence[Line]) -> tuple[Sequence[ImportedUser], CurrentState]:
    """Return the plans of some lines, each independent of the others, and the state that they refer to."""
    parsed = [_parse(line) for line in lines]
    valid = [user for user, _ in parsed if user.problem is None]
    users = UserList(connection).by_names([user.username for user in valid])
    state = CurrentState(
        users,
        MemberList(connection).sets_of([record.user.id for record in users.values()]),
        TenantList(connection).by_names({name for user in valid for name in user.memberships}),
        {each.name: each for each in PermissionSetStore(connection).all()},
    )
    return [_compare(user, names_role, state) for user, names_role in parsed], state


def without_duplicates(planned: Sequence[ImportedUser]) -> Sequence[ImportedUser]:
    """Return the plan of a whole table, in which a second line with a user is invalid."""
    first_lines: dict[str, int] = {}
    result: list[ImportedUser] = []
    for user in planned:
        first = first_lines.setdefault(user.username, user.line)
        is_duplicate = first != user.line and user.problem is None
        problem = f"Line {first} has this user too."
        result.append(ImportedUser(user.line, user.username, problem=problem) if is_duplicate else user)
    return result


def _parse(line: Line) -> tuple[ImportedUser, bool]:
    """Return the user that a line describes, and whether it names a role."""
    number, row = line
    username = canonical_username(row.get("username", ""))
    try:
        _check_cells(row)
        role = _role(row.get("role", ""))
        # The text as typed, because case folding would hide a secret from the check.
        check_no_secret(row.get("username", ""))
        check_username(username)
        user = ImportedUser(number, username, role, memberships=_memberships(row))
    except PortalError as refusal:
        user = ImportedUser(number, username, problem=refusal.reason)
    return user, bool(row.get("role"))


def _compare(line: ImportedUser, names_role: bool, state: CurrentState) -> ImportedUser:
    """Return the plan of a line: the difference between what it describes and the current state."""
    if line.problem is not None:
        return line
    missing = sorted(line.memberships.keys() - state.tenants.keys())
    if missing:
        return ImportedUser(line.line, line.username, problem=f"There is no tenant {_named(missing)}.")
    missing = sorted(set(line.memberships.values()) - state.permission_sets.keys())
    if missing:
        problem = f"There is no permission set {_named(missing)}."
        return ImportedUser(line.line, line.username, problem=problem)
    record = state.users.get(line.username)
    if record is None:
        return _new(line, state)
    user = record.user
    before = {name: state.memberships.get((user.id, name)) for name in line.memberships}
    changes = {
        name: new for name, new in line.memberships.items() if before[name] != state.permission_sets[new]
    }
    # The assigned role: a group that makes the user an Administrator is not a line's to change.
    role = line.role if names_role else record.assigned_role
    old_role = None if record.assigned_role is role else record.assigned_role
    changed = replace(line, role=role, old_role=old_role, memberships=changes)
    return _with_proof(changed, record, before, state)


def _with_proof(
    line: ImportedUser,
    old: UserRecord | None,
    before: Mapping[str, PermissionSet | None],
    state: CurrentState,
) -> ImportedUser:
    """Return the line with the proof that the changes of its user and memberships need."""
    needed = [
        reauthentication.to_put_member(before.get(name), state.permission_sets[new])
        for name, new in line.memberships.items()
    ]
    if old is None:
        user = User(UserId(""), line.username, line.role)
        needed.append(reauthentication.to_create_user(user, has_password=False))
    elif line.old_role is not None:
        needed.append(reauthentication.to_update_user(old, old.with_role(line.role)))
    return replace(line, proof=max(needed, default=Proof.NONE))


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"“{name[:40]}”" for name in names[:3]) + (", …" if len(names) > 3 else "")


def _new(line: ImportedUser, state: CurrentState) -> ImportedUser:
    try:
        check_new_username(line.username)
    except InvalidRequest as refusal:
        return ImportedUser(line.line, line.username, problem=refusal.reason)
    return _with_proof(replace(line, is_new=True), None, {}, state)


def _check_cells(row: Mapping[str, str]) -> None:
    """Refuse cells beyond the columns, and a username that is a name with an address."""
    if row.get(BEYOND):
        raise InvalidRequest(
            f"“{row[BEYOND][:40]}” is in no column of the first line. Write several tenants into one cell, "
            "with spaces between them."
        )
    if addressed := _NAME_AND_ADDRESS.fullmatch(row.get("username", "")):
        raise InvalidRequest(f"This is a name with an address. Write the address only: {addressed[1]}")


def _role(cell: str) -> Role:
    if not cell:
        return Role.USER
    if cell.lower() not in _ROLES:
        raise InvalidRequest(f"A role is {' or '.join(Role)}.")
    return _ROLES[cell.lower()]


def _memberships(row: Mapping[str, str]) -> Mapping[str, str]:
    memberships: dict[str, str] = {}
    for column, access in ACCESS_COLUMNS:
        for cell in tenant_names(row, column):
            name, colon, permission_set = cell.partition(":")
            if colon and (access is not Access.FULL or not permission_set):
                raise InvalidRequest(
                    f"“{cell[:60]}” is not valid in {column}. Write TENANT:PERMISSION-SET into the column "
                    "tenants."
                )
            if name in memberships:
                raise InvalidRequest(f"“{name}” is named twice.")
            memberships[name] = permission_set or access.value
    if len(memberships) > MAX_TENANTS_PER_LINE:
        raise InvalidRequest(
            f"A line names at most {MAX_TENANTS_PER_LINE:,} tenants. Name the others in another table."
        )
    return memberships
