import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.access.model import Caller
from daypass.portal.admin.imports.limits import MAX_LINES, TRANSACTION
from daypass.portal.admin.imports.table import read_table
from daypass.portal.admin.model import UserQuery
from daypass.portal.admin.reauthentication import Proof
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AccessDenied, InvalidRequest, LastAdministrator, ReauthenticationRequired
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Access
from tests.fakes import FakeClock
from tests.portal.admin.conftest import Administration, SlowCommitter, open_administration

TABLE = """username,role,tenants,read_only_tenants
Noor@example.com,,dev01,
dana@example.com,Administrator,,dev01
ci-bot,User,,
"""


def test_an_import_is_planned_executed_and_then_idempotent(
    administration: Administration, alice: Caller
) -> None:
    planned = administration.imports.plan(TABLE).lines

    assert [(one.line, one.username, one.is_new, one.old_role) for one in planned] == [
        (2, "noor@example.com", True, None),
        (3, "dana@example.com", False, Role.USER),
        (4, "ci-bot", True, None),
    ]
    assert planned[0].memberships == {"dev01": Access.FULL}
    assert administration.users.count(UserQuery()) == 3

    assert administration.imports.run(TABLE, alice).lines == planned

    assert administration.users.find("dana@example.com").user.is_administrator
    assert administration.members.find("dev01", "dana@example.com").access is Access.READ_ONLY
    assert administration.members.find("dev01", "noor@example.com").access is Access.FULL
    assert not any(one.has_effect for one in administration.imports.plan(TABLE).lines)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "table", ["username,tenants\nalice@example.com,dev01\n", f"{TABLE}alice@example.com,,dev01,\n"]
)
def test_a_line_without_a_role_keeps_an_existing_users_role(
    administration: Administration, alice: Caller, table: str
) -> None:
    alone = administration.imports.plan(table).lines[-1]

    assert (alone.role, alone.old_role, alone.proof) == (Role.ADMINISTRATOR, None, Proof.RECENT)
    administration.imports.run(table, alice)
    assert administration.users.find("alice@example.com").user.is_administrator


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x@example.com,Root,,", "A role is User or Administrator"),
        ("x@example.com,,nowhere,", "There is no tenant “nowhere”."),
        ("x@example.com,,dev01,dev01", "named twice"),
        ("x@example.com,,nowhere dev01 elsewhere,", "There is no tenant “elsewhere”, “nowhere”."),
        ("x@example.com,User,,dev01,prod01", "“prod01” is in no column of the first line"),
        ('"Doe, Jane <jane@example.com>",,,', "Write the address only: jane@example.com"),
        (",,,", ""),
        ("x@example.com,User,,,,,", "-"),
        ("a\tb,,,", "printable"),
        ("operator,,,", "“operator” is reserved"),
        ("NOOR@example.com,,,", "Line 2 has this user too"),
        (f"x@example.com,,{' '.join(f't{number}' for number in range(2001))},", "at most 2,000 tenants"),
    ],
)
def test_an_invalid_line_is_explained_and_nothing_is_imported(
    administration: Administration, alice: Caller, line: str, problem: str
) -> None:
    table = f"{TABLE}{line}\n"
    if problem in ("", "-"):
        assert len(administration.imports.plan(table).lines) == (3 if problem == "" else 4)
        return

    assert problem in str(administration.imports.plan(table).lines[-1].problem)
    with pytest.raises(InvalidRequest, match=r"Line 5: .* Nothing was imported"):
        administration.imports.run(table, alice)

    assert administration.users.count(UserQuery()) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("head", ["name,role", "role", "username,username", "username,admin", "\0"])
