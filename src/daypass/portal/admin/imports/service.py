"""Imports of users from a table: a plan for each line, and its execution if all lines are valid.

The columns are `username`, `role`, `tenants` and `read_only_tenants` (names, separated by spaces). Existing
users get the role and the memberships too. With an empty role, existing users keep theirs, and new ones
become Users. Memberships that the table does not name are left alone.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from daypass.portal.access.model import Caller
from daypass.portal.admin import reauthentication
from daypass.portal.admin.imports.table import BEYOND, Line, read_table
from daypass.portal.admin.model import UserRecord, Version, version_of
from daypass.portal.admin.reauthentication import Proof
from daypass.portal.admin.tenants.store.tenants import TenantList
from daypass.portal.admin.transactions import (
    Author,
    Change,
    ChangeExecutor,
    ChangeRequest,
    Plan,
    PlannedChange,
    single_change,
)
from daypass.portal.admin.users.memberships import membership_change
from daypass.portal.admin.users.service import require_other_administrator, user_creation, user_update
from daypass.portal.admin.users.store.users import MemberList, UserList
from daypass.portal.errors import InvalidRequest, PortalError, PreconditionFailed
from daypass.portal.identity.authentication import check_no_secret, new_user
from daypass.portal.identity.model import Role, User, UserId, canonical_username
from daypass.portal.identity.usernames import check_new_username, check_username
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.tenants.model import Access, Tenant

LONGEST = 2000
"""The largest number of lines that are imported in one request."""

BATCH = 50
"""The largest number of lines in a transaction; other changes and issuances wait for it."""

_CHANGES = 200
"""The largest number of changes in a transaction; a line with more has a transaction of its own."""

_PLANNED, _COMPARED = 200, 4000
"""The same limits for lines that are planned together, which locks nothing."""

_MOST_TENANTS = 2000
"""The largest number of tenants in a line, so that it is imported within about a second."""

_IMPORT = "user.import"
_NAME_AND_ADDRESS = re.compile(r".*<([^<>\s]+)>")
_ROLES = {role.value.lower(): role for role in Role}
_ACCESSES = (("tenants", Access.FULL), ("read_only_tenants", Access.READ_ONLY))


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """The plan of one line."""

    line: int
    username: str
    role: Role = Role.USER
    is_new: bool = False
    old_role: Role | None = None
    """The role before; None if it does not change."""
    memberships: Mapping[str, Access] = field(default_factory=dict)
    """The memberships that are new or change, by tenant name."""
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
class _ImportContext:
    """The existing users, access and tenants that some lines refer to."""

    users: Mapping[str, UserRecord]
    access: Mapping[tuple[UserId, str], Access]
    tenants: Mapping[str, Tenant]


@dataclass(frozen=True, slots=True)
class Imports:
    """Plans and executes imports."""

    executor: ChangeExecutor

    def plan(self, text: str, longest: int = LONGEST) -> Sequence[ImportedUser]:
        """Return the plan of each line; changes nothing. Raises `InvalidRequest` if *text* is not a table."""
        planned: list[ImportedUser] = []
        table = list(read_table(text, longest))
        for cut in batches_of(table, _PLANNED, _COMPARED):
            with self.executor.database.reading() as connection:
                planned += _plan(connection, table[cut])[0]
        seen: dict[str, int] = {}
        for index, user in enumerate(planned):
            first = seen.setdefault(user.username, user.line)
            if first != user.line and user.problem is None:
                planned[index] = ImportedUser(
                    user.line, user.username, problem=f"Line {first} has this user too."
                )
        return planned

    def run(self, text: str, by: Author) -> Sequence[ImportedUser]:
        """Execute the plan; changes nothing if a line is invalid. Raises what `review` and `take` raise."""
        planned = self.plan(text)
        refuse_problems(planned)
        self.review(planned, by)
        table = list(read_table(text, LONGEST))
        for cut in batches_of(table):
            self.import_batch(table[cut], version_of(*planned[cut]), by, cut.start)
        return planned

    def review(self, planned: Sequence[ImportedUser], by: Author) -> None:
        """Check a whole table before its first line; raises the refusal that some line would meet."""
        change = Change((), proof=max((user.proof for user in planned), default=Proof.NONE))
        of_roles = [user for user in planned if user.changes_role]

        def plan(connection: Connection) -> Change:
            fewer = 0
            for begin in range(0, len(of_roles), _PLANNED):
                some = of_roles[begin : begin + _PLANNED]
                fewer += _lost_administrators(
                    some, UserList(connection).by_names([user.username for user in some])
                )
            _check_administrators(connection, fewer, 0)
            _check_author(of_roles, by)
            return change

        self.executor.plan(single_change(_IMPORT, f"{len(planned)} lines", by, plan))

    def import_batch(
        self,
        lines: Sequence[Line],
        seen: Version,
        by: Author,
        taken: int,
        *also: RowChange,
        check: Callable[[Connection], None] | None = None,
    ) -> bool:
        """Import a batch in one transaction, as it was reviewed; return False if nothing had to change.

        Raises `PreconditionFailed` if the plan by the current state is not the one that was *seen*. *check*
        runs in the transaction too, and *also* are further rows of it. *taken* is the number of lines before.
        """
        now = self.executor.clock()
        new: dict[str, tuple[User, RowChange]] = {}

        def plan(connection: Connection) -> Plan:
            if check is not None:
                check(connection)
            planned, found = _plan(connection, lines)
            if version_of(*planned) != seen:
                raise PreconditionFailed(
                    f"Users or tenants have changed since you reviewed the table. {progress_text(taken)}"
                )
            for user in planned:
                if user.is_new and user.username not in new:
                    new[user.username] = new_user(user.username, user.role, None, now)
            _check_administrators(connection, _lost_administrators(planned, found.users), taken)
            return _steps(planned, found, new, now)

        request = ChangeRequest(_IMPORT, f"{len(lines)} lines", by, plan)
        return bool(self.executor.execute(request, *also))


def batches_of(table: Sequence[Line], most: int = BATCH, most_changes: int = _CHANGES) -> Iterator[slice]:
    """Yield the slices of a table that are imported together.

    They depend on the table alone, so a job is cut at the same lines whenever it is resumed.
    """
    begin = changes = 0
    for end, line in enumerate(table):
        count = _change_count(line)
        if end > begin and (end - begin == most or changes + count > most_changes):
            yield slice(begin, end)
            begin, changes = end, 0
        changes += count
    if table:
        yield slice(begin, len(table))


def _change_count(line: Line) -> int:
    """Return the largest number of changes that a line can need."""
    return 1 + sum(len(_names(line[1], column)) for column, _ in _ACCESSES)


def _plan(connection: Connection, lines: Sequence[Line]) -> tuple[Sequence[ImportedUser], _ImportContext]:
    """Return the plans of some lines, each independent of the others, and the state that they refer to."""
    parsed = [_parse(line) for line in lines]
    valid = [user for user, _ in parsed if user.problem is None]
    users = UserList(connection).by_names([user.username for user in valid])
    found = _ImportContext(
        users,
        MemberList(connection).access_of([record.user.id for record in users.values()]),
        TenantList(connection).by_names({name for user in valid for name in user.memberships}),
    )
    return [_compare(user, names_role, found) for user, names_role in parsed], found


def _lost_administrators(planned: Sequence[ImportedUser], users: Mapping[str, UserRecord]) -> int:
    """Return by how much the number of enabled Administrators decreases; *users* are the existing ones."""
    fewer = 0
    for user in planned:
        old = users.get(user.username)
        before, after = old is not None and old.runs_portal, user.role is Role.ADMINISTRATOR
        if old is None or not old.is_disabled:
            fewer += before - after
    return fewer


def _check_administrators(connection: Connection, fewer: int, taken: int) -> None:
    """Return if the portal still has an Administrator afterwards; raise `LastAdministrator` otherwise."""
    if fewer > 0:
        sentence = "The portal would have no Administrator left. Remove the line of one who is to stay one."
        require_other_administrator(connection, fewer, f"{sentence} {progress_text(taken)}")


def _check_author(planned: Sequence[ImportedUser], by: Author) -> None:
    """Refuse a table that would take the role Administrator from its author before the last line."""
    if not isinstance(by, Caller):
        return
    for user in planned:
        if user.username == by.user.username and user.role is not Role.ADMINISTRATOR:
            raise InvalidRequest(
                f"Line {user.line} removes your own role Administrator, so the lines after it could not be "
                f"imported. Remove that line, or ask another Administrator to import it. {progress_text(0)}"
            )


def _steps(
    planned: Sequence[ImportedUser],
    found: _ImportContext,
    new: Mapping[str, tuple[User, RowChange]],
    now: datetime,
) -> Sequence[PlannedChange]:
    """Return the changes of a batch, users first, because memberships refer to them."""
    users: list[PlannedChange] = []
    memberships: list[PlannedChange] = []
    for line in planned:
        username, old = line.username, found.users.get(line.username)
        user = new[username][0] if old is None else old.user
        if old is None:
            users.append(
                PlannedChange("user.create", username, user_creation(*new[username], has_password=False))
            )
        elif line.old_role is not None:
            change = user_update(old, replace(old, user=replace(user, role=line.role)), now)
            users.append(PlannedChange("user.update", username, change))
        for name, access in line.memberships.items():
            change = membership_change(
                user, found.tenants[name], found.access.get((user.id, name)), access, now
            )
            memberships.append(PlannedChange("membership.put", username, change))
    return [*users, *memberships]


def refuse_problems(planned: Sequence[ImportedUser]) -> None:
    """Return if every line is valid; raise `InvalidRequest` for the first that is not."""
    for user in planned:
        if user.problem is not None:
            raise InvalidRequest(f"Line {user.line}: {user.problem} {progress_text(0)}")


def progress_text(taken: int) -> str:
    """Return a sentence on the lines that are imported already."""
    return f"The {taken:,} lines before it are imported." if taken else "Nothing was imported yet."


def _parse(line: Line) -> tuple[ImportedUser, bool]:
    """Return the user that a line describes, and whether it names a role."""
    number, row = line
    username = canonical_username(row.get("username", ""))
    try:
        _check_cells(row)
        role = _role(row.get("role", ""))
        check_no_secret(row.get("username", ""))
        check_username(username)
        user = ImportedUser(number, username, role, memberships=_memberships(row))
    except PortalError as refusal:
        user = ImportedUser(number, username, problem=refusal.reason)
    return user, bool(row.get("role"))


def _compare(line: ImportedUser, names_role: bool, found: _ImportContext) -> ImportedUser:
    """Return the plan of a line: the difference between what it describes and the current state."""
    if line.problem is not None:
        return line
    missing = sorted(line.memberships.keys() - found.tenants.keys())
    if missing:
        named = ", ".join(f"“{name[:40]}”" for name in missing[:3]) + (", …" if len(missing) > 3 else "")
        return ImportedUser(line.line, line.username, problem=f"There is no tenant {named}.")
    record = found.users.get(line.username)
    if record is None:
        return _new(line)
    user = record.user
    changes = {
        name: access
        for name, access in line.memberships.items()
        if found.access.get((user.id, name)) is not access
    }
    role = line.role if names_role else user.role
    old_role = None if user.role is role else user.role
    before = {name: found.access.get((user.id, name)) for name in changes}
    return _with_proof(replace(line, role=role, old_role=old_role, memberships=changes), record, before)


def _with_proof(
    line: ImportedUser, old: UserRecord | None, before: Mapping[str, Access | None]
) -> ImportedUser:
    """Return the line with the proof that the changes of its user and memberships need."""
    needed = [
        reauthentication.to_put_member(before.get(name), access) for name, access in line.memberships.items()
    ]
    user = User(UserId(""), line.username, line.role)
    if old is None:
        needed.append(reauthentication.to_create_user(user, has_password=False))
    elif line.old_role is not None:
        needed.append(reauthentication.to_update_user(old, replace(old, user=user)))
    return replace(line, proof=max(needed, default=Proof.NONE))


def _new(line: ImportedUser) -> ImportedUser:
    try:
        check_new_username(line.username)
    except InvalidRequest as refusal:
        return ImportedUser(line.line, line.username, problem=refusal.reason)
    return _with_proof(replace(line, is_new=True), None, {})


def _check_cells(row: Mapping[str, str]) -> None:
    """Refuse cells beyond the columns, and a username that is a name with an address."""
    if row.get(BEYOND):
        raise InvalidRequest(
            f"“{row[BEYOND][:40]}” is in no column of the first line. Write several tenants into one cell, "
            "with spaces between them."
        )
    if addressed := _NAME_AND_ADDRESS.fullmatch(row.get("username", "")):
        raise InvalidRequest(f"This is a name with an address. Write the address only: {addressed[1]}")


def _role(written: str) -> Role:
    if not written:
        return Role.USER
    if written.lower() not in _ROLES:
        raise InvalidRequest(f"A role is {' or '.join(Role)}.")
    return _ROLES[written.lower()]


def _memberships(row: Mapping[str, str]) -> Mapping[str, Access]:
    found: dict[str, Access] = {}
    for column, access in _ACCESSES:
        for name in _names(row, column):
            if name in found:
                raise InvalidRequest(f"“{name}” is named twice.")
            found[name] = access
    if len(found) > _MOST_TENANTS:
        raise InvalidRequest(
            f"A line names at most {_MOST_TENANTS:,} tenants. Name the others in another table."
        )
    return found


def _names(row: Mapping[str, str], column: str) -> Sequence[str]:
    return row.get(column, "").replace(",", " ").replace(";", " ").split()
