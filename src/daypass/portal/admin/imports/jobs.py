"""Import jobs for large tables: reviewed first, then imported in resumable batches.

The portal stores the table with the version of the reviewed plan of each batch, so exactly the reviewed
changes are made. If users or tenants change in between, the table must be reviewed again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from daypass.portal.access.model import Caller
from daypass.portal.admin.imports.service import (
    ImportedUser,
    Imports,
    batches_of,
    progress_text,
    refuse_problems,
)
from daypass.portal.admin.imports.store import (
    RECORD_PROGRESS,
    REMOVE,
    ImportJob,
    ImportJobStore,
    ReviewedBatch,
)
from daypass.portal.admin.imports.table import Line, read_table
from daypass.portal.admin.model import Version, version_of
from daypass.portal.errors import InvalidRequest, PreconditionFailed
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.unit_of_work import RowChange

LONGEST_TABLE = 50_000
"""The largest number of lines."""
LARGEST_TABLE = 5 * 1024 * 1024
"""The largest size in bytes."""

_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PlannedImport:
    """The plan of a stored table, line by line."""

    id: str
    lines: Sequence[ImportedUser]
    batches: Sequence[slice]
    """The batches of lines that are imported together."""

    @property
    def seen(self) -> Sequence[ReviewedBatch]:
        """The plan of each batch, as it is stored for comparison."""
        parts = [self.lines[batch] for batch in self.batches]
        return [ReviewedBatch(version_of(*lines), sum(line.has_effect for line in lines)) for lines in parts]

    @property
    def version(self) -> Version:
        """The version of the whole plan."""
        return version_of(*self.seen)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an import job."""

    id: str
    lines: int
    taken: int
    changed: int

    @property
    def is_done(self) -> bool:
        """Whether all lines are done."""
        return self.taken >= self.lines


@dataclass(frozen=True, slots=True)
class ImportJobs:
    """Imports tables that are too large for one request."""

    imports: Imports

    def stage(self, text: str, by: Caller) -> PlannedImport:
        """Store a table and return its plan; changes nothing else. Raises `InvalidRequest`."""
        executor = self.imports.executor
        planned = self._plan(uuid4().hex, text)
        now = executor.clock()
        with executor.database.writing() as connection:
            staged = ImportJob(planned.id, text, planned.seen, taken=0, changed=0)
            ImportJobStore(connection).put(by.user.id, staged, now, now - _LIFETIME)
        return planned

    def review_again(self, staged_id: str, by: Caller) -> PlannedImport:
        """Plan a stored table again by the current state, and restart its job; raises `InvalidRequest`."""
        planned = self._plan(staged_id, self._find(staged_id, by).content)
        with self.imports.executor.database.writing() as connection:
            ImportJobStore(connection).restart(by.user.id, staged_id, planned.seen)
        return planned

    def resume(self, staged_id: str, seen: Version, by: Caller, is_enough: Callable[[], bool]) -> Progress:
        """Import the next batches, until all lines are done or *is_enough* returns True.

        Raises `PreconditionFailed` if the plan is not the one that was *seen*: of the whole table before the
        first line, and of each batch before that batch. Raises `InvalidRequest` if a line cannot be applied.
        """
        staged = self._find(staged_id, by)
        if staged.taken == 0:
            self._check_all(staged, seen, by)
        table = list(read_table(staged.content, LONGEST_TABLE))
        done = Progress(staged_id, len(table), staged.taken, staged.changed)
        for batch, expected in _remaining(staged, list(batches_of(table))):
            if done.taken > staged.taken and is_enough():
                break
            done = self._import_batch(table[batch], expected, done, by)
        return done

    def _plan(self, staged_id: str, text: str) -> PlannedImport:
        lines = self.imports.plan(text, LONGEST_TABLE)
        return PlannedImport(staged_id, lines, list(batches_of(list(read_table(text, LONGEST_TABLE)))))

    def _check_all(self, staged: ImportJob, seen: Version, by: Caller) -> None:
        """Return if the whole table can be imported as it was reviewed; raise a refusal otherwise."""
        planned = self._plan(staged.id, staged.content)
        refuse_problems(planned.lines)
        if not planned.version == seen == version_of(*staged.seen):
            raise PreconditionFailed(
                f"Users or tenants have changed since you reviewed the table. {progress_text(0)}"
            )
        # A refusal is recorded once here, rather than for each batch.
        self.imports.review(planned.lines, by)

    def _import_batch(
        self, lines: Sequence[Line], seen: ReviewedBatch, done: Progress, by: Caller
    ) -> Progress:
        """Import a batch and record the progress in the same transaction, so that no batch is done twice."""
        executor = self.imports.executor
        after = Progress(done.id, done.lines, done.taken + len(lines), done.changed + seen.changes)
        note = self._progress_change(after, by)

        def check(connection: Connection) -> None:
            if ImportJobStore(connection).taken(by.user.id, done.id) != done.taken:
                raise InvalidRequest("This import continues in another window. Follow it there.")

        if not self.imports.import_batch(lines, seen.version, by, done.taken, note, check=check):
            with executor.database.writing() as connection:
                check(connection)
                note.apply(connection)
        return after

    def _progress_change(self, done: Progress, by: Caller) -> RowChange:
        row = {"owner": by.user.id, "staged": done.id}
        if done.is_done:
            return RowChange(REMOVE, row)
        now = self.imports.executor.clock()
        return RowChange(
            RECORD_PROGRESS, {**row, "new_taken": done.taken, "new_changed": done.changed, "now": now}
        )

    def _find(self, staged_id: str, by: Caller) -> ImportJob:
        executor = self.imports.executor
        with executor.database.reading() as connection:
            found = ImportJobStore(connection).find(by.user.id, staged_id, executor.clock() - _LIFETIME)
        if found is None:
            raise InvalidRequest("This import has expired. Choose the file, or paste the table, again.")
        return found


def _remaining(staged: ImportJob, batches: Sequence[slice]) -> Sequence[tuple[slice, ReviewedBatch]]:
    """Return the batches that are not done, each with its reviewed plan."""
    # Another version of the portal may have cut the table elsewhere, or stored it without a plan.
    starts = [batch.start for batch in batches]
    if len(batches) != len(staged.seen) or staged.taken not in [0, *starts]:
        raise PreconditionFailed(
            f"The portal was updated since you reviewed the table. {progress_text(staged.taken)}"
        )
    return [pair for pair in zip(batches, staged.seen, strict=True) if pair[0].start >= staged.taken]
