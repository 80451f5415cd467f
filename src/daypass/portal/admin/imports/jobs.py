"""Large tables of users: looked at first, kept meanwhile, and done some lines at a time.

What is done is what was looked at: the table is kept by the portal and not sent again, with a version of what
each batch of its lines was seen to do. Where users or tenants have changed in between, it is looked at anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from daypass.portal.access.model import Caller
from daypass.portal.admin.imports.service import ImportedUser, Imports, cuts, progress_text, refuse_problems
from daypass.portal.admin.imports.store import NOTE, REMOVE, ImportJob, ImportJobStore, ReviewedBatch
from daypass.portal.admin.imports.table import Line, read_table
from daypass.portal.admin.model import Version, version_of
from daypass.portal.audit.log import RowChange
from daypass.portal.errors import InvalidRequest, PreconditionFailed
from daypass.portal.storage.engine import Connection

LONGEST_TABLE = 50_000
"""Lines."""
LARGEST_TABLE = 5 * 1024 * 1024
"""Bytes."""

_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PlannedImport:
    """What would become of each line of a table that is kept."""

    id: str
    lines: Sequence[ImportedUser]
    batches: Sequence[slice]
    """Which of them are done together."""

    @property
    def seen(self) -> Sequence[ReviewedBatch]:
        """The same for each batch of lines."""
        parts = [self.lines[batch] for batch in self.batches]
        return [ReviewedBatch(version_of(*lines), sum(one.has_effect for one in lines)) for lines in parts]

    @property
    def version(self) -> Version:
        """Differs whenever anything else would become of any line."""
        return version_of(*self.seen)


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
class ImportJobs:
    """Takes tables that are too large for one request."""

    imports: Imports

    def stage(self, text: str, by: Caller) -> PlannedImport:
        """Keep a table, and say what would become of each line; changes nothing else."""
        desk = self.imports.desk
        planned = self._plan(uuid4().hex, text)
        now = desk.clock()
        with desk.database.writing() as connection:
            staged = ImportJob(planned.id, text, planned.seen, taken=0, changed=0)
            ImportJobStore(connection).put(by.user.id, staged, now, now - _KEPT)
        return planned

    def look(self, staged_id: str, by: Caller) -> PlannedImport:
        """What would become of each line of a kept table as things stand now; it is begun anew."""
        planned = self._plan(staged_id, self._find(staged_id, by).content)
        with self.imports.desk.database.writing() as connection:
            ImportJobStore(connection).look(by.user.id, staged_id, planned.seen)
        return planned

    def go_on(self, staged_id: str, seen: Version, by: Caller, is_enough: Callable[[], bool]) -> Progress:
        """Do the next lines, until all are done or *is_enough* says so.

        Raises `PreconditionFailed` if the plan is not the one that was *seen*: before the first line for any
        of them, and before each batch for its own. Raises `InvalidRequest` if a line cannot be applied.
        """
        staged = self._find(staged_id, by)
        if staged.taken == 0:
            self._check_all(staged, seen, by)
        table = list(read_table(staged.content, LONGEST_TABLE))
        done = Progress(staged_id, len(table), staged.taken, staged.changed)
        for batch, expected in _rest(staged, list(cuts(table))):
            if done.taken > staged.taken and is_enough():
                break
            done = self._take(table[batch], expected, done, by)
        return done

    def _plan(self, staged_id: str, text: str) -> PlannedImport:
        lines = self.imports.plan(text, LONGEST_TABLE)
        return PlannedImport(staged_id, lines, list(cuts(list(read_table(text, LONGEST_TABLE)))))

    def _check_all(self, staged: ImportJob, seen: Version, by: Caller) -> None:
        """Return when the whole table can be done as it was seen."""
        planned = self._plan(staged.id, staged.content)
        refuse_problems(planned.lines)
        if not planned.version == seen == version_of(*staged.seen):
            raise PreconditionFailed(f"Users or tenants have changed since you looked. {progress_text(0)}")
        # One refusal, and not one for each batch.
        self.imports.review(planned.lines, by)

    def _take(self, lines: Sequence[Line], seen: ReviewedBatch, done: Progress, by: Caller) -> Progress:
        """Do a batch, and note it in the same transaction: nothing is done twice, whoever else goes on."""
        desk = self.imports.desk
        after = Progress(done.id, done.lines, done.taken + len(lines), done.changed + seen.changes)
        note = self._note(after, by)

        def check(connection: Connection) -> None:
            if ImportJobStore(connection).taken(by.user.id, done.id) != done.taken:
                raise InvalidRequest("Somebody goes on with this table in another window.")

        if not self.imports.take(lines, seen.version, by, done.taken, note, check=check):
            with desk.database.writing() as connection:
                check(connection)
                note.apply(connection)
        return after

    def _note(self, done: Progress, by: Caller) -> RowChange:
        row = {"owner": by.user.id, "staged": done.id}
        if done.is_done:
            return RowChange(REMOVE, row)
        now = self.imports.desk.clock()
        return RowChange(NOTE, {**row, "new_taken": done.taken, "new_changed": done.changed, "now": now})

    def _find(self, staged_id: str, by: Caller) -> ImportJob:
        desk = self.imports.desk
        with desk.database.reading() as connection:
            found = ImportJobStore(connection).find(by.user.id, staged_id, desk.clock() - _KEPT)
        if found is None:
            raise InvalidRequest("That table is not kept any more. Choose the file, or paste it, once more.")
        return found


def _rest(staged: ImportJob, batches: Sequence[slice]) -> Sequence[tuple[slice, ReviewedBatch]]:
    """The batches that are not done, and what each was seen to do."""
    # Another version of the portal may have cut the table elsewhere, or kept it without what was seen.
    starts = [batch.start for batch in batches]
    if len(batches) != len(staged.seen) or staged.taken not in [0, *starts]:
        raise PreconditionFailed(f"The portal was updated since you looked. {progress_text(staged.taken)}")
    return [pair for pair in zip(batches, staged.seen, strict=True) if pair[0].start >= staged.taken]
