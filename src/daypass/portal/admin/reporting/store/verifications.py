"""The state of the last verification of the audit log, in a row that all replicas share."""

import json
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, or_, select, update

from daypass.portal.admin.reporting.model import VerificationProgress
from daypass.portal.audit.verify import Report
from daypass.portal.storage.database_clock import database_time
from daypass.portal.storage.schema.audit import audit_verifications
from daypass.portal.storage.upsert import insert_or_update

LEASE = timedelta(minutes=1)
"""The lease of a run; one that is not renewed within it belongs to a process that died."""

_SUBJECT = "audit"
_c = audit_verifications.c
_ABANDONED = "Its process ended before it was finished. Start it again."


class VerificationStore:
    """Reads and writes the row; only the run that began last can change it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self) -> VerificationProgress | None:
        """Return the state of the last verification, or None before the first."""
        row = self._connection.execute(select(audit_verifications).where(_c.subject == _SUBJECT)).first()
        if row is None:
            return None
        is_abandoned = row.ended_at is None and row.renewed_at <= self._expiry()
        return _progress(row, is_abandoned=is_abandoned)

    def begin(self, run_id: str, now: datetime) -> bool:
        """Begin a run; return False if another is running, on any replica."""
        row = {
            "run_id": run_id,
            "began_at": now,
            # The lease is measured by the database's clock, because those of the replicas may differ.
            "renewed_at": database_time(self._connection),
            "total": 0,
            "done": 0,
            "ended_at": None,
            "problems": None,
            "refusal": "",
        }
        begun = self._connection.execute(
            insert_or_update(self._connection, audit_verifications)
            .values(subject=_SUBJECT, **row)
            .on_conflict_do_update(
                index_elements=["subject"],
                set_=row,
                where=or_(_c.ended_at.is_not(None), _c.renewed_at <= self._expiry()),
            )
            .returning(_c.run_id)
        )
        return begun.first() is not None

    def renew(self, run_id: str, total: int, done: int) -> bool:
        """Record the progress of a run and renew its lease; return False if another run has replaced it."""
        return self._change(run_id, total=total, done=done)

    def end(self, run_id: str, now: datetime, report: Report | None, refusal: str) -> None:
        """Record the result of a run: its report, or the reason why it has none."""
        if report is None:
            self._change(run_id, ended_at=now, refusal=refusal)
        else:
            problems = json.dumps(report.problems)
            self._change(run_id, ended_at=now, done=report.events, problems=problems)

    def _change(self, run_id: str, **values: object) -> bool:
        changed = self._connection.execute(
            update(audit_verifications)
            .where(_c.subject == _SUBJECT, _c.run_id == run_id)
            .values(renewed_at=database_time(self._connection), **values)
        )
        return changed.rowcount == 1

    def _expiry(self) -> datetime:
        return database_time(self._connection) - LEASE


def _progress(row: Row[tuple[object, ...]], *, is_abandoned: bool) -> VerificationProgress:
    return VerificationProgress(
        began_at=row.began_at,
        total=row.total,
        done=row.done,
        ended_at=row.renewed_at if is_abandoned else row.ended_at,
        problems=None if row.problems is None else json.loads(row.problems),
        refusal=_ABANDONED if is_abandoned else row.refusal,
    )
