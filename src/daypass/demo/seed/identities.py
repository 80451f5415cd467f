"""The links between the demo's users and their accounts at its identity provider."""

from daypass.demo.identity_provider.settings import Person
from daypass.portal.clock import Clock
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import ExternalIdentityStore, add_identity
from daypass.portal.identity.store.users import UserStore
from daypass.portal.storage.engine import Database


def link_people(
    database_url: str, provider: str, issuer: str, people: tuple[Person, ...], now: Clock
) -> None:
    """Link each person's account to the user with the same username, unless the account is linked.

    Done at each start, because the issuer has the provider's port. In production only the person, an
    Administrator or the operator's rules link accounts.
    """
    database = Database(database_url)
    try:
        with database.writing() as connection:
            store = ExternalIdentityStore(connection)
            for person in people:
                user = UserStore(connection).find(person.username)
                if user is None or store.find(provider, issuer, person.subject) is not None:
                    continue
                identity = ExternalIdentity(
                    provider=provider,
                    issuer=issuer,
                    subject=person.subject,
                    user_id=user.id,
                    linked_at=now(),
                    linked_by=None,
                    email=person.username,
                    username=person.username,
                    last_used_at=None,
                )
                add_identity(identity).apply(connection)
    finally:
        database.close()
