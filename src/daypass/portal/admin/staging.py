"""Large tables of users: looked at first, kept meanwhile, and done some lines at a time.

What is done is what was looked at: the table is kept by the portal and not sent again, and where the users or
tenants have changed in between, it is looked at once more.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from daypass.portal.access.model import Caller
from daypass.portal.admin.imports import ImportedUser, Imports, read_table, refuse_problems
from daypass.portal.admin.model import Version, version_of
from daypass.portal.admin.store.staged import StagedImport, StagedImportStore
from daypass.portal.errors import Changed, InvalidRequest

LONGEST_TABLE = 50_000
"""Lines."""
LARGEST_TABLE = 5 * 1024 * 1024
"""Bytes."""

_KEPT = timedelta(hours=1)
_AT_A_TIME = 25
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Planned:
    """What would become of each line of a table that is kept."""

    id: str
    lines: Sequence[ImportedUser]

    @property
    def version(self) -> Version:
        """Differs whenever anything else would become of any line."""
        return version_of(*self.lines)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a table is done."""

    id: str
    lines: int
    taken: int
    changed: int

    @property
    def is_done(self) -> bool:
        """Whether no line is left."""
        return self.taken >= self.lines


@dataclass(frozen=True, slots=True)
class StagedImports:
    """Takes tables that are too large for one request."""

    imports: Imports

    def stage(self, text: str, by: Caller) -> Planned:
        """Keep a table, and say what would become of each line; changes nothing else."""
        desk = self.imports.users.desk
        planned = Planned(uuid4().hex, self.imports.plan(text, LONGEST_TABLE))
        now = desk.clock()
        with desk.database.writing() as connection:
            staged = StagedImport(planned.id, text, taken=0, changed=0)
            StagedImportStore(connection).put(by.user.id, staged, now, now - _KEPT)
        return planned

    def look(self, staged_id: str, by: Caller) -> Planned:
        """What would become of each line of a kept table as things stand now."""
        return Planned(staged_id, self.imports.plan(self._find(staged_id, by).content, LONGEST_TABLE))

    def go_on(self, staged_id: str, seen: Version, by: Caller, is_enough: Callable[[], bool]) -> Progress:
        """Do the next lines, until all are done or *is_enough* says so.

        Raises `Changed` before the first line where the plan is not the one that was *seen*, and
        `InvalidRequest` where a line cannot be taken.
        """
        staged = self._find(staged_id, by)
        if staged.taken == 0:
            planned = Planned(staged_id, self.imports.plan(staged.content, LONGEST_TABLE))
            refuse_problems(planned.lines)
            if planned.version != seen:
                raise Changed("Users or tenants have changed since you looked. Nothing was imported yet.")
            self.imports.review(planned.lines, by)
        table = list(read_table(staged.content, LONGEST_TABLE))
        taken, changed = staged.taken, staged.changed
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="import") as pool:
            while taken < len(table) and (taken == staged.taken or not is_enough()):
                lines = self.imports.plan_lines(table[taken : taken + _AT_A_TIME])
                refuse_problems(lines, taken)
                # One refusal, and not one for each line.
                self.imports.review(lines, by)
                list(pool.map(lambda one: self.imports.take(one, by), lines))
                taken += len(lines)
                changed += sum(one.has_effect for one in lines)
                self._note(staged_id, by, taken, changed, is_done=taken >= len(table))
        return Progress(staged_id, len(table), taken, changed)

    def _find(self, staged_id: str, by: Caller) -> StagedImport:
        desk = self.imports.users.desk
        with desk.database.reading() as connection:
            found = StagedImportStore(connection).find(by.user.id, staged_id, desk.clock() - _KEPT)
        if found is None:
            raise InvalidRequest("That table is not kept any more. Choose the file, or paste it, once more.")
        return found

    def _note(self, staged_id: str, by: Caller, taken: int, changed: int, *, is_done: bool) -> None:
        desk = self.imports.users.desk
        with desk.database.writing() as connection:
            store = StagedImportStore(connection)
            if is_done:
                store.remove(by.user.id, staged_id)
            else:
                store.note(by.user.id, staged_id, taken, changed, desk.clock())
