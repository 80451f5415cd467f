"""A readiness probe that writes to the database without adding an audit event."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite

from daypass.portal.audit.committer import Committer
from daypass.portal.clock import Clock
from daypass.portal.storage.engine import Database
from daypass.portal.storage.prepared import Prepared
from daypass.portal.storage.schema.operation import replica_probes
from daypass.portal.storage.unit_of_work import RowChange

_DELETED_AFTER = timedelta(days=1)
"""The age at which rows of replicas that no longer exist are deleted."""

_CLEANUP_INTERVAL = timedelta(hours=1)

_c = replica_probes.c
_CLEAN = Prepared(delete(replica_probes).where(_c.probed_at < bindparam("before", type_=_c.probed_at.type)))


class WriteProbe:
    """A probe that writes this replica's row through the group commit, and fails whenever issuing would.

    It adds no event, so the hash chains do not change.
    """

    def __init__(self, database: Database, committer: Committer, clock: Clock) -> None:
        self._committer = committer
        self._clock = clock
        self._replica_id = uuid.uuid4().hex
        self._cleaned_at: datetime | None = None
        insert = (sqlite.insert if database.is_sqlite else postgresql.insert)(replica_probes)
        self._upsert = insert.on_conflict_do_update(
            index_elements=["replica_id"], set_={"probed_at": insert.excluded.probed_at}
        )

    def __call__(self) -> None:
        """Write the row and wait for its commit; raises the `PortalError` that an issuance would get."""
        now = self._clock()
        writes = [RowChange(self._upsert, {"replica_id": self._replica_id, "probed_at": now})]
        is_time_to_clean = self._cleaned_at is None or now - self._cleaned_at >= _CLEANUP_INTERVAL
        if is_time_to_clean:
            writes.append(RowChange(_CLEAN, {"before": now - _DELETED_AFTER}))
        self._committer.commit_without_event(*writes)
        if is_time_to_clean:
            self._cleaned_at = now
