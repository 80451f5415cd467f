"""`daypass portal audit verify` after tampering with the database, with and without saved heads."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import delete, insert, select, update

from daypass.portal.audit.chain import GENESIS, row_hash
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema import metadata
from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import FakeClock
from tests.fixtures.database import PostgresServer
from tests.portal.commands.test_audit import run
from tests.portal.http.world import DANA
from tests.portal.http.world import world as make_world
from tests.portal.processes import Operator

EVENTS = 60


@dataclass(frozen=True, slots=True)
class Recorded:
    """A database of a portal that was used, and the heads that were saved elsewhere then."""

    url: str
    database: Database
    heads: Path
    chain: str
    """The newest chain, with 60 events without an issuance, followed by those of two issuances."""

    def verify(self, *options: str) -> Result:
        """Run the command."""
        return run(self.url, "verify", *options)

    def verify_with_heads(self) -> Result:
        """Run the command with the saved heads."""
        return self.verify("--heads", str(self.heads))

    def remove(self, position: int) -> None:
        """Remove the events of the newest chain from *position* on."""
        with self.database.writing() as connection:
            c = audit_events.c
            connection.execute(delete(audit_events).where(c.chain_id == self.chain, c.position >= position))

    def write_anew(self, without: int) -> None:
        """Rewrite the newest chain without one event, with valid hashes."""
        with self.database.writing() as connection:
            c = audit_events.c
            mine = c.chain_id == self.chain
            query = select(audit_events).where(mine).order_by(c.position)
            rows = [dict(row) for row in connection.execute(query).mappings() if row["position"] != without]
            previous = GENESIS
            for position, row in enumerate(rows):
                row |= {"position": position, "previous_hash": previous}
                row["hash"] = previous = row_hash(row)
            connection.execute(delete(audit_events).where(mine))
            connection.execute(insert(audit_events), rows)


@pytest.fixture
def recorded(database_url: str, tmp_path: Path) -> Iterator[Recorded]:
    with make_world(database_url) as world:
        database = Database(database_url)
        committer = Committer(database, FakeClock())
        for number in range(EVENTS):
            committer.commit(
                Event(action="test.happen", actor=OPERATOR, outcome=Outcome.DONE, subject=f"{number}")
            )
        committer.close()
        with database.reading() as connection:
            query = select(audit_events.c.chain_id).where(audit_events.c.subject == f"{EVENTS - 1}")
            chain = str(connection.scalar(query))
        for _ in range(2):
            answer = world.client().post("/api/v1/sessions", world.tokens[DANA], {"tenant": "dev01"})
            assert answer.status == 201
    heads = tmp_path / "heads.jsonl"
    heads.write_text(run(database_url, "heads").stdout)
    yield Recorded(database_url, database, heads, chain)
    database.close()


def test_an_unchanged_audit_log_is_intact_with_saved_heads(recorded: Recorded) -> None:
    lines = [json.loads(line) for line in recorded.heads.read_text().splitlines()]
    committer = Committer(recorded.database, FakeClock())
    committer.commit(Event(action="test.happen", actor=OPERATOR, outcome=Outcome.DONE, subject="later"))
    committer.close()

    done = recorded.verify_with_heads()

    assert (done.exit_code, "✗" in done.stdout) == (0, False)
    assert {line["chain"]: line["position"] for line in lines}[recorded.chain] == EVENTS
    assert all(line.keys() == {"at", "chain", "position", "hash"} for line in lines)


def _last_fifty(recorded: Recorded) -> None:
    recorded.remove(EVENTS - 49)


def _newest_chain(recorded: Recorded) -> None:
    recorded.remove(0)


def _all(recorded: Recorded) -> None:
    with recorded.database.writing() as connection:
        connection.execute(delete(audit_events))


def _one_and_hash_the_rest(recorded: Recorded) -> None:
    recorded.write_anew(without=7)


@pytest.mark.parametrize("tamper", [_last_fifty, _newest_chain, _all, _one_and_hash_the_rest])
def test_saved_heads_reveal_every_removal(tamper: Callable[[Recorded], None], recorded: Recorded) -> None:
    tamper(recorded)

    done = recorded.verify_with_heads()

    assert done.exit_code == 1
    assert f"✗ chain {recorded.chain}: event {EVENTS}, witnessed as a head, is missing" in done.stdout


def test_an_emptied_audit_log_of_a_used_portal_is_reported(recorded: Recorded) -> None:
    _all(recorded)

    done = recorded.verify()

    assert done.exit_code == 1
    assert "✗ the audit log is empty, but the portal has 3 users and 2 issuances" in done.stdout
    assert run(recorded.url, "heads").exit_code == 1


@pytest.mark.parametrize(
    ("kept", "left"), [("issuances", "0 users and 2 issuances"), ("users", "3 users and 0 issuances")]
)
def test_an_emptied_audit_log_is_detected_by_users_or_issuances_alone(
    recorded: Recorded, kept: str, left: str
) -> None:
    with recorded.database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != kept:
                connection.execute(delete(table))

    done = recorded.verify()

    assert done.exit_code == 1
    assert f"✗ the audit log is empty, but the portal has {left}" in done.stdout


def test_the_audit_log_of_a_new_portal_is_empty_and_intact(sqlite_url: str) -> None:
    assert run(sqlite_url, "verify").exit_code == 0


def _without_its_events(recorded: Recorded) -> None:
    """Remove the end of the chain with the issuances, of which no head was saved."""
    with recorded.database.writing() as connection:
        c = audit_events.c
        issued = connection.execute(
            select(c.chain_id, c.position).where(c.action == "session.issue").order_by(c.position)
        ).first()
        assert issued is not None
        connection.execute(
            delete(audit_events).where(c.chain_id == issued.chain_id, c.position >= issued.position)
        )


def _without_its_row(recorded: Recorded) -> None:
    with recorded.database.writing() as connection:
        first = connection.scalar(select(issuances.c.id).limit(1))
        connection.execute(delete(issuances).where(issuances.c.id == first))


def _changing(column: str, value: str) -> Callable[[Recorded], None]:
    def change(recorded: Recorded) -> None:
        with recorded.database.writing() as connection:
            connection.execute(update(issuances).values({column: value}))

    return change


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (
            _without_its_events,
            "it is issued, but the audit log has no event of it with outcome issued or requested",
        ),
        (_without_its_row, "the audit log has events of it, but its row is missing"),
        (_changing("state", "failed"), "no event of it with outcome failed"),
        (_changing("state", "nonsense"), "no event of it with outcome nonsense"),
        (_changing("user_id", "somebody"), "its row and its events differ in user_id"),
        (_changing("role_arn", "arn"), "its row and its events differ in role_arn"),
        (_changing("access_key_id", "AKIA"), "its row and its events differ in access_key_id"),
    ],
    ids=["events", "row", "state", "unknown state", "user", "role", "key"],
)
def test_an_issuance_that_disagrees_with_its_events_is_reported(
    tamper: Callable[[Recorded], None], said: str, recorded: Recorded
) -> None:
    tamper(recorded)

    done = recorded.verify()

    assert done.exit_code == 1
    assert "✗ issuance " in done.stdout
    assert said in done.stdout


@pytest.mark.parametrize(
    "content",
    ["", "\n", "[]", "{}", '{"chain": "a", "position": 99999999999, "hash": ""}', "no JSON", '{"chain": "a'],
)
def test_a_file_without_heads_is_refused(content: str, recorded: Recorded, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(content)

    done = recorded.verify("--heads", str(path))

    assert done.exit_code == 2
    assert f"{path} cannot be used. " in done.stderr


def test_a_malformed_first_event_is_reported_without_a_crash(recorded: Recorded) -> None:
    with recorded.database.writing() as connection:
        c = audit_events.c
        connection.execute(update(audit_events).where(c.position == 0).values(detail='["nonsense"]'))

    done = recorded.verify()

    assert done.exit_code == 1
    assert "event 0: it does not name the chains before it" in done.stdout


@pytest.fixture
def roles(postgres: PostgresServer, postgres_url: str) -> Iterator[tuple[str, str]]:
    """The URLs of one database, for the role that owns its tables and for the application role."""
    postgres.execute("CREATE ROLE serving LOGIN")
    yield postgres_url, postgres_url.replace("user=daypass", "user=serving")
    database = Database(postgres_url)
    with database.writing() as connection:
        connection.exec_driver_sql("DROP OWNED BY serving")
    database.close()
    postgres.execute("DROP ROLE serving")


def test_the_application_role_can_append_events_and_not_change_them(
    roles: tuple[str, str], operator: Operator
) -> None:
    owner, serving = roles
    for _ in range(2):
        granted = operator.run_inside("migrate", "--application-role", "serving", DAYPASS_DATABASE_URL=owner)
        assert granted.returncode == 0, granted.stderr

    words = ("create-admin", "ada@example.com", "--password-stdin", "--with-token")
    made = operator.run_inside(*words, typed="correct horse 1\n", DAYPASS_DATABASE_URL=serving)
    assert made.returncode == 0, made.stderr
    with make_world(serving) as world:
        answer = world.client().post("/api/v1/sessions", world.tokens[DANA], {"tenant": "dev01"})
        assert answer.status == 201
    assert run(serving, "verify").exit_code == 0

    database = Database(serving)
    for statement in (
        update(audit_events).values(actor="nobody"),
        delete(audit_events),
        delete(issuances),
    ):
        with pytest.raises(StorageUnavailable) as refused, database.writing() as connection:
            connection.execute(statement)
        assert "permission denied" in (refused.value.cause or "")
    database.close()


@pytest.mark.parametrize("who", ["owner", "serving"])
def test_doctor_warns_of_a_role_that_can_change_audit_events(
    who: str, roles: tuple[str, str], operator: Operator
) -> None:
    owner, serving = roles
    operator.run_inside("migrate", "--application-role", "serving", DAYPASS_DATABASE_URL=owner)

    url = owner if who == "owner" else serving
    checked = operator.run_inside("doctor", "--format", "json", DAYPASS_DATABASE_URL=url)

    findings = json.loads(checked.stdout)["findings"]
    levels = [finding["level"] for finding in findings if finding["code"] == "audit_privileges"]
    assert levels == ["warning" if who == "owner" else "fine"]


@pytest.mark.parametrize(
    ("prepare", "role", "said"),
    [
        ("", "nobody_knows", "There is no database role nobody_knows."),
        ("", "daypass", "so no grant confines it"),
        ("GRANT daypass TO serving", "serving", "so no grant confines it"),
        ("GRANT UPDATE ON audit_events TO PUBLIC", "serving", "still has UPDATE on audit_events"),
    ],
)
def test_an_unknown_or_privileged_application_role_is_refused(
    prepare: str, role: str, said: str, roles: tuple[str, str], operator: Operator
) -> None:
    owner, _ = roles
    database = Database(owner)
    if prepare:
        with database.writing() as connection:
            connection.exec_driver_sql(prepare)

    refused = operator.run_inside("migrate", "--application-role", role, DAYPASS_DATABASE_URL=owner)
    with database.writing() as connection:
        connection.exec_driver_sql("REVOKE ALL ON audit_events FROM PUBLIC")
        connection.exec_driver_sql("REVOKE daypass FROM serving")
    database.close()

    assert refused.returncode == 1
    assert said in refused.stderr


def test_an_application_role_is_refused_on_sqlite(operator: Operator) -> None:
    refused = operator.run_inside("migrate", "--application-role", "serving")

    assert (refused.returncode, "SQLite has no roles" in refused.stderr) == (1, True)
