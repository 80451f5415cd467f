"""Tables of users that were looked at and are not done yet, as rows."""

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
"""Forgets a table."""

NOTE = (
    update(staged_imports)
    .where(*_THAT)
    .values(taken=bindparam("new_taken"), changed=bindparam("new_changed"), staged_at=bindparam("now"))
)
"""Remembers how far a table is done; it is kept anew from then on."""


class ReviewedBatch(NamedTuple):
    """What some lines that are done together were seen to do."""

    version: Version
    changes: int
    """So many of them change anything."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """A table, and how far it is done."""

    id: str
    content: str
    seen: Sequence[ReviewedBatch]
    taken: int
    """So many of its lines, from the first on, are done."""
    changed: int
    """So many of these changed anything."""


class ImportJobStore:
    """One table for each Administrator at the most."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, user_id: UserId, staged: ImportJob, now: datetime, forgotten: datetime) -> None:
        """Keep a table in the place of the last one, and forget everybody's from before *forgotten*."""
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
        """The table of that id, if it is still the last one of that user, and not from before *forgotten*."""
        row = self._connection.execute(
            select(_c.id, _c.content, _c.seen, _c.taken, _c.changed).where(
                _c.user_id == user_id, _c.id == staged_id, _c.staged_at >= forgotten
            )
        ).first()
        return None if row is None else ImportJob(row.id, row.content, _read(row.seen), *row[3:])

    def taken(self, user_id: UserId, staged_id: str) -> int | None:
        """How far a table is done; None where it is kept no more."""
        taken: int | None = self._connection.scalar(
            select(_c.taken).where(_c.user_id == user_id, _c.id == staged_id)
        )
        return taken

    def look(self, user_id: UserId, staged_id: str, seen: Sequence[ReviewedBatch]) -> None:
        """Begin anew, with what the lines were seen to do this time."""
        self._connection.execute(
            update(staged_imports)
            .where(_c.user_id == user_id, _c.id == staged_id)
            .values(seen=_written(seen), taken=0)
        )


def _written(seen: Sequence[ReviewedBatch]) -> str:
    return json.dumps(seen, separators=(",", ":"))


def _read(written: str) -> Sequence[ReviewedBatch]:
    return [ReviewedBatch(Version(version), changes) for version, changes in json.loads(written or "[]")]
