import subprocess
import sys
from collections.abc import Iterator

from sqlalchemy import select

from daypass.portal.audit.verify import verify
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema import audit_events

_ROUNDS = 25


def _acknowledged_before_the_kill(url: str, round_: int) -> Iterator[str]:
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.portal.audit.writer", url, f"{round_}.{number}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for number, writer in enumerate(writers):
        assert writer.stdout is not None
        # A different number of lines each time, so that the kill hits a different instant.
        for _ in range(1 + (round_ * 7 + number * 3) % 20):
            yield writer.stdout.readline().rstrip("\n")
        writer.kill()
    for writer in writers:
        assert writer.stdout is not None
        yield from writer.stdout.read().splitlines()
        writer.stdout.close()
        writer.wait()


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
