"""Users from a table: first what would become of each line, then, if all are right, all of them.

The columns are `username`, `role`, `tenants` and `read_only_tenants` (names, separated by spaces). Users
who are there already get the role and the memberships too. Where a role is empty, they keep theirs, and
others are Users: nothing is taken from anybody of whom the table does not say so.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from daypass.portal.admin.change import Author, Change
from daypass.portal.admin.members import Members
from daypass.portal.admin.model import UserRecord
from daypass.portal.admin.store.tenants import TenantList
from daypass.portal.admin.store.users import MemberList, UserList
from daypass.portal.admin.users import Users
from daypass.portal.errors import InvalidRequest, PortalError
from daypass.portal.identity.model import Role, UserId, canonical_username
from daypass.portal.identity.service import check_username
from daypass.portal.tenants.model import Access

COLUMNS = ("username", "role", "tenants", "read_only_tenants")
LONGEST = 2000
"""Lines of a table that is taken in one request."""

_AT_A_TIME = 200

Line = tuple[int, Mapping[str, str]]
"""A line of a table: its number, and what it says by the column's name."""


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
    problem: str | None = None
    """Why this line cannot be taken."""

    @property
    def has_effect(self) -> bool:
        """Whether anything is to be done."""
        return self.is_new or self.old_role is not None or bool(self.memberships)

    @property
    def widens(self) -> bool:
        """Whether somebody can do more afterwards."""
        makes_administrator = self.role is Role.ADMINISTRATOR and (self.is_new or self.old_role is not None)
        return makes_administrator or bool(self.memberships)


@dataclass(frozen=True, slots=True)
class Imports:
    """Takes tables of users."""

    users: Users
    members: Members

    def plan(self, text: str, longest: int = LONGEST) -> Sequence[ImportedUser]:
        """What would become of each line; changes nothing."""
        table = list(read_table(text, longest))
        planned: list[ImportedUser] = []
        for begin in range(0, len(table), _AT_A_TIME):
            planned += self.plan_lines(table[begin : begin + _AT_A_TIME])
        seen: dict[str, int] = {}
        for number, one in enumerate(planned):
            first = seen.setdefault(one.username, one.line)
            if first != one.line and one.problem is None:
                planned[number] = ImportedUser(
                    one.line, one.username, problem=f"Line {first} has this user too."
                )
        return planned

    def run(self, text: str, by: Author) -> Sequence[ImportedUser]:
        """Do what `plan` says, line by line; nothing where any line cannot be taken."""
        planned = self.plan(text)
        refuse_problems(planned)
        self.review(planned, by)
        for one in planned:
            self.take(one, by)
        return planned

    def review(self, planned: Sequence[ImportedUser], by: Author) -> None:
        """Refuse a table as a whole, and not after half of its lines."""
        change = Change((), widens=any(one.widens for one in planned))
        self.users.desk.review("user.import", f"{len(planned)} lines", by, lambda _connection: change)

    def take(self, one: ImportedUser, by: Author) -> None:
        """Do what one line asks for."""
        if one.is_new:
            self.users.create(one.username, one.role, None, by)
        elif one.old_role is not None:
            self.users.update(one.username, by, role=one.role)
        for tenant, access in one.memberships.items():
            self.members.put(tenant, one.username, access, by)

    def plan_lines(self, lines: Sequence[Line]) -> Sequence[ImportedUser]:
        """What would become of some lines, each taken for itself; for not too many of them at a time."""
        wishes = [_wish(number, row) for number, row in lines]
        right = [wish for wish in wishes if wish.problem is None]
        with self.users.desk.database.reading() as connection:
            users = UserList(connection).named([wish.username for wish in right])
            access = MemberList(connection).access_of([found.user.id for found in users.values()])
            tenants = TenantList(connection).known({name for wish in right for name in wish.memberships})
        return [
            _compared(wish, users.get(wish.username), access, tenants, names_role=bool(row.get("role")))
            for wish, (_, row) in zip(wishes, lines, strict=True)
        ]


def refuse_problems(planned: Sequence[ImportedUser], taken: int = 0) -> None:
    """Return when every line can be taken; *taken* were before these."""
    for one in planned:
        if one.problem is not None:
            rest = f"The {taken} lines before are done." if taken else "Nothing was imported."
            raise InvalidRequest(f"Line {one.line}: {one.problem} {rest}")


def _wish(line: int, row: Mapping[str, str]) -> ImportedUser:
    """What a line says by itself."""
    username = canonical_username(row.get("username", ""))
    try:
        role = _role(row.get("role", ""))
        check_username(username)
        return ImportedUser(line, username, role, memberships=_memberships(row))
    except PortalError as refusal:
        return ImportedUser(line, username, problem=refusal.reason)


def _compared(
    wish: ImportedUser,
    found: UserRecord | None,
    access: Mapping[tuple[UserId, str], Access],
    tenants: AbstractSet[str],
    *,
    names_role: bool,
) -> ImportedUser:
    """What there is to do about it."""
    if wish.problem is not None:
        return wish
    if not wish.memberships.keys() <= tenants:
        return ImportedUser(wish.line, wish.username, problem="There is no tenant of one of these names.")
    if found is None:
        return replace(wish, is_new=True)
    user = found.user
    changes = {
        name: wanted for name, wanted in wish.memberships.items() if access.get((user.id, name)) is not wanted
    }
    role = wish.role if names_role else user.role
    old_role = None if user.role is role else user.role
    return replace(wish, role=role, old_role=old_role, memberships=changes)


def read_table(text: str, longest: int = LONGEST) -> Iterator[Line]:
    """The lines of a table, each with its number; raises `InvalidRequest` where it is none."""
    # A spreadsheet may put a mark in front, and semicolons where its country writes decimal commas.
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in head else ",", strict=True)
    names: list[str] = []
    try:
        for cells in reader:
            if reader.line_num > longest + 1:
                raise InvalidRequest(f"A table has at most {longest} lines after the first.")
            if not names:
                names = _columns(cells)
            elif any(cell.strip() for cell in cells):
                yield reader.line_num, dict(zip(names, (cell.strip() for cell in cells), strict=False))
        if not names:
            _columns(names)
    except csv.Error as error:
        raise InvalidRequest(f"Line {reader.line_num} is no line of a table: {error}.") from error


def _columns(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    if "username" not in names or not set(names) <= set(COLUMNS) or len(set(names)) != len(names):
        raise InvalidRequest(
            f"The first line names the columns: {', '.join(COLUMNS)}; only the first must be."
        )
    return names


def _role(written: str) -> Role:
    roles = {role.value.lower(): role for role in Role}
    if written and written.lower() not in roles:
        raise InvalidRequest(f"A role is {' or '.join(Role)}.")
    return roles.get(written.lower(), Role.USER)


def _memberships(row: Mapping[str, str]) -> Mapping[str, Access]:
    wanted: dict[str, Access] = {}
    for column, access in (("tenants", Access.FULL), ("read_only_tenants", Access.READ_ONLY)):
        for name in row.get(column, "").replace(",", " ").split():
            if name in wanted:
                raise InvalidRequest(f"“{name}” is named twice.")
            wanted[name] = access
    return wanted
