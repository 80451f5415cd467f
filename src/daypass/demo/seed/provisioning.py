"""The users whom the demo's identity provider provisions, and its token, for `scripts/demo --scim`."""

from daypass.demo.identity_provider.settings import Person
from daypass.demo.seed.fixtures import ADMIN
from daypass.portal.audit.committer import Committer
from daypass.portal.clock import Clock
from daypass.portal.identity.provisioning.store.users import ProvisionedUserStore, add_provisioned_user
from daypass.portal.identity.provisioning.tokens import ScimTokens
from daypass.portal.identity.store.users import UserStore
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database


def provision_people(database_url: str, provider: str, people: tuple[Person, ...], now: Clock) -> Secret:
    """Make the people users of the provider, and return a new token for SCIM.

    The Administrator stays out of the provider's reach. In production a provider reaches only users that it
    made; the demo's users exist before, so their rows are added here.
    """
    database = Database(database_url)
    committer = Committer(database, now)
    try:
        with database.writing() as connection:
            for person in people:
                user = UserStore(connection).find(person.username)
                if user is None or person.username == ADMIN.username:
                    continue
                if ProvisionedUserStore(connection, provider).find(user.id) is None:
                    add_provisioned_user(
                        user, provider, person.username, person.subject, "{}", at=now()
                    ).apply(connection)
        return ScimTokens(database, committer, now).create(provider)
    finally:
        committer.close()
        database.close()
