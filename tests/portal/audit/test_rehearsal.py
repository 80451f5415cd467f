"""A rehearsal decides as a commit does, and writes nothing."""

import pytest

from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.audit.rehearsal import Rehearsal
from daypass.portal.errors import AccessDenied
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.store.users import UserStore, add_user
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import UnitOfWork
from tests.fakes import NOON, FakeClock
from tests.portal.identity.external.conftest import events

ANN = User(UserId("a1" * 16), "ann@example.com", Role.USER, UserKind.PERSON)
EVENT = Event(action="user.create", actor=OPERATOR, outcome=Outcome.DONE, subject=ANN.username)


def is_stored(database: Database) -> bool:
    with database.reading() as connection:
        return UserStore(connection).is_taken(ANN.username)


def test_rows_and_events_of_a_unit_are_rolled_back_and_the_events_are_told(database: Database) -> None:
    rehearsal = Rehearsal(database, FakeClock())

    rehearsal.commit_unit(UnitOfWork([add_user(ANN, None, at=NOON)], [EVENT], is_exclusive=True))

    assert rehearsal.events == [EVENT]
    assert not is_stored(database)
    assert events(database) == []


def test_a_unit_is_refused_as_at_a_commit_and_its_events_are_not_told(database: Database) -> None:
    rehearsal = Rehearsal(database, FakeClock())
    seen: list[Connection] = []

    def refuse(connection: Connection) -> AccessDenied:
        seen.append(connection)
        return AccessDenied("No.")

    with pytest.raises(AccessDenied):
        rehearsal.commit_unit(UnitOfWork([add_user(ANN, None, at=NOON)], [EVENT], refuse))

    assert (rehearsal.events, len(seen), is_stored(database)) == ([], 1, False)


def test_a_refusal_that_no_user_met_is_not_recorded(database: Database) -> None:
    Rehearsal(database, FakeClock()).commit_rate_limited(EVENT)

    assert events(database) == []
