"""What a process does that writes to the record until it is killed, and says what was acknowledged."""

import threading
from itertools import count
from multiprocessing.connection import Connection

from daypass.portal.audit.log import AuditLog, Event
from daypass.portal.clock import utc_now
from daypass.portal.storage.engine import Database


def _write_for_ever(log: AuditLog, name: str, acknowledged: Connection) -> None:
    for number in count():
        subject = f"{name}/{number}"
        log.commit(Event("test.happen", None, "writer", None, subject, "done", {}, ""))
        # One write call, so that a kill leaves whole messages.
        acknowledged.send_bytes(subject.encode())


def write(url: str, name: str, acknowledged: Connection) -> None:
    """Write with four threads."""
    log = AuditLog(Database(url), utc_now)
    for thread in range(4):
        threading.Thread(target=_write_for_ever, args=(log, f"{name}/{thread}", acknowledged)).start()
