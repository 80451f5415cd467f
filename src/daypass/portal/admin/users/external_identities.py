"""The accounts of users at identity providers, linked and unlinked by Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.admin import reauthentication
from daypass.portal.admin.transactions import Author, Change, ChangeExecutor, author_id, single_change
from daypass.portal.admin.users.service import find_user
from daypass.portal.errors import InvalidRequest
from daypass.portal.identity.external.links import (
    SignInMethods,
    facts_of,
    find_identity,
    refuse_link,
    require_other_method,
)
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import (
    ExternalIdentityStore,
    add_identity,
    remove_identity,
)
from daypass.portal.identity.external.store.provider_sessions import revoke_sessions_of
from daypass.portal.identity.model import UserId
from daypass.portal.storage.engine import Connection

_LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class ExternalIdentities:
    """The actions of Administrators on the accounts of users at identity providers."""

    executor: ChangeExecutor
    methods: SignInMethods

    def list_for(self, reference: str) -> Sequence[ExternalIdentity]:
        """Return the accounts of a user, by the time of their link; raises `UserNotFound`."""
        with self.executor.database.reading() as connection:
            return ExternalIdentityStore(connection).list_for(find_user(connection, reference).user.id)

    def link(self, reference: str, provider: str, subject: str, by: Author) -> None:
        """Link the account with that subject to a user; raises `InvalidRequest` or `AccountRefused`."""
        config = self.methods.find(provider)
        if not 1 <= len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
            raise InvalidRequest(
                f"The subject of an account has 1 to {_LONGEST_SUBJECT} printable characters. It is the "
                "value of the claim “sub”, which the identity provider shows for the user."
            )
        with self.executor.database.reading() as connection:
            user = find_user(connection, reference).user
        identity = ExternalIdentity(
            provider=config.name,
            issuer=config.issuer,
            subject=subject,
            user_id=user.id,
            linked_at=self.executor.clock(),
            linked_by=UserId(author_id(by)[:32]),
        )

        def plan(connection: Connection) -> Change:
            refusal = refuse_link(connection, identity, find_user(connection, user.id).user, config.title)
            if refusal is not None:
                raise refusal
            proof = reauthentication.to_link_identity()
            return Change((add_identity(identity),), {}, facts_of(identity), proof=proof)

        self.executor.execute(single_change("external_identity.link", user.username, by, plan))

    def unlink(self, reference: str, provider: str, issuer: str, subject: str, by: Author) -> None:
        """Unlink an account from a user, and end the sessions that began with it.

        Raises `InvalidRequest` and `LastSignInMethod`.
        """
        now = self.executor.clock()
        with self.executor.database.reading() as connection:
            user = find_user(connection, reference).user

        def plan(connection: Connection) -> Change:
            owner = find_user(connection, user.id).user
            identity = find_identity(connection, provider, issuer, subject, owner.id)
            require_other_method(connection, identity, owner, self.methods)
            writes = (remove_identity(identity), revoke_sessions_of(provider, issuer, subject, at=now))
            proof = reauthentication.to_unlink_identity(owner)
            return Change(writes, facts_of(identity), {}, proof=proof)

        self.executor.execute(single_change("external_identity.unlink", user.username, by, plan))
