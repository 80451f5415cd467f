"""`daypass portal migrate` and `create-admin`."""

import pytest
from sqlalchemy import select

from daypass.portal.identity.passwords import verify_password
from daypass.portal.identity.store.users import UserStore
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.identity import users
from tests.fixtures.database import PostgresServer
from tests.portal.processes import Operator

ADMIN, GOOD = "Admin@Example.com", "correct horse battery\n"


def test_migrate_is_idempotent(operator: Operator) -> None:
    new = {"DAYPASS_DATABASE_URL": "sqlite:///new.db"}
    ran = [run("migrate", **new) for run in (operator.run, operator.run_forked)]

    assert [one.returncode for one in ran] == [0, 0]
    named = operator.home / "new.db"
    assert {one.stderr for one in ran} == {f"The database {named} has the schema of this version.\n"}
    # The database has secrets, so only its owner may read it.
    assert {path.stat().st_mode & 0o777 for path in operator.home.glob("new.db*")} == {0o600}


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, ".local/state/daypass/daypass.db"),
        ({"XDG_STATE_HOME": "{home}/xdg"}, "xdg/daypass/daypass.db"),
        ({"XDG_STATE_HOME": "relative"}, ".local/state/daypass/daypass.db"),
        ({"STATE_DIRECTORY": "{home}/one:{home}/two", "XDG_STATE_HOME": "{home}/xdg"}, "one/daypass.db"),
    ],
    ids=["home", "xdg", "relative-xdg", "systemd"],
)
def test_the_default_database_is_created_in_the_state_directory(
    operator: Operator, variables: dict[str, str], place: str
) -> None:
    given = {name: value.format(home=operator.home) for name, value in variables.items()}

    ran = operator.run_forked("migrate", DAYPASS_DATABASE_URL="", **given)

    database = operator.home / place
    assert ran.stderr == f"The database {database} has the schema of this version.\n"
    assert (database.stat().st_mode & 0o777, database.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not (operator.home / "daypass.db").exists()


def test_a_database_in_the_current_folder_stays_in_use(operator: Operator) -> None:
    operator.run_forked("migrate", DAYPASS_DATABASE_URL="sqlite:///daypass.db")

    ran = operator.run_forked("migrate", DAYPASS_DATABASE_URL="")

    assert f"The database {operator.home / 'daypass.db'} has" in ran.stderr
    assert not (operator.home / ".local").exists()


def test_a_state_directory_that_cannot_be_created_is_reported_with_a_remedy(operator: Operator) -> None:
    (operator.home / ".local").write_text("not a folder")

    ran = operator.run_forked("migrate", DAYPASS_DATABASE_URL="")

    assert ran.returncode == 1
    assert f"The state directory {operator.home}/.local/state/daypass cannot be created" in ran.stderr
    assert "Set DAYPASS_DATABASE_URL" in ran.stderr


def test_postgresql_is_migrated_by_its_url(operator: Operator, postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE by_command")
    ran = operator.run_forked("migrate", DAYPASS_DATABASE_URL=postgres.url("by_command"))

    assert ran.returncode == 0, ran.stderr
    postgres.execute("DROP DATABASE by_command WITH (FORCE)")


def test_create_admin_makes_a_working_password_and_token(operator: Operator, sqlite_url: str) -> None:
    made = operator.run("create-admin", ADMIN, "--password-stdin", "--with-token", typed=GOOD)

    database = Database(sqlite_url)
    with database.reading() as connection:
        count = UserStore(connection).count_administrators()
    database.close()
    assert made.returncode == 0, made.stderr
    assert count == 1
    # Only the token is printed on standard output, so that a shell can capture it.
    assert made.stdout.startswith("daypass_pat_")
    assert made.stdout.count("\n") == 1
    assert "admin@example.com is an Administrator." in made.stderr
    assert GOOD.strip() not in made.stdout + made.stderr


@pytest.mark.parametrize(
    ("username", "typed", "says"),
    [
        (ADMIN, "", "password"),
        (ADMIN, "short\n", "password"),
        ("", GOOD, "username has 1 to 255"),
        ("x" * 300, GOOD, "username has 1 to 255"),
        ("a\x1bb@example.com", GOOD, "printable"),
        ("operator", GOOD, "is reserved"),
    ],
    ids=["no-password", "short-password", "no-name", "long-name", "unprintable-name", "reserved-name"],
)
def test_an_invalid_administrator_is_refused_with_a_sentence(
    operator: Operator, username: str, typed: str, says: str
) -> None:
    refused = operator.run_inside("create-admin", username, "--password-stdin", typed=typed)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_username_taken_in_another_spelling_is_refused(operator: Operator) -> None:
    operator.run_inside("create-admin", ADMIN, "--password-stdin", typed=GOOD)
    again = operator.run_inside("create-admin", ADMIN.lower(), "--password-stdin", typed=GOOD)

    assert (again.returncode, "already" in again.stderr) == (1, True)


def test_random_password_prints_a_working_password_once(operator: Operator, sqlite_url: str) -> None:
    made = operator.run_inside("create-admin", ADMIN, "--random-password", "--with-token")

    assert made.returncode == 0, made.stderr
    (line,) = [
        line for line in made.stderr.splitlines() if line.startswith("The password, shown only once: ")
    ]
    assert signs_in(sqlite_url, line.rpartition(" ")[2])
    assert made.stdout.startswith("daypass_pat_")
    assert made.stdout.count("\n") == 1


def test_password_file_writes_a_working_password_to_a_private_file(
    operator: Operator, sqlite_url: str
) -> None:
    path = operator.home / "first-password"

    made = operator.run_inside("create-admin", ADMIN, "--password-file", str(path))

    assert made.returncode == 0, made.stderr
    password = path.read_text().rstrip("\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert password not in made.stdout + made.stderr
    assert signs_in(sqlite_url, password)

    again = operator.run_inside("create-admin", "b@example.com", "--password-file", str(path))
    assert (again.returncode, "Choose a new file" in again.stderr) == (1, True)
    assert path.read_text().rstrip("\n") == password


def test_no_password_file_is_left_if_no_administrator_was_created(operator: Operator) -> None:
    path = operator.home / "first-password"

    refused = operator.run_inside("create-admin", "operator", "--password-file", str(path))

    assert (refused.returncode, path.exists()) == (1, False)


def test_without_an_administrator_no_password_is_shown_and_no_file_is_touched(operator: Operator) -> None:
    path = operator.home / "file"
    path.write_text("of others\n")

    shown = operator.run_inside("create-admin", "operator", "--random-password")
    written = operator.run_inside("create-admin", "operator", "--password-file", str(path))

    assert (shown.returncode, written.returncode) == (1, 1)
    assert "The password" not in shown.stderr
    assert path.read_text() == "of others\n"


def test_only_one_option_for_the_password_is_accepted(operator: Operator) -> None:
    refused = operator.run_inside("create-admin", ADMIN, "--random-password", "--password-stdin", typed=GOOD)

    assert (refused.returncode, "Use one of" in refused.stderr) == (2, True)


def signs_in(url: str, password: str) -> bool:
    """Return whether the new Administrator can sign in with *password*."""
    database = Database(url)
    with database.reading() as connection:
        row = connection.execute(select(users.c.password_hash).where(users.c.username == ADMIN.lower())).one()
    database.close()
    return verify_password(row.password_hash, Secret(password))


def test_without_a_terminal_the_password_options_are_named(operator: Operator) -> None:
    refused = operator.run_forked("create-admin", ADMIN)

    assert (refused.returncode, "--password-stdin" in refused.stderr) == (1, True)


def test_help_names_every_variable_and_loads_no_server(operator: Operator) -> None:
    from daypass.portal.config.variables import VARIABLES

    shown = operator.run("serve", "--help", COLUMNS="200")

    assert shown.returncode == 0
    assert [variable.name for variable in VARIABLES if variable.name not in shown.stdout] == []
