"""A process that writes to the record until it is killed, and says what was acknowledged.

python -m tests.portal.audit.writer URL NAME
"""

import sys
import threading
from itertools import count

from daypass.portal.audit.log import AuditLog, Event
from daypass.portal.clock import utc_now
from daypass.portal.storage.engine import Database


def _write_for_ever(log: AuditLog, name: str) -> None:
    for number in count():
        subject = f"{name}/{number}"
        log.commit(Event("test.happen", None, "writer", None, subject, "done", {}, ""))
        # One write call, so that a kill leaves whole lines.
        sys.stdout.write(f"{subject}\n")
        sys.stdout.flush()


def main() -> None:
    """Write with four threads."""
    url, name = sys.argv[1:]
    log = AuditLog(Database(url), utc_now)
    for thread in range(4):
        threading.Thread(target=_write_for_ever, args=(log, f"{name}/{thread}")).start()


if __name__ == "__main__":
    main()
