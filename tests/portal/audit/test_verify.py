from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import ColumnElement, Connection, delete, select, update

from daypass.portal.audit.chain import row_hash
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome
from daypass.portal.audit.verify import verify
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def write_chain(database: Database, now: datetime, events: int = 4) -> str:
    """Write a complete chain, as one process would, and return its id."""
    committer = Committer(database, lambda: now)
    for number in range(events):
        committer.commit(
            Event(
                action="test.happen",
                actor=Actor("u1", "dana", "r"),
                outcome=Outcome.DONE,
                subject=f"{number}",
                tenant_id="t1",
                detail={"a": number},
            )
        )
    committer.close()
    with database.reading() as connection:
        return str(
            connection.scalars(
                select(audit_events.c.chain_id).order_by(
                    audit_events.c.at.desc(), audit_events.c.position.desc()
                )
            ).first()
        )


def at(chain_id: str, position: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return audit_events.c.chain_id == chain_id, audit_events.c.position == position


def test_untouched_chains_are_intact(database: Database) -> None:
    for hour in range(5):
        write_chain(database, NOON + hour * timedelta(hours=3))

    with database.snapshot() as connection:
        report = verify(connection)

    assert report.is_intact
    assert report.events == 25
    assert len(report.heads) == 5


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", NOON + timedelta(seconds=1)),
        ("action", "test.other"),
        ("actor_id", "u2"),
        ("actor", "noor"),
        ("tenant_id", None),
        ("subject", "other"),
        ("outcome", "denied"),
        ("detail", '{"a":9}'),
        ("request_id", "q"),
        ("previous_hash", b"\1" * 32),
        ("hash", b"\1" * 32),
        ("position", 40),
        ("chain_id", "another"),
    ],
)
def test_a_change_of_any_column_is_detected(database: Database, column: str, value: object) -> None:
    chain = write_chain(database, NOON)
    with database.writing() as connection:
        connection.execute(update(audit_events).where(*at(chain, 2)).values({column: value}))

    with database.snapshot() as connection:
        assert not verify(connection).is_intact


def _rehash(connection: Connection, chain: str, position: int, **changed: object) -> bytes:
    """Change an event and set its hash to match; return the hash."""
    row = connection.execute(select(audit_events).where(*at(chain, position))).mappings().one()
    new = {**row, **changed}
    connection.execute(
        update(audit_events).where(*at(chain, position)).values(changed | {"hash": row_hash(new)})
    )
    return row_hash(new)


def test_a_changed_and_rehashed_event_is_detected_by_the_next_event(database: Database) -> None:
    chain = write_chain(database, NOON)
    with database.writing() as connection:
        _rehash(connection, chain, 2, outcome="denied")

    with database.snapshot() as connection:
        assert verify(connection).problems == [
            f"chain {chain}, event 3: it does not follow the event before it"
        ]


def test_a_removed_event_is_detected_by_its_position_although_the_rest_was_rehashed(
    database: Database,
) -> None:
    chain = write_chain(database, NOON)
    with database.writing() as connection:
        before = connection.execute(select(audit_events.c.hash).where(*at(chain, 1))).scalar_one()
        connection.execute(delete(audit_events).where(*at(chain, 2)))
        for position in (3, 4):
            before = _rehash(connection, chain, position, previous_hash=before)

    with database.snapshot() as connection:
        assert f"chain {chain}, event 3: the events before it are missing" in verify(connection).problems


def _cut_middle(connection: Connection, chain: str) -> None:
    connection.execute(delete(audit_events).where(*at(chain, 2)))


def _cut_beginning(connection: Connection, chain: str) -> None:
    connection.execute(delete(audit_events).where(*at(chain, 0)))


def _cut_end(connection: Connection, chain: str) -> None:
    connection.execute(delete(audit_events).where(*at(chain, 4)))


def _cut_whole(connection: Connection, chain: str) -> None:
    connection.execute(delete(audit_events).where(audit_events.c.chain_id == chain))


def _swap(connection: Connection, chain: str) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        connection.execute(update(audit_events).where(*at(chain, old)).values(position=new))


@pytest.mark.parametrize("tamper", [_cut_middle, _cut_beginning, _cut_end, _cut_whole, _swap])
@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(days=9)])
def test_removed_or_moved_events_are_detected_once_another_chain_is_opened(
    database: Database, tamper: Callable[[Connection, str], None], later: timedelta
) -> None:
    chain = write_chain(database, NOON)
    write_chain(database, NOON + later)
    with database.writing() as connection:
        tamper(connection, chain)

    with database.snapshot() as connection:
        report = verify(connection)

    assert any(chain in problem for problem in report.problems)
