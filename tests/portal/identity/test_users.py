"""The facts about users that every user may know."""

from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.model import Role, User
from daypass.portal.identity.users import UserDirectory
from daypass.portal.storage.engine import Database
from tests.portal.identity.conftest import person


def test_a_user_learns_the_names_of_administrators(
    database: Database, identity: Identity, dana: User
) -> None:
    users = UserDirectory(database)
    assert not users.has_administrator()
    assert users.first_administrators(2) == []

    for name in ("zoe@example.com", "ada@example.com", "bob@example.com"):
        person(identity, name, Role.ADMINISTRATOR)

    assert users.has_administrator()
    assert users.first_administrators(2) == ["ada@example.com", "bob@example.com"]
    assert dana.username not in users.first_administrators(9)
