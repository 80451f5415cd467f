"""The break-glass account: set up by the operator only, and out of reach of every other change."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from daypass.portal.access.model import Caller
from daypass.portal.admin.users.break_glass import BreakGlassAccount, SetUp
from daypass.portal.audit.event import OPERATOR
from daypass.portal.config.model import PasswordSignIn
from daypass.portal.diagnostics.break_glass import examine_break_glass
from daypass.portal.diagnostics.finding import Level
from daypass.portal.errors import (
    AlreadyExists,
    BreakGlassProtected,
    LastAdministrator,
    PortalError,
    SignInAgain,
    Unauthenticated,
)
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.identity.passwords import verify_password
from daypass.portal.identity.store.users import UserStore
from daypass.portal.secret import Secret
from daypass.portal.storage.schema.identity import users
from tests.fakes import NOON
from tests.portal.admin.conftest import Administration

NAME = "break-glass@example.com"
FIRST, SECOND = Secret("the first password"), Secret("the second password")

Act = Callable[[Administration, Caller], object]
ACTS: dict[str, Act] = {
    "demote": lambda all_, by: all_.users.update(NAME, by, role=Role.USER),
    "disable": lambda all_, by: all_.users.update(NAME, by, is_disabled=True),
    "password": lambda all_, by: all_.users.set_password(NAME, SECOND, by),
    "delete": lambda all_, by: all_.users.delete(NAME, by),
    "recovery link": lambda all_, by: all_.recovery_links.create(NAME, by),
    "token": lambda all_, by: all_.tokens.create(NAME, "x", by),
    "import": lambda all_, by: all_.imports.run(f"username,role\n{NAME},User\n", by),
}


@pytest.fixture
def account(administration: Administration) -> BreakGlassAccount:
    identity = administration.identity
    return BreakGlassAccount(identity.database, identity.committer, identity.clock)


def marked(administration: Administration) -> list[str]:
    with administration.database.reading() as connection:
        return list(connection.scalars(select(users.c.username).where(users.c.is_break_glass)))


def has_password(administration: Administration, name: str, password: Secret) -> bool:
    with administration.database.reading() as connection:
        login = UserStore(connection).find_login(name)
    return login is not None and verify_password(login.password_hash, password)


def test_the_operator_creates_an_administrator(
    administration: Administration, account: BreakGlassAccount
) -> None:
    user, result = account.set_up(NAME, FIRST, replaces=False)

    record = administration.users.find(NAME)
    assert (result, user, marked(administration)) == (SetUp.CREATED, record.user, [NAME])
    assert record.user.is_administrator
    assert record.is_break_glass
    assert has_password(administration, NAME, FIRST)
    actor, subject, outcome, detail = administration.events("break_glass.set_up")[-1]
    assert (actor, subject, outcome) == (OPERATOR.name, NAME, "done")
    assert detail == {"result": "created"}


def test_there_is_at_most_one(administration: Administration, account: BreakGlassAccount) -> None:
    account.set_up(NAME, FIRST, replaces=False)

    for name in (NAME, "other@example.com"):
        with pytest.raises(AlreadyExists, match="there can be only one"):
            account.set_up(name, SECOND, replaces=False)

    assert marked(administration) == [NAME]
    assert has_password(administration, NAME, FIRST)


@pytest.mark.parametrize("replaces", [False, True])
def test_no_other_user_becomes_the_break_glass_account(
    administration: Administration, account: BreakGlassAccount, replaces: bool
) -> None:
    with pytest.raises(AlreadyExists, match="already taken"):
        account.set_up("DANA@example.com", FIRST, replaces=replaces)

    assert marked(administration) == []
    assert not administration.users.find("dana@example.com").user.is_administrator


def test_a_new_password_ends_what_the_old_one_began(
    administration: Administration, account: BreakGlassAccount
) -> None:
    user, _ = account.set_up(NAME, FIRST, replaces=False)
    token, _ = administration.identity.create_token(user, TokenKind.PERMANENT, "x", OPERATOR)

    again, result = account.set_up(NAME.upper(), SECOND, replaces=True)

    assert (result, again) == (SetUp.PASSWORD_CHANGED, user)
    assert has_password(administration, NAME, SECOND)
    with pytest.raises((Unauthenticated, SignInAgain)):
        administration.identity.authenticate(token.reveal())


def test_another_account_takes_its_place(administration: Administration, account: BreakGlassAccount) -> None:
    account.set_up(NAME, FIRST, replaces=False)

    _, result = account.set_up("other@example.com", SECOND, replaces=True)

    former = administration.users.find(NAME)
    assert (result, marked(administration)) == (SetUp.REPLACED, ["other@example.com"])
    assert (former.is_disabled, former.user.is_administrator) == (True, False)
    detail = administration.events("break_glass.set_up")[-1][3]
    assert detail == {"result": "replaced", "replaces": NAME}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_no_administrator_changes_it(
    administration: Administration, account: BreakGlassAccount, alice: Caller, act: Act
) -> None:
    account.set_up(NAME, FIRST, replaces=False)
    before = administration.users.find(NAME)

    with pytest.raises(BreakGlassProtected, match=f"create-break-glass {NAME} --replace"):
        act(administration, alice)

    assert administration.users.find(NAME) == before
    assert has_password(administration, NAME, FIRST)


def test_it_is_the_local_administrator_who_remains(
    administration: Administration, account: BreakGlassAccount, alice: Caller
) -> None:
    def demote_alice() -> None:
        administration.users.update(alice.user.username, alice, role=Role.USER)

    administration.users.set_password(alice.user.username, SECOND, alice)
    # A password of the other Administrator is missing, so alice is the last local one.
    with pytest.raises(LastAdministrator, match="who has a password"):
        demote_alice()

    account.set_up(NAME, FIRST, replaces=False)

    demote_alice()
    with administration.database.reading() as connection:
        assert UserStore(connection).count_local_administrators() == 1


def test_the_doctor_misses_it_where_nobody_else_may_use_a_password(
    administration: Administration, account: BreakGlassAccount
) -> None:
    def level(passwords: PasswordSignIn) -> list[Level]:
        return [finding.level for finding in examine_break_glass(administration.database, passwords)]

    assert (level(PasswordSignIn.ON), level(PasswordSignIn.BREAK_GLASS)) == ([], [Level.ERROR])

    account.set_up(NAME, FIRST, replaces=False)

    assert level(PasswordSignIn.BREAK_GLASS) == [Level.FINE]
    with administration.database.writing() as connection:
        connection.execute(users.update().where(users.c.is_break_glass).values(disabled_at=NOON))
    assert level(PasswordSignIn.BREAK_GLASS) == [Level.ERROR]


def test_a_refused_change_is_recorded(
    administration: Administration, account: BreakGlassAccount, alice: Caller
) -> None:
    account.set_up(NAME, FIRST, replaces=False)

    with pytest.raises(BreakGlassProtected):
        administration.users.delete(NAME, alice)

    actor, subject, outcome, detail = administration.events("user.delete")[-1]
    assert (actor, subject, outcome) == ("alice@example.com", NAME, "denied")
    assert detail["code"] == "break_glass_account"


def test_a_change_that_changes_nothing_is_not_refused(
    administration: Administration, account: BreakGlassAccount, alice: Caller
) -> None:
    account.set_up(NAME, FIRST, replaces=False)

    assert administration.users.update(NAME, alice, role=Role.ADMINISTRATOR).is_break_glass


def test_a_password_makes_no_other_account_break_glass(
    administration: Administration, account: BreakGlassAccount, alice: Caller
) -> None:
    account.set_up(NAME, FIRST, replaces=False)

    administration.users.set_password("amir@example.com", SECOND, alice)

    assert marked(administration) == [NAME]


def test_of_two_operators_at_once_only_one_creates_it(administration: Administration) -> None:
    identity = administration.identity
    outcomes: list[object] = []
    gate = threading.Barrier(2)

    def create(name: str) -> None:
        account = BreakGlassAccount(identity.database, identity.committer, identity.clock)
        gate.wait(20)
        try:
            outcomes.append(account.set_up(name, FIRST, replaces=False)[1])
        except PortalError as refusal:
            outcomes.append(type(refusal))

    threads = [threading.Thread(target=create, args=(f"{n}@example.com",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert outcomes.count(SetUp.CREATED) == 1
    assert len(marked(administration)) == 1
