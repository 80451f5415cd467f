"""Unusable databases: operators see location and cause, and users a short sentence."""

import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from daypass.portal.config.variables import ConfigError
from daypass.portal.errors import StorageUnavailable
from daypass.portal.storage.engine import Database
from tests.fixtures.database import PostgresServer
from tests.fixtures.pgbouncer import PgBouncer
from tests.portal.aws.stub import StubAws
from tests.portal.processes import DAYPASS, Operator, environment

PASSWORD = "hunter%2Fcanary"
SPELLINGS = ("hunter%2Fcanary", "hunter/canary", "canary")

SHORT = "The portal's database cannot be reached. Try again in a moment."


def _refused(operator: Operator, url: str, *words: str) -> str:
    # The command has bound its port by then, so it needs a process of its own.
    run = operator.run_forked if words == ("serve",) else operator.run_inside
    ended = run(*words, DAYPASS_DATABASE_URL=url)
    said = ended.stderr
    assert ended.returncode in {1, 2}
    assert said.startswith("daypass portal: The database cannot be used. "), said
    assert said.count("\n") == 1
    assert not any(spelling in said for spelling in SPELLINGS)
    return said


Unusable = Callable[[PostgresServer, PgBouncer, Path], tuple[str, tuple[str, ...]]]


def _postgresql(user: str, name: str, **query: object) -> str:
    options = "&".join(f"{key}={value}" for key, value in query.items())
    return f"postgresql://{user}:{PASSWORD}@/{name}?{options}"


POSTGRESQL: dict[str, Unusable] = {
    "wrong role": lambda server, _pooler, _home: (
        _postgresql("stranger", "postgres", host=server.folder),
        (str(server.folder), "database postgres", "user stranger", 'role "stranger" does not exist'),
    ),
    "wrong database": lambda server, _pooler, _home: (
        _postgresql("daypass", "missing", host=server.folder),
        (str(server.folder), "user daypass", 'database "missing" does not exist'),
    ),
    "unknown host": lambda _server, _pooler, _home: (
        f"postgresql://daypass:{PASSWORD}@nowhere.invalid:5433/portal",
        ("PostgreSQL at nowhere.invalid:5433, database portal", "resolve host"),
    ),
    "nothing listens": lambda _server, _pooler, home: (
        _postgresql("daypass", "portal", host=home),
        (str(home), "No such file or directory"),
    ),
    "nothing listens, in two lines of libpq": lambda _server, _pooler, _home: (
        f"postgresql://daypass:{PASSWORD}@127.0.0.1:1/portal",
        ("PostgreSQL at 127.0.0.1:1", "Connection refused; Is the server running"),
    ),
    "refusal of a pooler": lambda _server, pooler, _home: (
        _postgresql("daypass", "missing", host=pooler.folder),
        (str(pooler.folder), 'database "missing" does not exist'),
    ),
    "unknown option": lambda server, _pooler, _home: (
        _postgresql("daypass", "portal", host=server.folder, tls="yes"),
        (str(server.folder), "invalid connection option", "tls"),
    ),
}


@pytest.mark.parametrize("failure", POSTGRESQL)
def test_the_error_names_the_failed_postgresql_and_the_cause(
    failure: str, operator: Operator, postgres: PostgresServer, pgbouncer: PgBouncer, tmp_path: Path
) -> None:
    url, expected = POSTGRESQL[failure](postgres, pgbouncer, tmp_path)

    said = _refused(operator, url, "migrate")

    assert [part for part in expected if part not in said] == []


