"""The identity providers that provision, and their tokens: list, create and revoke."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from daypass.portal.admin import reauthentication
from daypass.portal.admin.provisioning.store import ProvisionedCounts
from daypass.portal.admin.transactions import Author, Change, ChangeExecutor, single_change
from daypass.portal.errors import ScimProviderNotFound, ScimTokenLimit, TokenNotFound
from daypass.portal.identity.provisioning.model import MOST_TOKENS, ScimToken
from daypass.portal.identity.provisioning.store.tokens import (
    ScimTokenStore,
    add_scim_token,
    revoke_scim_token,
)
from daypass.portal.identity.provisioning.tokens import VALID_AT_ONCE
from daypass.portal.identity.tokens import digest, mint_scim
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.search import is_storable

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ScimProviderRecord:
    """An identity provider that provisions, or that has a valid token from the time when it did."""

    name: str
    title: str
    """The name for users."""
    is_configured: bool
    """Whether the configuration lets it provision. If not, its tokens are refused."""
    tokens: Sequence[ScimToken]
    users: int
    """The number of users that it made and did not delete."""
    enabled_users: int
    groups: int

    @property
    def last_used_at(self) -> datetime | None:
        """The last time when it called with one of the tokens, or None."""
        used = [each.last_used_at for each in self.tokens if each.last_used_at is not None]
        return max(used, default=None)

    @property
    def can_create(self) -> bool:
        """Whether a token can be created now."""
        return self.is_configured and sum(each.is_valid for each in self.tokens) < VALID_AT_ONCE


@dataclass(frozen=True, slots=True)
class Provisioning:
    """The actions of Administrators on the tokens of identity providers that provision."""

    executor: ChangeExecutor
    titles: Mapping[str, str]
    """The name for users of each identity provider that is configured to provision."""
    base_url: str = ""
    """The address of SCIM, which an Administrator enters at the provider."""

    def providers(self) -> Sequence[ScimProviderRecord]:
        """Return the configured providers, then the other ones that still have a valid token."""
        with self.executor.database.reading() as connection:
            others = [each for each in ScimTokenStore(connection).providers() if each not in self.titles]
            return [self._record(connection, name) for name in (*self.titles, *others)]

    def create_token(self, provider: str, by: Author) -> tuple[Secret, ScimToken]:
        """Create a token of a provider. The secret is returned only here, and is not stored.

        Raises `ScimProviderNotFound`, `ScimTokenLimit` or `ReauthenticationRequired`.
        """
        # Before the transaction: the configuration is the process's own, and no change of a row can alter it.
        if provider not in self.titles:
            raise ScimProviderNotFound(
                f"No identity provider “{provider[:_SHOWN]}” with groups = “scim” is configured. The "
                "operator configures providers."
            )
        secret, now = mint_scim(), self.executor.clock()
        token = ScimToken(uuid4().hex, provider, now, None, None)
        add = add_scim_token(token.id, digest(secret.reveal()), provider, at=now)

        def plan(connection: Connection) -> Change:
            if ScimTokenStore(connection).count_valid(provider) >= VALID_AT_ONCE:
                raise ScimTokenLimit(
                    f"“{provider}” has {VALID_AT_ONCE} valid tokens, which is the limit. Revoke the one that "
                    "the provider does not use any more, then create the new one."
                )
            proof = reauthentication.to_create_scim_token()
            return Change((add,), after={"token_id": token.id}, proof=proof)

        self.executor.execute(single_change("scim_token.create", provider, by, plan))
        return secret, token

    def revoke_token(self, provider: str, token_id: str, by: Author) -> None:
        """Revoke a token of a provider; idempotent. Raises `TokenNotFound`."""
        now = self.executor.clock()
        with self.executor.database.reading() as connection:
            subject = _find(connection, provider, token_id).provider

        def plan(connection: Connection) -> Change | None:
            token = _find(connection, subject, token_id)
            # Nothing is left to do, so nothing is recorded.
            if not token.is_valid:
                return None
            return Change((revoke_scim_token(token.id, at=now),), before={"token_id": token.id})

        self.executor.execute(single_change("scim_token.revoke", subject, by, plan))

    def _record(self, connection: Connection, name: str) -> ScimProviderRecord:
        counts = ProvisionedCounts(connection)
        made, enabled = counts.users(name)
        return ScimProviderRecord(
            name=name,
            title=self.titles.get(name, name),
            is_configured=name in self.titles,
            tokens=ScimTokenStore(connection).of_provider(name, MOST_TOKENS),
            users=made,
            enabled_users=enabled,
            groups=counts.groups(name),
        )


def _find(connection: Connection, provider: str, token_id: str) -> ScimToken:
    found = ScimTokenStore(connection).get(token_id) if is_storable(token_id) else None
    if found is None or found.provider != provider:
        raise TokenNotFound(
            "This identity provider has no such token. Choose one of those that the portal lists for it."
        )
    return found
