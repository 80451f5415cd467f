"""Users from a table: first what would become of each line, then, if all are right, all of them.

The columns are `username`, `role`, `tenants` and `read_only_tenants` (names, separated by spaces). Users
who are there already get the role and the memberships too. Where a role is empty, they keep theirs, and
others are Users: nothing is taken from anybody of whom the table does not say so.
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
from daypass.portal.admin.transactions import Author, Change, ChangeExecutor, PlannedChange
from daypass.portal.admin.users.memberships import membership_change
from daypass.portal.admin.users.service import require_other_administrator, user_creation, user_update
from daypass.portal.admin.users.store.users import MemberList, UserList
from daypass.portal.audit.log import RowChange
from daypass.portal.errors import InvalidRequest, PortalError, PreconditionFailed
from daypass.portal.identity.authentication import check_no_secret, new_user
from daypass.portal.identity.model import Role, User, UserId, canonical_username
from daypass.portal.identity.usernames import check_new_username, check_username
from daypass.portal.storage.engine import Connection
from daypass.portal.tenants.model import Access, Tenant

LONGEST = 2000
"""Lines of a table that is taken in one request."""

BATCH = 50
"""Lines that are done together at the most; whoever else changes or hands out anything waits meanwhile."""

_CHANGES = 200
"""Changes that they may ask for together; a line that asks for more is done by itself."""

_PLANNED, _COMPARED = 200, 4000
"""The same for what is planned together; nobody waits for that."""

_MOST_TENANTS = 2000
"""Of one line, so that it too is done within a second or so."""

_IMPORT = "user.import"
_NAME_AND_ADDRESS = re.compile(r".*<([^<>\s]+)>")
_ROLES = {role.value.lower(): role for role in Role}
_ACCESSES = (("tenants", Access.FULL), ("read_only_tenants", Access.READ_ONLY))


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """What one line asks for, and what there is to do about it."""

    line: int
    username: str
    role: Role = Role.USER
    is_new: bool = False
    old_role: Role | None = None
    """The role that changes; None where it does not."""
    memberships: Mapping[str, Access] = field(default_factory=dict)
    """Those that are new or change, by the tenant's name."""
    proof: Proof = Proof.NONE
    """The reauthentication that it needs."""
    problem: str | None = None
    """Why this line cannot be taken."""

    @property
    def changes_role(self) -> bool:
        """Whether somebody has another role afterwards, or has one for the first time."""
        return self.is_new or self.old_role is not None

    @property
    def has_effect(self) -> bool:
        """Whether anything is to be done."""
        return self.changes_role or bool(self.memberships)


@dataclass(frozen=True, slots=True)
class _ImportContext:
    """Whom and what some lines are about, as things stand."""

    users: Mapping[str, UserRecord]
    access: Mapping[tuple[UserId, str], Access]
    tenants: Mapping[str, Tenant]


@dataclass(frozen=True, slots=True)
class Imports:
    """Takes tables of users."""

    desk: ChangeExecutor

    def plan(self, text: str, longest: int = LONGEST) -> Sequence[ImportedUser]:
        """What would become of each line; changes nothing."""
        planned: list[ImportedUser] = []
        table = list(read_table(text, longest))
        for cut in cuts(table, _PLANNED, _COMPARED):
            with self.desk.database.reading() as connection:
                planned += _plan(connection, table[cut])[0]
        seen: dict[str, int] = {}
        for number, one in enumerate(planned):
            first = seen.setdefault(one.username, one.line)
            if first != one.line and one.problem is None:
                planned[number] = ImportedUser(
                    one.line, one.username, problem=f"Line {first} has this user too."
                )
        return planned

    def run(self, text: str, by: Author) -> Sequence[ImportedUser]:
        """Do what `plan` says; nothing where any line cannot be taken."""
        planned = self.plan(text)
        refuse_problems(planned)
        self.review(planned, by)
        table = list(read_table(text, LONGEST))
        for cut in cuts(table):
            self.take(table[cut], version_of(*planned[cut]), by, cut.start)
        return planned

    def review(self, planned: Sequence[ImportedUser], by: Author) -> None:
        """Refuse a table as a whole, and not after half of its lines."""
        change = Change((), proof=max((one.proof for one in planned), default=Proof.NONE))
        of_roles = [one for one in planned if one.changes_role]

        def draft(connection: Connection) -> Change:
            fewer = 0
            for begin in range(0, len(of_roles), _PLANNED):
                some = of_roles[begin : begin + _PLANNED]
                fewer += _lost_administrators(
                    some, UserList(connection).named([one.username for one in some])
                )
            _check_administrators(connection, fewer, 0)
            _check_author(of_roles, by)
            return change

        self.desk.review(_IMPORT, f"{len(planned)} lines", by, draft)

    def take(
        self,
        lines: Sequence[Line],
        seen: Version,
        by: Author,
        taken: int,
        *also: RowChange,
        check: Callable[[Connection], None] | None = None,
    ) -> bool:
        """Do what a batch was seen to do, all of it or nothing; says whether there was anything to do.

        Raises `PreconditionFailed` if the state that it is written to would lead to other changes; *check*
        may refuse there too. *also* are rows that go with what is changed; *taken* lines were before these.
        """
        now = self.desk.clock()
        new: dict[str, tuple[User, RowChange]] = {}

        def draft(connection: Connection) -> Sequence[PlannedChange]:
            if check is not None:
                check(connection)
            planned, found = _plan(connection, lines)
            if version_of(*planned) != seen:
                raise PreconditionFailed(
                    f"Users or tenants have changed since you looked. {progress_text(taken)}"
                )
            for one in planned:
                if one.is_new and one.username not in new:
                    new[one.username] = new_user(one.username, one.role, None, now)
            _check_administrators(connection, _lost_administrators(planned, found.users), taken)
            return _steps(planned, found, new, now)

        return bool(self.desk.execute_all(_IMPORT, f"{len(lines)} lines", by, draft, *also))


