"""People and service accounts: a password makes a person, and its absence no service account."""

from sqlalchemy import update

from daypass.portal.audit.event import OPERATOR
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, User, UserId, UserKind
from daypass.portal.identity.store.users import UserStore, add_user
from daypass.portal.secret import Secret
from daypass.portal.storage.schema.identity import users
from tests.fakes import NOON
from tests.portal.identity.conftest import RIGHT_HASH


def kind_of(identity: Identity, username: str) -> UserKind:
    with identity.database.reading() as connection:
        user = UserStore(connection).find(username)
    assert user is not None
    return user.kind


def test_a_user_who_is_created_with_a_password_is_a_person(identity: Identity) -> None:
    made = identity.create_user("zoe@example.com", Role.USER, Secret("correct horse"), OPERATOR)

    assert made.kind is kind_of(identity, "zoe@example.com") is UserKind.PERSON


def test_a_user_who_is_created_without_a_password_is_a_service_account(identity: Identity) -> None:
    made = identity.create_user("ci@example.com", Role.USER, None, OPERATOR)

    assert made.kind is kind_of(identity, "ci@example.com") is UserKind.SERVICE


def test_a_person_may_have_no_password(identity: Identity) -> None:
    add(identity, "sso@example.com", Role.ADMINISTRATOR)

    assert kind_of(identity, "sso@example.com") is UserKind.PERSON
    with identity.database.reading() as connection:
        assert UserStore(connection).first_administrators(1) == ["sso@example.com"]


def test_a_service_account_that_an_earlier_release_gives_a_password_is_a_person(identity: Identity) -> None:
    made = identity.create_user("ci@example.com", Role.USER, None, OPERATOR)

    with identity.database.writing() as connection:
        # That release knows no column for the kind.
        connection.execute(update(users).where(users.c.id == made.id).values(password_hash=RIGHT_HASH))

    assert kind_of(identity, "ci@example.com") is UserKind.PERSON


def add(identity: Identity, username: str, role: Role) -> User:
    """Add a person without a password."""
    user = User(UserId(username), username, role, UserKind.PERSON)
    with identity.database.writing() as connection:
        add_user(user, None, at=NOON).apply(connection)
    return user