def test_the_error_names_a_postgresql_without_tls(operator: Operator, postgres: PostgresServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pooler = PgBouncer(postgres, tcp_port=port)
    try:
        url = f"postgresql://daypass:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=require"
        said = _refused(operator, url, "migrate")
    finally:
        pooler.remove()

    assert f"PostgreSQL at 127.0.0.1:{port}, database postgres, user daypass" in said
    assert "does not support SSL" in said


def test_the_error_names_a_role_without_privileges(
    operator: Operator, postgres: PostgresServer, postgres_url: str
) -> None:
    postgres.execute("CREATE ROLE powerless LOGIN")
    try:
        said = _refused(operator, postgres_url.replace("user=daypass", "user=powerless"), "doctor")
    finally:
        postgres.execute("DROP ROLE powerless")

    assert "permission denied" in said


@pytest.mark.parametrize("words", [("migrate",), ("doctor",), ("create-admin", "a@example.com"), ("serve",)])
def test_every_operator_command_reports_it(
    words: tuple[str, ...], operator: Operator, tmp_path: Path
) -> None:
    said = _refused(operator, f"sqlite:///{tmp_path}/no/such/daypass.db", *words)

    assert f"SQLite at {tmp_path}/no/such/daypass.db: unable to open database file" in said
    assert f"(there is no folder {tmp_path}/no/such)" in said


def test_the_error_names_a_file_that_is_not_a_database(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"something else entirely" * 100)

    said = _refused(operator, f"sqlite:///{tmp_path}/notes.txt", "migrate")

    assert f"SQLite at {tmp_path}/notes.txt: file is not a database" in said


def test_the_error_names_a_directory_in_place_of_the_file(operator: Operator, tmp_path: Path) -> None:
    assert "(it is a folder)" in _refused(operator, f"sqlite:///{tmp_path}", "migrate")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_the_error_names_what_is_not_writable(what: str, operator: Operator, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    path = folder / "daypass.db"
    if what == "file":
        path.touch(0o400)
    else:
        folder.chmod(0o500)
    # Root can write anywhere, unless it drops the capability.
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.getuid() == 0 else []
    ended = subprocess.run(
        [*drop, DAYPASS, "portal", "migrate"],
        env={**operator.environment, "DAYPASS_DATABASE_URL": f"sqlite:///{path}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    folder.chmod(0o700)

    assert ended.returncode == 1
    assert f"SQLite at {path}: " in ended.stderr
    assert f"(this user cannot write to the {what}" in ended.stderr


def test_a_password_with_an_at_sign_is_not_shown_as_a_host() -> None:
    with pytest.raises(ConfigError, match="%40") as caught:
        Database("postgresql://daypass:hunter@canary@db.example.com/portal")

    assert "canary" not in str(caught.value)


def test_a_password_that_the_driver_repeats_is_masked(tmp_path: Path) -> None:
    database = Database(f"postgresql://daypass:{PASSWORD}@/hunter%2Fcanary?host={tmp_path}/hunter/canary")

    with pytest.raises(StorageUnavailable) as caught, database.reading():
        pass

    assert caught.value.cause is not None
    assert "***" in caught.value.cause.partition(": ")[2]
    database.close()


def test_users_see_a_short_sentence_and_the_log_has_the_cause(
    crashing_postgres: PostgresServer, own_aws: StubAws, tmp_path: Path
) -> None:
    folder = crashing_postgres.folder
    url = _postgresql("daypass", "portal", host=folder)
    operator = Operator(tmp_path, environment(tmp_path, url, own_aws))
    made = operator.run_inside(
        "create-admin", "a@example.com", "--password-stdin", "--with-token", typed="x1 horse pin\n"
    )
    with operator.serving_forked() as serving:
        crashing_postgres.stop()
        status, answer = serving.ask("GET", "/api/v1/tenants", made.stdout.strip())
        crashing_postgres.start()

    assert (status, answer["detail"]) == (503, SHORT)
    assert str(folder) not in json.dumps(answer)
    causes = [line["cause"] for line in serving.lines() if line["event"] == "error"]
    assert len(causes) == 1
    assert causes[0].startswith(f"PostgreSQL at {folder}, database portal, user daypass: ")
    assert not any(spelling in serving.log.read_text() for spelling in SPELLINGS)
