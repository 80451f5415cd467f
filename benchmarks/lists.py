"""How long the portal takes for long lists: 100,000 users and 10,000 tenants, and by which indexes.

    python -m benchmarks.lists [--database-url postgresql://…] [--users N] [--tenants N]

Each list is asked for through the stores that pages and APIs read: its first page, its middle, a search; the
tenants of one user and of an Administrator too. The exit code says whether all took less than 50 ms.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import event, insert, text

from daypass.portal.admin.model import TenantSort, UserSort
from daypass.portal.admin.store.tenants import TenantList, TenantQuery
from daypass.portal.admin.store.users import MemberList, UserList, UserQuery
from daypass.portal.clock import utc_now
from daypass.portal.identity.model import Role
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.migrate import migrate
from daypass.portal.storage.page import Turn
from daypass.portal.storage.schema import memberships, tenants, users
from daypass.portal.tenants.store import TenantStore

LIMIT = 50.0
"""Milliseconds."""
ROUNDS = 9

Ask = Callable[[Connection], Any]


def main() -> int:
    """Seed, measure, and say how it went."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database-url", help="an empty database; a new SQLite file unless named")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--tenants", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(asked.database_url or f"sqlite:///{Path(folder) / 'lists.db'}")
        try:
            seed(database, asked.users, asked.tenants)
            return measure(database)
        finally:
            database.close()


def seed(database: Database, user_count: int, tenant_count: int) -> None:
    """So many of each; everybody is a member of one tenant, and the first user of two hundred."""
    migrate(database)
    now = utc_now()
    user_ids = [uuid4().hex for _ in range(user_count)]
    tenant_ids = [str(uuid4()) for _ in range(tenant_count)]
    with database.writing() as connection:
        connection.execute(insert(users), [_user(number, id_, now) for number, id_ in enumerate(user_ids)])
        connection.execute(
            insert(tenants), [_tenant(number, id_, now) for number, id_ in enumerate(tenant_ids)]
        )
        pairs = {(id_, tenant_ids[number % tenant_count]) for number, id_ in enumerate(user_ids)}
        pairs |= {(user_ids[0], tenant_id) for tenant_id in tenant_ids[:200]}
        rows = [
            {"user_id": user, "tenant_id": tenant, "is_read_only": False, "created_at": now}
            for user, tenant in pairs
        ]
        connection.execute(insert(memberships), rows)
        connection.execute(text("ANALYZE"))


def _user(number: int, id_: str, now: Any) -> dict[str, object]:  # noqa: ANN401  a datetime
    role = Role.ADMINISTRATOR if number % 5000 == 0 else Role.USER
    return {
        "id": id_,
        "username": f"user{number:06}@example.com",
        "role": role.value,
        "created_at": now - timedelta(seconds=number),
    }


def _tenant(number: int, id_: str, now: Any) -> dict[str, object]:  # noqa: ANN401  a datetime
    name = f"tenant{number:05}"
    arn = f"arn:aws:iam::123456789012:role/duploservices-{name}"
    when = now - timedelta(seconds=number)
    return {"id": id_, "name": name, "region": "eu-central-1", "role_arn": arn, "created_at": when}


def measure(database: Database) -> int:
    """Ask each list several times; the exit code."""
    failed = False
    with database.reading() as connection:
        for name, ask in asks(connection):
            # The best of several, and of SQLite the processor's time: what else the machine does is no
            # matter of the list.
            clock = time.thread_time if database.is_sqlite else time.perf_counter
            took = min(_milliseconds(connection, ask, clock) for _ in range(ROUNDS))
            scans = full_scans(database, connection, ask)
            is_bad = took >= LIMIT or bool(scans)
            failed |= is_bad
            print(
                f"{'✗' if is_bad else '✓'} {took:7.2f} ms  {name}{''.join(f'  [{scan}]' for scan in scans)}"
            )
    return 1 if failed else 0


def asks(connection: Connection) -> Iterator[tuple[str, Ask]]:
    """Every list, by what a person would call it."""
    turn = Turn(limit=50)
    for sort in UserSort:
        yield f"users by {sort}, first page", _users(UserQuery(sort=sort), turn)
        yield f"users by {sort}, in the middle", _users(UserQuery(sort=sort), _middle(connection, sort))
    yield "users: a search with few results", _users(UserQuery(search="user09999"), turn)
    yield "users: a search with none", _users(UserQuery(search="nobody@"), turn)
    yield "users: Administrators", _users(UserQuery(role=Role.ADMINISTRATOR), turn)
    yield "users: those disabled, of whom there are none", _users(UserQuery(is_disabled=True), turn)
    yield "users, counted", lambda c: UserList(c).count(UserQuery())
    yield "one user by name", lambda c: UserList(c).find("user050000@example.com")
    for order in TenantSort:
        yield f"tenants by {order}, first page", _tenants(TenantQuery(sort=order), turn)
    yield "tenants: a search with none", _tenants(TenantQuery(search="nowhere"), turn)
    yield "one tenant by name", lambda c: TenantList(c).find("tenant05000")
    yield "names that a new one would fence", lambda c: TenantList(c).neighbours("tenant05000-a")
    yield from _of_one(connection, turn)


def _of_one(connection: Connection, turn: Turn) -> Iterator[tuple[str, Ask]]:
    user = UserList(connection).page(UserQuery(), Turn(limit=1)).records[0].user.id
    tenant = TenantList(connection).page(TenantQuery(), Turn(limit=1)).records[0].tenant.id
    most = Turn(limit=1000)
    yield "tenants of a user in 200", lambda c: TenantStore(c).page(user, "", most, is_member=True)
    yield "tenants of an Administrator", lambda c: TenantStore(c).page(user, "", most, is_member=False)
    yield "members of a tenant", lambda c: MemberList(c).of_tenant(tenant, turn)
    yield "memberships of a user in 200", lambda c: MemberList(c).of_user(user)
    yield "all memberships, first page", lambda c: MemberList(c).page(turn)


def _users(query: UserQuery, turn: Turn) -> Ask:
    return lambda connection: UserList(connection).page(query, turn)


def _tenants(query: TenantQuery, turn: Turn) -> Ask:
    return lambda connection: TenantList(connection).page(query, turn)


def _middle(connection: Connection, sort: UserSort) -> Turn:
    cursor = None
    for _ in range(100):
        page = UserList(connection).page(UserQuery(sort=sort), Turn(cursor, 500))
        cursor = page.next_cursor or cursor
    return Turn(cursor, 50)


def _milliseconds(connection: Connection, ask: Ask, clock: Callable[[], float]) -> float:
    began = clock()
    ask(connection)
    return (clock() - began) * 1000


def full_scans(database: Database, connection: Connection, ask: Ask) -> list[str]:
    """The tables that the query plan reads without an index; a search reads an index from end to end."""
    with _statements(connection) as seen:
        ask(connection)
    return [line for statement, values in seen for line in _scans(database, connection, statement, values)]


def _scans(database: Database, connection: Connection, statement: str, values: Any) -> Iterator[str]:  # noqa: ANN401
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    for row in connection.exec_driver_sql(explain + statement, values):
        line = str(row[-1]).strip()
        is_scan = (
            line.startswith("SCAN") and "INDEX" not in line if database.is_sqlite else "Seq Scan" in line
        )
        if is_scan:
            yield line


@contextmanager
def _statements(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:  # noqa: ANN401
        seen.append((statement, values))

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", note)


if __name__ == "__main__":
    sys.exit(main())