def cuts(table: Sequence[Line], most: int = BATCH, most_changes: int = _CHANGES) -> Iterator[slice]:
    """Which lines are done together, all of them in turn.

    Says so by the table alone: it is cut where it was cut when it was looked at, whatever changed since.
    """
    begin = changes = 0
    for end, line in enumerate(table):
        asked = _asked(line)
        if end > begin and (end - begin == most or changes + asked > most_changes):
            yield slice(begin, end)
            begin, changes = end, 0
        changes += asked
    if table:
        yield slice(begin, len(table))


def _asked(line: Line) -> int:
    """How many changes a line can be."""
    return 1 + sum(len(_names(line[1], column)) for column, _ in _ACCESSES)


def _plan(connection: Connection, lines: Sequence[Line]) -> tuple[Sequence[ImportedUser], _ImportContext]:
    """What would become of some lines, each taken for itself, and what there is that they are about."""
    wishes = [_wish(line) for line in lines]
    right = [wish for wish, _ in wishes if wish.problem is None]
    users = UserList(connection).named([wish.username for wish in right])
    found = _ImportContext(
        users,
        MemberList(connection).access_of([record.user.id for record in users.values()]),
        TenantList(connection).named({name for wish in right for name in wish.memberships}),
    )
    return [_compared(wish, names_role, found) for wish, names_role in wishes], found


def _lost_administrators(planned: Sequence[ImportedUser], users: Mapping[str, UserRecord]) -> int:
    """How many Administrators fewer there are afterwards, by the *users* that there are."""
    fewer = 0
    for one in planned:
        old = users.get(one.username)
        ran, runs = old is not None and old.runs_portal, one.role is Role.ADMINISTRATOR
        if old is None or not old.is_disabled:
            fewer += ran - runs
    return fewer


def _check_administrators(connection: Connection, fewer: int, taken: int) -> None:
    """Return when the portal still has an Administrator afterwards."""
    if fewer > 0:
        left = "The portal would be left with no Administrator. Take out the line of one who is to stay one."
        require_other_administrator(connection, fewer, f"{left} {progress_text(taken)}")


def _check_author(planned: Sequence[ImportedUser], by: Author) -> None:
    """Return when the author may still do the last line after the first."""
    for one in planned:
        if isinstance(by, Caller) and one.username == by.user.username and one.role is not Role.ADMINISTRATOR:
            raise InvalidRequest(
                f"Line {one.line} takes the role Administrator from you, and what follows could not be done. "
                f"Take that line out, and let another Administrator do it. {progress_text(0)}"
            )


def _steps(
    planned: Sequence[ImportedUser],
    found: _ImportContext,
    new: Mapping[str, tuple[User, RowChange]],
    now: datetime,
) -> Sequence[PlannedChange]:
    """What is to be done, users first: memberships hang on them."""
    users: list[PlannedChange] = []
    memberships: list[PlannedChange] = []
    for one in planned:
        old = found.users.get(one.username)
        user = new[one.username][0] if old is None else old.user
        if old is None:
            users.append(
                PlannedChange(
                    "user.create", one.username, user_creation(*new[one.username], has_password=False)
                )
            )
        elif one.old_role is not None:
            change = user_update(old, replace(old, user=replace(user, role=one.role)), now)
            users.append(PlannedChange("user.update", one.username, change))
        for name, access in one.memberships.items():
            change = membership_change(
                user, found.tenants[name], found.access.get((user.id, name)), access, now
            )
            memberships.append(PlannedChange("membership.put", one.username, change))
    return [*users, *memberships]


