"""The body of a process that writes audit events until it is killed and reports the acknowledged ones."""

import threading
from itertools import count
from multiprocessing.connection import Connection

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome
from daypass.portal.clock import utc_now
from daypass.portal.storage.engine import Database


def _write_for_ever(committer: Committer, name: str, acknowledged: Connection) -> None:
    for number in count():
        subject = f"{name}/{number}"
        committer.commit(
            Event(action="test.happen", actor=Actor(None, "writer"), outcome=Outcome.DONE, subject=subject)
        )
        # One write call per message, so that a kill cannot leave a partial message.
        acknowledged.send_bytes(subject.encode())


def write(url: str, name: str, acknowledged: Connection) -> None:
    """Write events with four threads until the process is killed."""
    committer = Committer(Database(url), utc_now)
    for thread in range(4):
        threading.Thread(target=_write_for_ever, args=(committer, f"{name}/{thread}", acknowledged)).start()