def test_unknown_columns_are_refused(administration: Administration, head: str) -> None:
    with pytest.raises(InvalidRequest):
        administration.imports.plan(f"{head}\nx,y\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('\ufeffUsername;Read Only Tenants\r\n"noor@example.com";dev01\r\n\r\n', 2),
        ("username\tread_only_tenants\r\nnoor@example.com\tdev01\r\n", 2),
        ("sep=;\r\nusername;read_only_tenants\r\nnoor@example.com;dev01", 3),
        ("\ufeffSEP=,\nusername,read_only_tenants\nnoor@example.com,dev01", 3),
        ("sep=\t\nusername\tread_only_tenants\nnoor@example.com\tdev01", 3),
        ("sep=|\nusername|read_only_tenants\nnoor@example.com|dev01", 3),
        ("username,read_only_tenants,,,\nnoor@example.com,dev01,,,\n,,,,\n", 2),
        ("username,read_only_tenants\rnoor@example.com,dev01\r", 2),
        ("\n\nusername,read_only_tenants\n\nnoor@example.com,dev01\n", 5),
    ],
    ids=[
        "excel-in-europe",
        "tabs",
        "sep",
        "sep-comma",
        "sep-tab",
        "sep-pipe",
        "trailing",
        "cr",
        "blank-lines",
    ],
)
def test_tables_of_spreadsheets_are_parsed(administration: Administration, text: str, line: int) -> None:
    planned = administration.imports.plan(text).lines

    assert [(one.line, one.username, one.memberships, one.problem) for one in planned] == [
        (line, "noor@example.com", {"dev01": Access.READ_ONLY}, None)
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("username,tenant\nx,y\n", "only the first is required. It has “tenant”."),
        ("sep=a\nusernameatenants\n", "It has “sep=a”."),
        ('sep="\nusername\n', "It has “sep="),
        ("", "The first line names the columns"),
        ("\n\n", "The first line names the columns"),
        (
            'username\n"x@example.com\n',
            "Line 2: a cell begins with a quotation mark, and the closing one is missing.",
        ),
        (
            'username\n"x"@example.com\n',
            "Line 2: text follows the quotation mark that ends a cell",
        ),
        (f"username\n{'x' * 140_000}\n", "Line 2: a cell is too long."),
    ],
)
def test_a_malformed_table_is_explained_without_messages_of_python(
    administration: Administration, text: str, says: str
) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(says)):
        administration.imports.plan(text)


@given(text=st.text(alphabet='username,;\t|"\r\n= \ufeff\0x@', max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        rows = list(read_table(text, MAX_LINES))
    except InvalidRequest:
        return
    assert all(number >= 1 for number, _ in rows)


def test_an_import_that_elevates_needs_reauthentication_before_its_first_line(
    administration: Administration, clock: FakeClock, dana: Caller
) -> None:
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(timedelta(minutes=6))
    with pytest.raises(ReauthenticationRequired):
        administration.imports.run(TABLE, by)
    with pytest.raises(AccessDenied):
        administration.imports.run("username\nx@example.com\n", dana)
    assert administration.users.count(UserQuery()) == 3

    administration.imports.run("username\nx@example.com\n", by)


ONLY_USERS = "username,role\nalice@example.com,User\namir@example.com,User\n"


def test_an_import_cannot_remove_the_last_administrator(administration: Administration) -> None:
    with pytest.raises(LastAdministrator, match="Nothing was imported"):
        administration.imports.run(ONLY_USERS, OPERATOR)
    administration.imports.run(f"{ONLY_USERS}dana@example.com,Administrator\n", OPERATOR)

    administrators = administration.users.page(UserQuery(role=Role.ADMINISTRATOR), PageRequest()).records
    assert [one.user.username for one in administrators] == ["dana@example.com"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_disabled_administrator_does_not_count_as_the_remaining_one(administration: Administration) -> None:
    administration.users.update("amir@example.com", OPERATOR, is_disabled=True)
    administration.users.update("dana@example.com", OPERATOR, is_disabled=True)

    with pytest.raises(LastAdministrator):
        administration.imports.run(f"{ONLY_USERS}dana@example.com,Administrator\n", OPERATOR)
    administration.imports.run("username,role\namir@example.com,User\nalice@example.com,\n", OPERATOR)

    assert administration.users.find("alice@example.com").user.is_administrator


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_user_who_became_the_last_administrator_during_an_import_stays_one(
    administration: Administration, database: Database, clock: FakeClock, slow: SlowCommitter
) -> None:
    new = "".join(f"user{number}@example.com,\n" for number in range(TRANSACTION.lines))

    def before_the_first_batch() -> None:
        slow.before_next = lambda: administration.users.update("amir@example.com", OPERATOR, role=Role.USER)

    slow.before_next = before_the_first_batch

    with pytest.raises(LastAdministrator, match="The 50 lines before it are imported"):
        open_administration(database, slow, clock).imports.run(
            f"username,role\n{new}alice@example.com,User\n", OPERATOR
        )

    assert administration.users.find("alice@example.com").user.is_administrator
