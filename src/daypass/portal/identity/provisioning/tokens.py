"""The tokens by which identity providers provision users and groups.

A token belongs to one provider and to no user. It is no API token: the two are stored apart, so a token of
one kind is unknown wherever the other is accepted.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import Unauthenticated
from daypass.portal.identity.provisioning.model import Provisioner
from daypass.portal.identity.provisioning.store.tokens import (
    ScimTokenStore,
    add_scim_token,
    record_scim_token_use,
    revoke_oldest_scim_tokens,
)
from daypass.portal.identity.tokens import digest, is_scim, mint_scim
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.unit_of_work import UnitOfWork

VALID_AT_ONCE = 2
"""The number of tokens of one provider, so that a new one works before the old one is taken away."""

_USE_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ScimTokens:
    """The tokens of all identity providers."""

    database: Database
    committer: Committer
    clock: Clock

    def create(self, provider: str, *, revokes_others: bool = False) -> Secret:
        """Return a new token of a provider for the operator; the secret is not stored.

        At most two are valid. A third one revokes the oldest, and *revokes_others* every other one.
        """
        now, secret, token_id = self.clock(), mint_scim(), uuid4().hex
        kept = 0 if revokes_others else VALID_AT_ONCE - 1
        # The revocation comes first, so that it does not count the new token among the newest.
        changes = [
            revoke_oldest_scim_tokens(provider, kept=kept, at=now),
            add_scim_token(token_id, digest(secret.reveal()), provider, at=now),
        ]
        event = Event(
            action="scim_token.create",
            actor=OPERATOR,
            outcome=Outcome.DONE,
            subject=provider,
            detail={"token_id": token_id, "revokes_others": revokes_others},
        )
        self.committer.commit_unit(UnitOfWork(changes, [event], is_exclusive=True))
        return secret

    def authenticate(self, text: str, *, address: str = "", request_id: str = "") -> Provisioner:
        """Return the provider that a token belongs to; raises `Unauthenticated`."""
        found = None
        # The prefix is checked first, so that other texts cost no query.
        if is_scim(text):
            with self.database.reading() as connection:
                found = ScimTokenStore(connection).find(digest(text))
        if found is None:
            raise Unauthenticated(
                "This is no valid token for SCIM: it is unknown, or was revoked. Create one on the page "
                "Provisioning of the portal, or with `daypass portal scim-token`."
            )
        token_id, provider, last_used_at = found
        now = self.clock()
        # A provider sends thousands of requests in a row, and each would be a write.
        if last_used_at is None or now - last_used_at >= _USE_INTERVAL:
            use = record_scim_token_use(token_id, at=now, stale_before=now - _USE_INTERVAL)
            self.committer.commit_without_event(use)
        return Provisioner(provider, token_id, address, request_id)
