"""The users of accounts at identity providers: found, linked or created at a sign-in, by fixed rules.

An account is (provider, issuer, subject), and a user is found by nothing else. An account without a user gets
one by the first of these rules that applies:

- The `externalId` of a user whom the provider made by SCIM, if it is the value of the configured claim.
- An e-mail address, if the operator switched this on for the provider and the address's domain: it is
  verified, it is the username of a person who never signed in, has no account at any provider and is no
  Administrator.
- A new user, if the operator switched this on for the provider. A name that is taken is never adopted.

Otherwise the sign-in is refused: the person links the account on their profile, or an Administrator does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import PORTAL, Actor, Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.errors import AccountRefused, PortalError
from daypass.portal.identity.external.claims import AccountClaims, session_end
from daypass.portal.identity.external.model import ExternalIdentity, ProviderSession
from daypass.portal.identity.external.rules import (
    changed,
    is_free,
    link_event,
    may_be_linked,
    new_identity,
    new_username,
    refusal_to_link,
    require_domain,
)
from daypass.portal.identity.external.store.identities import (
    ExternalIdentityStore,
    LinkCandidate,
    add_identity,
    record_identity_use,
)
from daypass.portal.identity.external.store.provider_sessions import ProviderSessionStore
from daypass.portal.identity.model import UNKNOWN_USER, Role, TokenId, User, UserId, UserKind
from daypass.portal.identity.providers.base import ProvenIdentity, SignInContext
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.identity.provisioning.model import ProvisionedUser
from daypass.portal.identity.provisioning.store.users import ProvisionedUserStore
from daypass.portal.identity.sealing import SealingKey
from daypass.portal.identity.store.users import SignInRecord, UserStore, add_user
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import UnitOfWork

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of an authentication whose time the provider does not tell: it never counts as recent."""

_SEALING = "id tokens"


SignInEffects = Callable[[User, ProviderConfig, Mapping[str, object], str], UnitOfWork[Event]]
"""Returns what a sign-in with verified claims changes beside the session, such as the user's groups.

The last argument is the id of the request. A refusal that it raises refuses the sign-in.
"""


def no_effects(
    _user: User, _config: ProviderConfig, _claims: Mapping[str, object], _request_id: str
) -> UnitOfWork[Event]:
    """Change nothing."""
    return UnitOfWork(())


