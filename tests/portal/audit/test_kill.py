from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest
from sqlalchemy import select

from daypass.portal.audit.verify import verify
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.portal.audit.writer import write
from tests.portal.forked import PROCESSES

_ROUNDS = 20
"""The number of rounds; in each, the writers are killed after a different number of events."""


def _read(pipe: Connection) -> Iterator[str]:
    try:
        while True:
            yield pipe.recv_bytes().decode()
    except EOFError:
        return


def _acknowledged_before_the_kill(url: str, round_: int) -> Iterator[str]:
    writers = []
    for number in range(2):
        pipe, end = PROCESSES.Pipe(duplex=False)
        writer = PROCESSES.Process(target=write, args=(url, f"{round_}.{number}", end))
        writer.start()
        end.close()
        writers.append((writer, pipe))
    for number, (writer, pipe) in enumerate(writers):
        # A different number of events in each round, so that the kill happens at a different point.
        for _ in range(1 + (round_ * 7 + number * 3) % 20):
            yield pipe.recv_bytes().decode()
        writer.kill()
    for writer, pipe in writers:
        yield from _read(pipe)
        pipe.close()
        writer.join()
        writer.close()


# Not through a pooler, which has no effect on durability.
@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_no_acknowledged_event_is_lost_when_writers_are_killed(database: Database, database_url: str) -> None:
    acknowledged = {
        subject
        for round_ in range(_ROUNDS)
        for subject in _acknowledged_before_the_kill(database_url, round_)
    }

    with database.snapshot() as connection:
        recorded = set(connection.scalars(select(audit_events.c.subject)))
        report = verify(connection)
    assert len(acknowledged) > _ROUNDS * 2
    assert acknowledged <= recorded
    assert report.is_intact
    assert len(report.heads) == _ROUNDS * 2
