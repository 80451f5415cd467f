"""An import as a state machine: the plan of a table, and a job that applies it batch by batch.

A job does what its reviewed plan says, once: it holds a version of the plan of each batch, and the number of
lines that are done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from daypass.portal.admin.imports.limits import TRANSACTION
from daypass.portal.admin.imports.plan import ImportedUser
from daypass.portal.admin.imports.store import JobKey, ReviewedBatch
from daypass.portal.admin.imports.table import Line, batches_of
from daypass.portal.admin.model import Version, version_of
from daypass.portal.errors import InvalidRequest, PreconditionFailed


@dataclass(frozen=True)
class ImportPlan:
    """The plan of a whole table, line by line."""

    table: Sequence[Line]
    lines: Sequence[ImportedUser]
    id: str = ""
    """The id of the stored job; empty if the table is not stored."""

    # Cached, because the plan of every line is hashed, and stored jobs are compared and shown by it.
    @cached_property
    def batches(self) -> Sequence[ReviewedBatch]:
        """The plan of each batch, in the form in which a job compares it."""
        parts = [self.lines[batch] for batch in batches_of(self.table, TRANSACTION)]
        return [ReviewedBatch(version_of(*lines), sum(line.has_effect for line in lines)) for lines in parts]

    @property
    def version(self) -> Version:
        """The version of the whole plan."""
        return version_of(*self.batches)

    def require_valid(self) -> None:
        """Return if every line is valid; raise `InvalidRequest` for the first that is not."""
        for user in self.lines:
            if user.problem is not None:
                raise InvalidRequest(f"Line {user.line}: {user.problem} {progress_text(0)}")


class Batch(NamedTuple):
    """Lines that are imported in one transaction."""

    lines: Sequence[Line]
    reviewed: ReviewedBatch


@dataclass(frozen=True, slots=True)
class ImportJob:
    """A table that is being imported as its plan was reviewed, and the progress."""

    lines: int
    """The number of all lines."""
    remaining: Sequence[Batch]
    """The batches that are not done, in order."""
    key: JobKey | None
    """None for a job that is run to its end at once, whose progress is not stored."""
    taken: int
    """The number of lines done, from the first on."""
    changed: int
    """The number of done lines that changed something."""

    @property
    def id(self) -> str:
        """The id of a stored job."""
        return "" if self.key is None else self.key.id

    @property
    def is_done(self) -> bool:
        """Whether all lines are done."""
        return not self.remaining

    def after_next_batch(self) -> "ImportJob":
        """Return the job after the first of the remaining batches."""
        lines, reviewed = self.remaining[0]
        return replace(
            self,
            remaining=self.remaining[1:],
            taken=self.taken + len(lines),
            changed=self.changed + reviewed.changes,
        )


def import_job(
    table: Sequence[Line],
    reviewed: Sequence[ReviewedBatch],
    key: JobKey | None = None,
    taken: int = 0,
    changed: int = 0,
) -> ImportJob:
    """Return the job that imports *table* from the line *taken* on; *reviewed* is the plan of every batch.

    Raises `PreconditionFailed` if these do not belong together.
    """
    batches = list(batches_of(table, TRANSACTION))
    # Another version of the portal may have cut the table elsewhere, or stored it without a plan.
    if len(batches) != len(reviewed) or taken not in [0, *(batch.start for batch in batches)]:
        raise PreconditionFailed(
            f"The portal was updated since you reviewed the table. {progress_text(taken)}"
        )
    remaining = [
        Batch(table[batch], plan)
        for batch, plan in zip(batches, reviewed, strict=True)
        if batch.start >= taken
    ]
    return ImportJob(len(table), remaining, key, taken, changed)


def progress_text(taken: int) -> str:
    """Return a sentence on the lines that are imported already."""
    return f"The {taken:,} lines before it are imported." if taken else "Nothing was imported yet."
