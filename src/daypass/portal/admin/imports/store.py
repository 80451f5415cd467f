"""Queries and statements for import jobs: reviewed tables that are not completely imported."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from daypass.portal.admin.model import Version
from daypass.portal.identity.model import UserId
from daypass.portal.storage.schema import staged_imports
from daypass.portal.storage.upsert import insert_or_update

_c = staged_imports.c
_THAT = (_c.user_id == bindparam("owner"), _c.id == bindparam("staged"))

REMOVE = delete(staged_imports).where(*_THAT)
"""Deletes a job."""

RECORD_PROGRESS = (
    update(staged_imports)
    .where(*_THAT)
    .values(taken=bindparam("new_taken"), changed=bindparam("new_changed"), staged_at=bindparam("now"))
)
"""Records the progress of a job, and extends its lifetime."""


class ReviewedBatch(NamedTuple):
    """The reviewed plan of a batch of lines."""

    version: Version
    changes: int
    """The number of lines that change something."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """A table that is imported in several requests, and its progress."""

    id: str
    content: str
    seen: Sequence[ReviewedBatch]
    taken: int
    """The number of lines done, from the first on."""
    changed: int
    """The number of done lines that changed something."""


class ImportJobStore:
    """Reads and writes import jobs, at most one for each Administrator."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, user_id: UserId, staged: ImportJob, now: datetime, forgotten: datetime) -> None:
        """Store a job in the place of the user's last one, and delete all jobs from before *forgotten*."""
        self._connection.execute(delete(staged_imports).where(_c.staged_at < forgotten))
        row = {
            "id": staged.id,
            "content": staged.content,
            "seen": _written(staged.seen),
            "taken": staged.taken,
            "changed": staged.changed,
            "staged_at": now,
        }
        self._connection.execute(
            insert_or_update(self._connection, staged_imports)
            .values(user_id=user_id, **row)
            .on_conflict_do_update(index_elements=["user_id"], set_=row)
        )

    def find(self, user_id: UserId, staged_id: str, forgotten: datetime) -> ImportJob | None:
        """Return the user's job with that id, or None if it was replaced or is from before *forgotten*."""
        row = self._connection.execute(
            select(_c.id, _c.content, _c.seen, _c.taken, _c.changed).where(
                _c.user_id == user_id, _c.id == staged_id, _c.staged_at >= forgotten
            )
        ).first()
        return None if row is None else ImportJob(row.id, row.content, _read(row.seen), *row[3:])

    def taken(self, user_id: UserId, staged_id: str) -> int | None:
        """Return the number of done lines, or None if the job does not exist any more."""
        taken: int | None = self._connection.scalar(
            select(_c.taken).where(_c.user_id == user_id, _c.id == staged_id)
        )
        return taken

    def restart(self, user_id: UserId, staged_id: str, seen: Sequence[ReviewedBatch]) -> None:
        """Restart a job with a newly reviewed plan."""
        self._connection.execute(
            update(staged_imports)
            .where(_c.user_id == user_id, _c.id == staged_id)
            .values(seen=_written(seen), taken=0)
        )


def _written(seen: Sequence[ReviewedBatch]) -> str:
    return json.dumps(seen, separators=(",", ":"))


def _read(written: str) -> Sequence[ReviewedBatch]:
    return [ReviewedBatch(Version(version), changes) for version, changes in json.loads(written or "[]")]
