"""Administrators by a group: every reader knows them, no row copies the role, and local ones remain."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from daypass.portal.access.model import Caller
from daypass.portal.admin.model import UserQuery, UserRecord
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AccessDenied, LastAdministrator
from daypass.portal.groups.store import remove_group_member
from daypass.portal.identity.model import Role, TokenKind, User, UserId
from daypass.portal.identity.store.tokens import TokenStore
from daypass.portal.identity.store.users import UserStore
from daypass.portal.identity.tokens import digest
from daypass.portal.secret import Secret
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.storage.schema.identity import users
from tests.portal.admin.conftest import Administration
from tests.portal.groups.examples import DEVELOPERS, PLATFORM, add

DANA = "dana@example.com"
PASSWORD = Secret("correct horse battery staple")


@pytest.fixture
def member(administration: Administration) -> User:
    """Return Dana, whom the group `platform` makes an Administrator."""
    user = administration.users.find(DANA).user
    with administration.database.writing() as connection:
        add(connection, PLATFORM, user)
    return user


def stored_role(administration: Administration) -> str | None:
    with administration.database.reading() as connection:
        return connection.scalar(select(users.c.role).where(users.c.username == DANA))


def by_bearer(administration: Administration) -> User | None:
    secret = administration.token(administration.users.find(DANA).user, TokenKind.PERMANENT)
    with administration.database.reading() as connection:
        bearer = TokenStore(connection).find_bearer(digest(secret.reveal()))
    return None if bearer is None else bearer.user


def by_store(read: Callable[[UserStore, UserId], User | None]) -> Callable[[Administration], User | None]:
    def act(administration: Administration) -> User | None:
        user_id = administration.users.find(DANA).user.id
        with administration.database.reading() as connection:
            return read(UserStore(connection), user_id)

    return act


def by_login(store: UserStore, _user: UserId) -> User | None:
    found = store.find_login(DANA)
    return None if found is None else found.user


def administrators(administration: Administration, role: Role) -> list[UserRecord]:
    return list(administration.users.page(UserQuery(role=role), PageRequest()).records)


def by_token_list(administration: Administration) -> User | None:
    by_bearer(administration)
    return administration.tokens.page(DANA, None, PageRequest()).records[0].owner


def by_member_list(administration: Administration) -> User | None:
    administration.members.put("dev01", DANA, "full", OPERATOR)
    return administration.members.find("dev01", DANA).user


READERS: dict[str, Callable[[Administration], User | None]] = {
    "find": by_store(lambda store, _: store.find(DANA)),
    "find by id": by_store(lambda store, user: store.find_by_id(user)),
    "sign-in": by_store(by_login),
    "bearer": by_bearer,
    "record": lambda administration: administration.users.find(DANA).user,
    "list": lambda administration: administrators(administration, Role.ADMINISTRATOR)[2].user,
    "tokens": by_token_list,
    "members": by_member_list,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_reader_knows_an_administrator_by_group(
    administration: Administration, member: User, read: Callable[[Administration], User | None]
) -> None:
    user = read(administration)

    assert user is not None
    assert (user.username, user.role) == (DANA, Role.ADMINISTRATOR)
    with administration.database.writing() as connection:
        remove_group_member(PLATFORM.id, member.id).apply(connection)
    assert administration.users.find(DANA).user.role is Role.USER


@pytest.mark.usefixtures("member")
def test_the_role_by_a_group_is_counted_and_never_stored(
    administration: Administration, alice: Caller
) -> None:
    record = administration.users.find(DANA)

    assert (record.assigned_role, record.administrator_group) == (Role.USER, "platform")
    assert administration.users.count(UserQuery(role=Role.ADMINISTRATOR)) == 3
    assert administrators(administration, Role.USER) == []
    with administration.database.reading() as connection:
        assert UserStore(connection).count_administrators() == 3
    administration.users.update(DANA, alice, is_disabled=True)
    administration.users.update(DANA, alice, is_disabled=False)
    assert administration.users.update(DANA, alice, role=Role.USER).user.is_administrator
    assert stored_role(administration) == "User"


def test_a_person_by_group_is_among_the_administrators_to_contact(
    administration: Administration, member: User
) -> None:
    administration.users.set_password(DANA, PASSWORD, OPERATOR)

    with administration.database.reading() as connection:
        assert UserStore(connection).first_administrators(5) == [member.username]


def test_a_local_group_makes_nobody_an_administrator(administration: Administration) -> None:
    user = administration.users.find(DANA).user
    with administration.database.writing() as connection:
        add(connection, replace(DEVELOPERS, makes_administrators=True), user)

    assert administration.users.find(DANA).user.role is Role.USER
    assert administration.users.find(DANA).administrator_group is None
    with administration.database.reading() as connection:
        assert UserStore(connection).count_administrators() == 2


@pytest.mark.usefixtures("member")
def test_an_administrator_by_group_acts_as_one(administration: Administration) -> None:
    caller = administration.caller(DANA)

    administration.users.create("new@example.com", Role.USER, None, caller)
    with administration.database.writing() as connection:
        remove_group_member(PLATFORM.id, caller.user.id).apply(connection)
    with pytest.raises(AccessDenied):
        administration.users.create("newer@example.com", Role.USER, None, caller)


@pytest.mark.usefixtures("member")
@pytest.mark.parametrize("end", ["demote", "disable", "delete"])
def test_an_administrator_with_a_password_and_without_a_group_remains(
    administration: Administration, end: str
) -> None:
    for name in ("alice@example.com", DANA):
        administration.users.set_password(name, PASSWORD, OPERATOR)

    def act(name: str) -> None:
        if end == "delete":
            administration.users.delete(name, OPERATOR)
        elif end == "disable":
            administration.users.update(name, OPERATOR, is_disabled=True)
        else:
            administration.users.update(name, OPERATOR, role=Role.USER)

    with pytest.raises(LastAdministrator, match="password"):
        act("alice@example.com")
    # A service account is no way in, so it may go.
    act("amir@example.com")
    administration.users.update(DANA, OPERATOR, role=Role.ADMINISTRATOR)
    act("alice@example.com")
