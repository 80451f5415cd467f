"""The size limits of imports, with their reasons.

Decision 0022 has the measurements behind those of a batch.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """The size at which a batch of lines ends. A single line that is larger is a batch of its own."""

    lines: int
    changes: int
    """The largest number of changes that its lines can need: each user, and each tenant that a line names."""


MAX_LINES_PER_REQUEST = 2000
"""The largest number of lines that one call of the API imports, so that it is answered in some seconds."""

MAX_LINES = 50_000
"""The largest number of lines of a job, whose plan is computed in one request and held in memory."""

MAX_BYTES = 5 * 1024 * 1024
"""The largest size in bytes of a job's table, which each request of the job reads from the database."""

MAX_TENANTS_PER_LINE = 2000
"""The largest number of tenants in a line, which is imported in one transaction of about a second."""

TRANSACTION = BatchLimit(lines=50, changes=200)
"""The lines that are imported in one transaction. Other changes and issuances wait for it, some 30 ms."""

READ = BatchLimit(lines=200, changes=4000)
"""The lines that are planned with one read, which locks nothing and is limited by the size of its queries."""

JOB_LIFETIME = timedelta(hours=1)
"""The time after its last progress at which a job expires."""
