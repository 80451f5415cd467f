"""`daypass portal create-break-glass`."""

from sqlalchemy import select

from daypass.portal.identity.passwords import verify_password
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.identity import users
from tests.portal.processes import Operator

NAME, FIRST, SECOND = "break-glass@example.com", "correct horse battery", "correct mouse battery"


def signs_in(url: str, name: str, password: str) -> bool:
    database = Database(url)
    with database.reading() as connection:
        row = connection.execute(
            select(users.c.password_hash, users.c.is_break_glass, users.c.disabled_at).where(
                users.c.username == name
            )
        ).one()
    database.close()
    is_usable = row.is_break_glass and row.disabled_at is None
    return is_usable and verify_password(row.password_hash, Secret(password))


def test_the_account_is_created_once_and_replaced_on_demand(operator: Operator, sqlite_url: str) -> None:
    words = ("create-break-glass", NAME, "--password-stdin")
    created = operator.run_inside(*words, typed=f"{FIRST}\n")
    again = operator.run_inside(*words, typed=f"{SECOND}\n")
    is_first = signs_in(sqlite_url, NAME, FIRST)
    changed = operator.run_inside(*words, "--replace", typed=f"{SECOND}\n")

    assert (created.returncode, created.stdout) == (0, "")
    assert f"{NAME} is the break-glass account." in created.stderr
    assert (again.returncode, "there can be only one" in again.stderr) == (1, True)
    assert is_first
    assert "has a new password. Its sign-ins and tokens have ended." in changed.stderr
    assert signs_in(sqlite_url, NAME, SECOND)
    assert FIRST not in created.stderr


def test_without_an_account_no_password_is_shown_and_no_file_is_touched(operator: Operator) -> None:
    operator.run_inside("create-break-glass", NAME, "--password-stdin", typed=f"{FIRST}\n")
    new, old = operator.home / "new", operator.home / "old"
    old.write_text("of others\n")

    shown = operator.run_inside("create-break-glass", "b@example.com", "--random-password")
    written = operator.run_inside("create-break-glass", "b@example.com", "--password-file", str(new))
    taken = operator.run_inside("create-break-glass", "b@example.com", "--password-file", str(old))

    assert (shown.returncode, written.returncode, taken.returncode) == (1, 1, 1)
    assert "The password" not in shown.stderr + written.stderr
    assert (new.exists(), old.read_text()) == (False, "of others\n")
