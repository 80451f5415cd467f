"""Users from a table: first what would become of each line, then, if all are right, all of them.

The columns are `username`, `role` (User where empty), `tenants` and `read_only_tenants` (names, separated by
spaces). Users who are there already get the role and the memberships too; nothing is taken from anybody.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from daypass.portal.admin.change import Author, Change
from daypass.portal.admin.members import Members
from daypass.portal.admin.store.tenants import TenantList
from daypass.portal.admin.users import Users
from daypass.portal.errors import InvalidRequest, PortalError, UserNotFound
from daypass.portal.identity.model import Role, canonical_username
from daypass.portal.identity.service import new_user
from daypass.portal.storage.engine import Connection
from daypass.portal.tenants.model import Access

COLUMNS = ("username", "role", "tenants", "read_only_tenants")
_LONGEST = 2000


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

    def plan(self, text: str) -> Sequence[ImportedUser]:
        """What would become of each line; changes nothing."""
        planned = [self._plan(line, row) for line, row in _read(text)]
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
        for one in planned:
            if one.problem is not None:
                raise InvalidRequest(f"Line {one.line}: {one.problem} Nothing was imported.")
        change = Change((), widens=any(one.widens for one in planned))
        # Refused as a whole, and not after half of the lines.
        self.users.desk.review("user.import", f"{len(planned)} lines", by, lambda _connection: change)
        for one in planned:
            self._take(one, by)
        return planned

    def _take(self, one: ImportedUser, by: Author) -> None:
        if one.is_new:
            self.users.create(one.username, one.role, None, by)
        elif one.old_role is not None:
            self.users.update(one.username, by, role=one.role)
        for tenant, access in one.memberships.items():
            self.members.put(tenant, one.username, access, by)

    def _plan(self, line: int, row: Mapping[str, str]) -> ImportedUser:
        username = canonical_username(row.get("username", ""))
        try:
            role = _role(row.get("role", ""))
            wanted = _memberships(row)
            new_user(username, role, None, self.users.desk.clock())
            with self.users.desk.database.reading() as connection:
                _check_tenants(connection, wanted)
            return self._compare(line, username, role, wanted)
        except PortalError as refusal:
            return ImportedUser(line, username, problem=refusal.reason)

    def _compare(self, line: int, username: str, role: Role, wanted: Mapping[str, Access]) -> ImportedUser:
        try:
            found = self.users.find(username)
        except UserNotFound:
            return ImportedUser(line, username, role, is_new=True, memberships=wanted)
        has = {one.tenant.name: one.access for one in self.users.memberships(found.user.id)}
        return ImportedUser(
            line,
            username,
            role,
            old_role=None if found.user.role is role else found.user.role,
            memberships={name: access for name, access in wanted.items() if has.get(name) is not access},
        )


def _read(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    # A spreadsheet may put a mark in front, and semicolons where its country writes decimal commas.
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in head else ",", strict=True)
    names: list[str] = []
    try:
        for cells in reader:
            if reader.line_num > _LONGEST:
                raise InvalidRequest(f"A table has at most {_LONGEST} lines.")
            if not names:
                names = _columns(cells)
            elif any(cell.strip() for cell in cells):
                yield reader.line_num, dict(zip(names, (cell.strip() for cell in cells), strict=False))
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


def _check_tenants(connection: Connection, wanted: Mapping[str, Access]) -> None:
    tenants = TenantList(connection)
    for name in wanted:
        found = tenants.find(name) if name.isprintable() else None
        if found is None or found.tenant.name != name:
            raise InvalidRequest("There is no tenant of one of these names.")
