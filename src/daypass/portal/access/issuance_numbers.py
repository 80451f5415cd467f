"""The numbers of issuances that only the database knows, for the metrics."""

from dataclasses import dataclass

from daypass.portal.access.store.issuances import IssuanceStore
from daypass.portal.clock import Clock
from daypass.portal.storage.engine import Database
from daypass.portal.telemetry.metrics import LIVE_SESSIONS, OLDEST_ATTEMPT
from daypass.portal.telemetry.metrics_exposition import Readings


@dataclass(frozen=True, slots=True)
class IssuanceNumbers:
    """The reader of these numbers, which are of all replicas."""

    database: Database
    clock: Clock

    def read(self) -> Readings:
        """Return the number of live sessions, and the age of the oldest attempt without an outcome."""
        now = self.clock()
        with self.database.reading() as connection:
            store = IssuanceStore(connection)
            live, oldest = store.count_live(now), store.oldest_open()
        age = 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
        return {LIVE_SESSIONS: live, OLDEST_ATTEMPT: age}
