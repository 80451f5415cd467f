"""Queries and statements for import jobs: reviewed tables that are not completely imported."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from daypass.portal.admin.model import Version
from daypass.portal.identity.model import UserId
from daypass.portal.storage.schema.administration import staged_imports
from daypass.portal.storage.unit_of_work import RowChange
from daypass.portal.storage.upsert import insert_or_update

_c = staged_imports.c
_JOB = (_c.user_id == bindparam("owner"), _c.id == bindparam("staged"))

_REMOVE = delete(staged_imports).where(*_JOB)

_RECORD_PROGRESS = (
    update(staged_imports)
    .where(*_JOB)
    .values(taken=bindparam("new_taken"), changed=bindparam("new_changed"), staged_at=bindparam("now"))
)


class ReviewedBatch(NamedTuple):
    """The reviewed plan of a batch of lines."""

    version: Version
    changes: int
    """The number of lines that change something."""


class JobKey(NamedTuple):
    """The key of a stored job."""

    owner: UserId
    """The Administrator who imports the table."""
    id: str


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A table that is imported in several requests, and its progress."""

    content: str
    reviewed: Sequence[ReviewedBatch]
    taken: int
    """The number of lines done, from the first on."""
    changed: int
    """The number of done lines that changed something."""


def remove_job(key: JobKey) -> RowChange:
    """Return the change that deletes a job."""
    return RowChange(_REMOVE, {"owner": key.owner, "staged": key.id})


def record_progress(key: JobKey, *, taken: int, changed: int, at: datetime) -> RowChange:
    """Return the change that stores the progress of a job, and extends its lifetime."""
    row = {"owner": key.owner, "staged": key.id, "new_taken": taken, "new_changed": changed, "now": at}
    return RowChange(_RECORD_PROGRESS, row)


class ImportJobStore:
    """Reads and writes import jobs, at most one for each Administrator."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, key: JobKey, job: StoredJob, now: datetime, expired_before: datetime) -> None:
        """Store a job in the place of its owner's last one, and delete the jobs from *expired_before*."""
        self._connection.execute(delete(staged_imports).where(_c.staged_at < expired_before))
        row = {
            "id": key.id,
            "content": job.content,
            "seen": _to_json(job.reviewed),
            "taken": job.taken,
            "changed": job.changed,
            "staged_at": now,
        }
        self._connection.execute(
            insert_or_update(self._connection, staged_imports)
            .values(user_id=key.owner, **row)
            .on_conflict_do_update(index_elements=["user_id"], set_=row)
        )

    def find(self, key: JobKey, expired_before: datetime) -> StoredJob | None:
        """Return a job, or None if it was done, replaced, or is from *expired_before*."""
        row = self._connection.execute(
            select(_c.content, _c.seen, _c.taken, _c.changed).where(
                *_matches(key), _c.staged_at >= expired_before
            )
        ).first()
        return None if row is None else StoredJob(row.content, _from_json(row.seen), row.taken, row.changed)

    def taken(self, key: JobKey) -> int | None:
        """Return the number of done lines, or None if the job does not exist any more."""
        taken: int | None = self._connection.scalar(select(_c.taken).where(*_matches(key)))
        return taken

    def restart(self, key: JobKey, reviewed: Sequence[ReviewedBatch]) -> None:
        """Restart a job with a newly reviewed plan."""
        # Lines that are done change nothing when they are imported again, so the number of changes stays.
        self._connection.execute(
            update(staged_imports).where(*_matches(key)).values(seen=_to_json(reviewed), taken=0)
        )


def _matches(key: JobKey) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _c.user_id == key.owner, _c.id == key.id


def _to_json(reviewed: Sequence[ReviewedBatch]) -> str:
    return json.dumps(reviewed, separators=(",", ":"))


def _from_json(text: str) -> Sequence[ReviewedBatch]:
    return [ReviewedBatch(Version(version), changes) for version, changes in json.loads(text or "[]")]