def refuse_problems(planned: Sequence[ImportedUser]) -> None:
    """Return when every line can be taken."""
    for one in planned:
        if one.problem is not None:
            raise InvalidRequest(f"Line {one.line}: {one.problem} {progress_text(0)}")


def progress_text(taken: int) -> str:
    """What is done of a table, as a sentence."""
    return f"The {taken:,} lines before are done." if taken else "Nothing was imported yet."


def _wish(line: Line) -> tuple[ImportedUser, bool]:
    """What a line says by itself, and whether it names a role."""
    number, row = line
    username = canonical_username(row.get("username", ""))
    try:
        _check_cells(row)
        role = _role(row.get("role", ""))
        check_no_secret(row.get("username", ""))
        check_username(username)
        wish = ImportedUser(number, username, role, memberships=_memberships(row))
    except PortalError as refusal:
        wish = ImportedUser(number, username, problem=refusal.reason)
    return wish, bool(row.get("role"))


def _compared(wish: ImportedUser, names_role: bool, found: _ImportContext) -> ImportedUser:
    """What there is to do about it."""
    if wish.problem is not None:
        return wish
    missing = sorted(wish.memberships.keys() - found.tenants.keys())
    if missing:
        named = ", ".join(f"“{name[:40]}”" for name in missing[:3]) + (", …" if len(missing) > 3 else "")
        return ImportedUser(wish.line, wish.username, problem=f"There is no tenant {named}.")
    record = found.users.get(wish.username)
    if record is None:
        return _new(wish)
    user = record.user
    changes = {
        name: wanted
        for name, wanted in wish.memberships.items()
        if found.access.get((user.id, name)) is not wanted
    }
    role = wish.role if names_role else user.role
    old_role = None if user.role is role else user.role
    before = {name: found.access.get((user.id, name)) for name in changes}
    return _with_proof(replace(wish, role=role, old_role=old_role, memberships=changes), record, before)


def _with_proof(
    one: ImportedUser, old: UserRecord | None, before: Mapping[str, Access | None]
) -> ImportedUser:
    """The same line with the proof that the changes of its user and memberships need."""
    needed = [
        reauthentication.to_put_member(before.get(name), access) for name, access in one.memberships.items()
    ]
    user = User(UserId(""), one.username, one.role)
    if old is None:
        needed.append(reauthentication.to_create_user(user, has_password=False))
    elif one.old_role is not None:
        needed.append(reauthentication.to_update_user(old, replace(old, user=user)))
    return replace(one, proof=max(needed, default=Proof.NONE))


def _new(wish: ImportedUser) -> ImportedUser:
    try:
        check_new_username(wish.username)
    except InvalidRequest as refusal:
        return ImportedUser(wish.line, wish.username, problem=refusal.reason)
    return _with_proof(replace(wish, is_new=True), None, {})


def _check_cells(row: Mapping[str, str]) -> None:
    """Return when each cell is in a column, and the first is a username."""
    if row.get(BEYOND):
        raise InvalidRequest(
            f"“{row[BEYOND][:40]}” is in no column of the first line. Write several tenants into one cell, "
            "with spaces between them."
        )
    if addressed := _NAME_AND_ADDRESS.fullmatch(row.get("username", "")):
        raise InvalidRequest(f"This is a name with an address. Write the address alone: {addressed[1]}")


def _role(written: str) -> Role:
    if not written:
        return Role.USER
    if written.lower() not in _ROLES:
        raise InvalidRequest(f"A role is {' or '.join(Role)}.")
    return _ROLES[written.lower()]


def _memberships(row: Mapping[str, str]) -> Mapping[str, Access]:
    wanted: dict[str, Access] = {}
    for column, access in _ACCESSES:
        for name in _names(row, column):
            if name in wanted:
                raise InvalidRequest(f"“{name}” is named twice.")
            wanted[name] = access
    if len(wanted) > _MOST_TENANTS:
        raise InvalidRequest(
            f"A line names at most {_MOST_TENANTS:,} tenants. Name the others in another table."
        )
    return wanted


def _names(row: Mapping[str, str], column: str) -> Sequence[str]:
    return row.get(column, "").replace(",", " ").replace(";", " ").split()