@dataclass(frozen=True, slots=True)
class ExternalAccounts:
    """The service that proves the identity of users by their accounts at identity providers."""

    database: Database
    committer: Committer
    clock: Clock
    key: SealingKey
    effects_of: SignInEffects = no_effects

    @classmethod
    def of(
        cls,
        database: Database,
        committer: Committer,
        clock: Clock,
        effects_of: SignInEffects = no_effects,
    ) -> "ExternalAccounts":
        """Return the service, with the encryption key of stored ID tokens."""
        return cls(database, committer, clock, SealingKey(database, clock, _SEALING), effects_of)

    def prove(
        self, config: ProviderConfig, authentication: Authentication, context: SignInContext
    ) -> ProvenIdentity:
        """Return the user of an account, who may be linked or created for it; raises `AccountRefused`.

        Every refusal is recorded, and so is every link and every new user.
        """
        claims = AccountClaims.of(config, authentication.claims)

        def effects_of(user: User) -> UnitOfWork[Event]:
            return self.effects_of(user, config, authentication.claims, context.request_id)

        try:
            # Before the account is looked up: the rule holds at each sign-in, so it also ends the access of
            # linked accounts.
            require_domain(config, claims)
            record = self._owner(config, authentication)
            if record is None:
                record = self._new_owner(config, authentication, claims, context, effects_of)
        except AccountRefused as refusal:
            self._record_refusal(config, authentication, refusal, context)
            raise
        return self._proven(config, authentication, claims, record, effects_of(record.user))

    def prove_again(
        self, config: ProviderConfig, authentication: Authentication, context: SignInContext
    ) -> ProvenIdentity:
        """Return the user of an account that is linked already; raises `AccountRefused`.

        The claims take effect as those of a sign-in do: a user who left a group of Administrators at the
        provider confirms nothing as one, and neither does a user without an accepted e-mail address.
        """
        claims = AccountClaims.of(config, authentication.claims)
        try:
            require_domain(config, claims)
            record = self._linked_owner(config, authentication)
        except AccountRefused as refusal:
            self._record_refusal(config, authentication, refusal, context)
            raise
        effects = self.effects_of(record.user, config, authentication.claims, context.request_id)
        return self._proven(config, authentication, claims, record, effects)

    def id_token(self, token_id: TokenId) -> Secret | None:
        """Return the ID token that a browser session began with, if it is kept."""
        with self.database.reading() as connection:
            session = ProviderSessionStore(connection).find(token_id)
        kept = None if session is None else session.id_token
        return None if kept is None else self.key.unseal(kept)

    def _owner(self, config: ProviderConfig, authentication: Authentication) -> SignInRecord | None:
        with self.database.reading() as connection:
            return ExternalIdentityStore(connection).find_owner(
                config.name, authentication.issuer, authentication.subject
            )

    def _linked_owner(self, config: ProviderConfig, authentication: Authentication) -> SignInRecord:
        record = self._owner(config, authentication)
        if record is None:
            raise AccountRefused(
                "unknown_account", f"Your account at {config.title} is not the one with which you signed in."
            )
        return record

    def _new_owner(
        self,
        config: ProviderConfig,
        authentication: Authentication,
        claims: AccountClaims,
        context: SignInContext,
        effects_of: Callable[[User], UnitOfWork[Event]],
    ) -> SignInRecord:
        """Link or create a user for an account without one; raises `AccountRefused`.

        Nothing is written if *effects_of* refuses the user.
        """
        # In the order of the module's text: the provider's own identifier of a user is stronger than an
        # address.
        provisioned = self._find_provisioned(config, authentication)
        if provisioned is not None:
            effects_of(provisioned.user)
            return self._link_provisioned(config, authentication, claims, provisioned, context)
        candidate = self._find_by_email(config, claims)
        if candidate is not None:
            effects_of(candidate.record.user)
            return self._link(config, authentication, claims, candidate.record, context)
        if config.creates_users:
            user = User(UserId(uuid4().hex), new_username(config, claims), Role.USER, UserKind.PERSON)
            # Only the refusal counts here, because the user is created in a unit of its own.
            effects_of(user)
            return self._create(config, authentication, claims, user, context)
        raise AccountRefused("unknown_account", f"Your account at {config.title} has no access here yet.")

    def _find_by_email(self, config: ProviderConfig, claims: AccountClaims) -> LinkCandidate | None:
        if not config.links_by_email or claims.domain not in config.email_domains:
            return None
        with self.database.reading() as connection:
            candidate = ExternalIdentityStore(connection).find_candidate(claims.verified_email)
        return candidate if candidate is not None and may_be_linked(candidate) else None

    def _find_provisioned(
        self, config: ProviderConfig, authentication: Authentication
    ) -> ProvisionedUser | None:
        """Return the user whom the provider made by SCIM for this account, enabled or not."""
        if config.groups is not GroupSource.SCIM:
            return None
        # The provider made the account and the user, so neither an address nor a name is compared.
        external_id = authentication.claims.get(config.external_id_claim)
        if config.external_id_claim == "sub":
            external_id = authentication.subject
        if not isinstance(external_id, str) or not external_id or not is_storable(external_id):
            return None
        with self.database.reading() as connection:
            return ProvisionedUserStore(connection, config.name).with_external_id(external_id)

    def _link_provisioned(
        self,
        config: ProviderConfig,
        authentication: Authentication,
        claims: AccountClaims,
        provisioned: ProvisionedUser,
        context: SignInContext,
    ) -> SignInRecord:
        user = provisioned.user
        identity = new_identity(config, authentication, claims, user.id, self.clock())

        def check(connection: Connection) -> PortalError | None:
            # The provider may deactivate or rename the user between the read and this transaction.
            if ProvisionedUserStore(connection, config.name).find(user.id) != provisioned:
                return changed()
            store = ExternalIdentityStore(connection)
            is_linked = any(
                (each.provider, each.issuer) == (identity.provider, identity.issuer)
                for each in store.list_for(user.id)
            )
            return refusal_to_link(config, provisioned, is_linked=is_linked)

        event = link_event(identity, user, replace(PORTAL, request_id=context.request_id), "scim")
        self.committer.commit_unit(UnitOfWork([add_identity(identity)], [event], check, is_exclusive=True))
        return SignInRecord(user, None, is_disabled=False)

    def _link(
        self,
        config: ProviderConfig,
        authentication: Authentication,
        claims: AccountClaims,
        record: SignInRecord,
        context: SignInContext,
    ) -> SignInRecord:
        identity = new_identity(config, authentication, claims, record.user.id, self.clock())

        def check(connection: Connection) -> PortalError | None:
            store = ExternalIdentityStore(connection)
            candidate = store.find_candidate(record.user.username)
            is_unchanged = candidate is not None and candidate.record == record and may_be_linked(candidate)
            return None if is_unchanged and is_free(store, identity) else changed()

        event = link_event(identity, record.user, replace(PORTAL, request_id=context.request_id), "email")
        self.committer.commit_unit(UnitOfWork([add_identity(identity)], [event], check, is_exclusive=True))
        return record

    def _create(
        self,
        config: ProviderConfig,
        authentication: Authentication,
        claims: AccountClaims,
        user: User,
        context: SignInContext,
    ) -> SignInRecord:
        now, name = self.clock(), user.username
        identity = new_identity(config, authentication, claims, user.id, now)

        def check(connection: Connection) -> PortalError | None:
            # A name proves nothing: another person can have the same one at the provider.
            if UserStore(connection).is_taken(name):
                return AccountRefused(
                    "username_taken",
                    f"A user “{name}” exists already, and your account at {config.title} is not linked to "
                    "it. If that user is you, sign in the other way and link the account on your profile.",
                )
            return None if is_free(ExternalIdentityStore(connection), identity) else changed()

        by = replace(PORTAL, request_id=context.request_id)
        created = Event(
            action="user.create",
            actor=by,
            outcome=Outcome.DONE,
            subject=name,
            detail={"new.role": user.role.value, "provider": config.name},
        )
        events = [created, link_event(identity, user, by, "first_sign_in")]
        changes = [add_user(user, None, at=now), add_identity(identity)]
        self.committer.commit_unit(UnitOfWork(changes, events, check, is_exclusive=True))
        return SignInRecord(user, None, is_disabled=False)

    def _proven(
        self,
        config: ProviderConfig,
        authentication: Authentication,
        claims: AccountClaims,
        record: SignInRecord,
        effects: UnitOfWork[Event],
    ) -> ProvenIdentity:
        identity = new_identity(config, authentication, claims, record.user.id, self.clock())
        # An ID token is a personal document, so it is kept only for a provider whose logout needs the hint.
        id_token = self.key.seal(authentication.id_token) if config.sends_id_token_hint else None
        return ProvenIdentity(
            record=record,
            provider=config.name,
            # Many providers send neither claim (OpenID Connect Core, section 2: both are optional).
            method=" ".join(authentication.amr) or authentication.acr or "unknown",
            authenticated_at=authentication.authenticated_at or LONG_AGO,
            effects=UnitOfWork(
                [record_identity_use(identity, at=self.clock()), *effects.changes],
                effects.records,
                _still_linked(identity, effects.precondition),
            ),
            session=ProviderSession(
                authentication.issuer,
                authentication.subject,
                authentication.sid,
                id_token,
                session_end(authentication.claims),
                authentication.requested_at,
            ),
        )

    def _record_refusal(
        self,
        config: ProviderConfig,
        authentication: Authentication,
        refusal: AccountRefused,
        context: SignInContext,
    ) -> None:
        event = Event(
            action="sign_in",
            actor=Actor(None, UNKNOWN_USER, context.request_id),
            outcome=Outcome.DENIED,
            detail={
                "address": context.address,
                "provider": config.name,
                "external_subject": authentication.subject,
                "code": refusal.code,
                "reason": refusal.cause_code,
            },
        )
        # Otherwise any account at the provider could fill the audit log.
        self.committer.commit_rate_limited(event)


def _still_linked(
    identity: ExternalIdentity, also: Callable[[Connection], PortalError | None] | None
) -> Callable[[Connection], PortalError | None]:
    """Return a check that the account is still its user's, and what *also* checks."""

    def check(connection: Connection) -> PortalError | None:
        # An unlink ends the sessions that began with the account, so none may begin after it.
        key = identity.provider, identity.issuer, identity.subject
        linked = ExternalIdentityStore(connection).find(*key)
        if linked is None or linked.user_id != identity.user_id:
            return changed()
        return None if also is None else also(connection)

    return check
