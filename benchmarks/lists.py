"""The time of long lists, of 100,000 users and 10,000 tenants, and the indexes that their statements use.

    nice -n -10 python -m benchmarks.lists [--database-url postgresql://…] [--users N] [--tenants N]

Requests whole pages and responses from the portal's application: lists in every order, at the beginning and
in the middle, searches, the tenants of one user and of an Administrator, and one tenant by name. It does so
on SQLite and then on a PostgreSQL server of its own, unless a database is named. It prints medians, and the
best times, which are those of a machine without other work. The exit code is 1 if a median is 50 ms or more,
or if a statement reads a whole table because it has no index.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from sqlalchemy import Engine, event, insert
from tests.fixtures.database import PostgresServer
from tests.portal.http.client import Answer, Client
from tests.portal.http.pages.test_administrator import sign_in
from tests.portal.http.world import ADMIN, DANA, World, world

from daypass.portal.identity.model import Role
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import migrate
from daypass.portal.storage.schema import metadata
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.tenants import memberships, tenants
from daypass.portal.telemetry import logs

MAX_MEDIAN = 50.0
"""Goal: the maximum of each median, in milliseconds."""
ROUNDS = 15

USERS, TENANTS = "/administrator/users", "/administrator/tenants"
TENANT_OF_ALL = "all-of-us"
"""The tenant of which every user is a member."""

# Administrators write these sets by hand, and a menu shows all of them.
_READ_WHOLE = frozenset({"permission_sets"})


def main() -> int:
    """Seed each database and measure; return 1 if a goal is not met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database-url", help="an empty database to use instead of both")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--tenants", type=int, default=10_000)
    options = parser.parse_args()
    logs.configure(StringIO())
    has_failed = False
    for name, url in [("", options.database_url)] if options.database_url else both_engines():
        print(name)
        migrated(url)
        with world(url) as made:
            seed(made.database, options.users, options.tenants)
            has_failed |= measure(made)
    return 1 if has_failed else 0


def both_engines() -> Iterator[tuple[str, str]]:
    """Yield the name and URL of a new database on each engine, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        yield "SQLite", f"sqlite:///{Path(folder) / 'lists.db'}"
    server = PostgresServer()
    server.start()
    try:
        server.execute("CREATE DATABASE lists")
        yield "PostgreSQL", server.url("lists")
    finally:
        server.remove()


def migrated(url: str) -> None:
    """Migrate a database to the schema of this version."""
    database = Database(url, connections=1)
    migrate(database)
    database.close()


def seed(database: Database, user_count: int, tenant_count: int) -> None:
    """Add users and tenants.

    Every user is a member of one tenant and of `TENANT_OF_ALL`, and the first user of two hundred more. Half
    of the users have signed in.
    """
    now = datetime.fromisoformat("2026-11-24T12:00:00+00:00")
    user_ids = [uuid4().hex for _ in range(user_count)]
    tenant_ids = [str(uuid4()) for _ in range(tenant_count)]
    pairs = {(id_, tenant_ids[number % tenant_count]) for number, id_ in enumerate(user_ids)}
    pairs |= {(user_ids[0], tenant_id) for tenant_id in tenant_ids[:200]}
    pairs |= {(id_, tenant_ids[-1]) for id_ in user_ids}
    with database.writing() as connection:
        connection.execute(insert(users), [_user(number, id_, now) for number, id_ in enumerate(user_ids)])
        rows = [_tenant(number, id_, now) for number, id_ in enumerate(tenant_ids)]
        rows[-1]["name"] = TENANT_OF_ALL
        connection.execute(insert(tenants), rows)
        connection.execute(
            insert(memberships),
            [
                {"user_id": user, "tenant_id": tenant, "is_read_only": False, "created_at": now}
                for user, tenant in pairs
            ],
        )
    # An operator of SQLite does this once; PostgreSQL does it by itself within a minute.
    with database.reading() as connection:
        connection.exec_driver_sql("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE")


def _user(number: int, id_: str, now: datetime) -> dict[str, object]:
    role = Role.ADMINISTRATOR if number % 5000 == 0 else Role.USER
    return {
        "id": id_,
        "username": f"user{number:06}@example.com",
        "role": role.value,
        "created_at": now - timedelta(seconds=number),
        "last_sign_in_at": now - timedelta(seconds=number) if number % 2 else None,
    }


def _tenant(number: int, id_: str, now: datetime) -> dict[str, object]:
    name = f"tenant{number:05}"
    arn = f"arn:aws:iam::123456789012:role/duploservices-{name}"
    when = now - timedelta(seconds=number)
    return {"id": id_, "name": name, "region": "eu-central-1", "role_arn": arn, "created_at": when}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A named request to the portal."""

    name: str
    send: Callable[[], Answer]


