"""Tables of users that were looked at and are not done yet, as rows."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from daypass.portal.identity.model import UserId
from daypass.portal.storage.schema import staged_imports
from daypass.portal.storage.upsert import insert_or_update

_c = staged_imports.c


@dataclass(frozen=True, slots=True)
class StagedImport:
    """A table, and how far it is done."""

    id: str
    content: str
    taken: int
    """So many of its lines, from the first on, are done."""
    changed: int
    """So many of these changed anything."""


class StagedImportStore:
    """One table for each Administrator at the most."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, user_id: UserId, staged: StagedImport, now: datetime, forgotten: datetime) -> None:
        """Keep a table in the place of the last one, and forget everybody's from before *forgotten*."""
        self._connection.execute(delete(staged_imports).where(_c.staged_at < forgotten))
        row = {**asdict(staged), "staged_at": now}
        self._connection.execute(
            insert_or_update(self._connection, staged_imports)
            .values(user_id=user_id, **row)
            .on_conflict_do_update(index_elements=["user_id"], set_=row)
        )

    def find(self, user_id: UserId, staged_id: str, forgotten: datetime) -> StagedImport | None:
        """The table of that id, if it is still the last one of that user, and not from before *forgotten*."""
        row = self._connection.execute(
            select(_c.id, _c.content, _c.taken, _c.changed).where(
                _c.user_id == user_id, _c.id == staged_id, _c.staged_at >= forgotten
            )
        ).first()
        return None if row is None else StagedImport(*row)

    def note(self, user_id: UserId, staged_id: str, taken: int, changed: int, now: datetime) -> None:
        """Remember how far a table is done; it is kept anew from *now* on."""
        self._connection.execute(
            update(staged_imports)
            .where(_c.user_id == user_id, _c.id == staged_id)
            .values(taken=taken, changed=changed, staged_at=now)
        )

    def remove(self, user_id: UserId, staged_id: str) -> None:
        """Forget a table."""
        self._connection.execute(delete(staged_imports).where(_c.user_id == user_id, _c.id == staged_id))