def measure(made: World) -> bool:
    """Send each request several times, and print its times.

    Return whether a median is too high, or a statement reads a whole table because it has no index.
    """
    has_failed = False
    for measurement in measurements(made):
        with statements() as seen:
            assert measurement.send().status == 200, measurement.name  # noqa: S101  a benchmark
        times = sorted(_milliseconds(measurement.send) for _ in range(ROUNDS))
        took = statistics.median(times)
        scans = sorted({scan for one in seen for scan in scans_of(made.database, *one)})
        is_slow = took >= MAX_MEDIAN or bool(scans)
        has_failed |= is_slow
        marks = "".join(f"  [{one}]" for one in scans)
        print(
            f"{'✗' if is_slow else '✓'} {took:7.2f} ms, at best {times[0]:6.2f} ms  {measurement.name}{marks}"
        )
    return has_failed


def measurements(made: World) -> Iterator[Measurement]:
    """Yield all requests."""
    client, browser = made.client(), sign_in(made, ADMIN)
    headers = [("Accept", "text/html"), *browser.headers()]

    def page(name: str, path: str, **query: str) -> Measurement:
        return Measurement(name, lambda: client.get(path, headers=headers, query=urlencode(query)))

    def call(name: str, path: str, who: str = ADMIN, **query: object) -> Measurement:
        return Measurement(name, lambda: client.get(path, made.tokens[who], query=urlencode(query)))

    for sort in ("username", "created", "last_sign_in"):
        for sign in ("", "-"):
            yield page(f"page: users by {sign}{sort}", USERS, sort=f"{sign}{sort}")
        cursor = _middle(client, made.tokens[ADMIN], "/api/v1/users", sort=sort)
        yield page(f"page: users by {sort}, in the middle", USERS, sort=sort, cursor=cursor)
    for name, text in _SEARCHES.items():
        yield page(f"page: users, a search with {name}", USERS, search=text)
    for sort in ("name", "created"):
        yield page(f"page: tenants by {sort}", TENANTS, sort=sort)
    for name, text in (("few results", "0500"), ("none", "nowhere"), ("many", "9")):
        yield page(f"page: tenants, a search with {name}", TENANTS, search=text)
    yield from _of_one(made, page, call)
    yield call("users: Administrators", "/api/v1/users", role="Administrator")
    yield call("users: those disabled, of whom there are none", "/api/v1/users", disabled="true")
    yield call("one user by name", "/api/v1/users/user050000@example.com")
    yield call("all memberships, first page", "/api/v1/memberships")


_SEARCHES = {"few results": "user09999", "none": "nobody@", "many": "9", "all": "@example"}


def _of_one(
    made: World, page: Callable[..., Measurement], call: Callable[..., Measurement]
) -> Iterator[Measurement]:
    admin, client = made.tokens[ADMIN], made.client()
    few = client.get("/api/v1/tenants/tenant05000", admin).json["id"]
    all_ = client.get(f"/api/v1/tenants/{TENANT_OF_ALL}", admin).json["id"]
    yield page("page: a tenant of ten members", f"{TENANTS}/{few}")
    yield page("page: a tenant of all users", f"{TENANTS}/{all_}")
    yield page(
        "page: a tenant of all users, a search with few results", f"{TENANTS}/{all_}", search="user09999"
    )
    yield page("page: a tenant of all users, a search with none", f"{TENANTS}/{all_}", search="nobody@")
    busy = client.get("/api/v1/users/user000000@example.com", admin).json["id"]
    yield page("page: a user in 200 tenants", f"{USERS}/{busy}")
    yield page("page: search of the tenants' list box", "/tenant/offers", search="tenant099")
    yield call("tenants of an Administrator, first 100", "/api/v1/tenants", limit=100)
    yield call("tenants of an Administrator, a search with none", "/api/v1/tenants", search="nowhere")
    yield call("tenants of a member", "/api/v1/tenants", DANA)
    yield call("one tenant by name, as an Administrator", "/api/v1/tenants/tenant05000")
    yield call("one tenant by name, as its member", "/api/v1/tenants/dev01", DANA)


def _middle(client: Client, token: str, path: str, **query: object) -> str:
    cursor = ""
    for _ in range(100):
        more = {"cursor": cursor} if cursor else {}
        found = client.get(path, token, query=urlencode({**query, "limit": 500, **more})).json
        cursor = found["next_cursor"] or cursor
    return cursor


def _milliseconds(send: Callable[[], Answer]) -> float:
    began = time.perf_counter()
    send()
    return (time.perf_counter() - began) * 1000


def scans_of(database: Database, statement: str, values: Any) -> Sequence[str]:  # noqa: ANN401  the driver's
    """Return the scans of whole tables in the plan of a statement; a search may read a whole index."""
    with database.snapshot() as connection:
        if database.is_sqlite:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            lines = [str(row[-1]).strip() for row in plan]
            scans = [line for line in lines if line.startswith("SCAN") and "INDEX" not in line]
            return [line for line in scans if line.split()[1] in metadata.tables.keys() - _READ_WHOLE]
        # PostgreSQL reads a small table whole although it has an index. With this setting it does so only if
        # there is none.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        lines = [str(row[0]).strip() for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values)]
        scans = [line for line in lines if "Seq Scan" in line]
        return [line for line in scans if not any(f" on {table} " in line for table in _READ_WHOLE)]


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Yield the list of the SELECT statements that are executed meanwhile, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_more: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


if __name__ == "__main__":
    sys.exit(main())
