"""The accounts at identity providers with which a user signs in, as the user links and unlinks them."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.errors import AccountRefused, InvalidRequest, LastSignInMethod, PortalError, SignInAgain
from daypass.portal.identity.external.claims import AccountClaims
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.rules import link_event, new_identity, require_domain
from daypass.portal.identity.external.store.identities import (
    ExternalIdentityStore,
    add_identity,
    remove_identity,
)
from daypass.portal.identity.external.store.provider_sessions import revoke_sessions_of
from daypass.portal.identity.model import ApiToken, User, UserId, UserKind
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.identity.reauthentication import require_recent_authentication
from daypass.portal.identity.store.tokens import TokenStore
from daypass.portal.identity.store.users import UserStore
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.search import is_storable
from daypass.portal.storage.unit_of_work import UnitOfWork

_LAST = (
    "This is the only way in which {name} can sign in. Link another account or set a password first, or "
    "disable the user."
)


@dataclass(frozen=True, slots=True)
class SignInMethods:
    """The ways in which the portal lets people sign in, as the operator configured them."""

    providers: Sequence[ProviderConfig]
    accepts_passwords: bool
    """Whether every person may sign in with a password."""

    def find(self, name: str) -> ProviderConfig:
        """Return the provider of that name; raises `InvalidRequest`."""
        for config in self.providers:
            if config.name == name:
                return config
        raise InvalidRequest("This portal has no such identity provider. Select one of the list.")

    def can_use(self, identity: ExternalIdentity) -> bool:
        """Return whether an account is at a configured provider, and of its issuer."""
        return any(
            (config.name, config.issuer) == (identity.provider, identity.issuer) for config in self.providers
        )


PASSWORDS_ONLY = SignInMethods((), accepts_passwords=True)
"""The methods of a portal without identity providers."""


@dataclass(frozen=True, slots=True)
class ExternalLinks:
    """The service for a user's own accounts at identity providers; `portal.admin` handles those of others."""

    database: Database
    committer: Committer
    clock: Clock
    methods: SignInMethods

    def list_for(self, user: User) -> Sequence[ExternalIdentity]:
        """Return the accounts of *user*, by the time of their link."""
        with self.database.reading() as connection:
            return ExternalIdentityStore(connection).list_for(user.id)

    def has_password(self, user: User) -> bool:
        """Return whether *user* has a password."""
        with self.database.reading() as connection:
            return UserStore(connection).password_hash(user.id) is not None

    def is_break_glass(self, user: User) -> bool:
        """Return whether *user* is the break-glass account, to which no account is linked."""
        with self.database.reading() as connection:
            return ExternalIdentityStore(connection).is_break_glass(user.id)

    def link(
        self,
        config: ProviderConfig,
        authentication: Authentication,
        user: User,
        session: ApiToken,
        request_id: str,
    ) -> ExternalIdentity:
        """Link the account of *authentication* to *user*, who is signed in with *session*.

        Raises `AccountRefused`, which is recorded, or `SignInAgain` if the session has ended.
        """
        claims = AccountClaims.of(config, authentication.claims)
        identity = new_identity(config, authentication, claims, user.id, self.clock(), linked_by=user.id)
        by = user.as_actor(request_id)

        def check(connection: Connection) -> PortalError | None:
            # The user was away at the provider, and the session may have been ended meanwhile, for example by
            # a password change.
            if TokenStore(connection).is_ended(session.id):
                return SignInAgain("Your sign-in has ended. Sign in again.")
            return refuse_link(connection, identity, user, config.title)

        event = link_event(identity, user, by, "user")
        try:
            require_domain(config, claims)
            self.committer.commit_unit(
                UnitOfWork([add_identity(identity)], [event], check, is_exclusive=True)
            )
        except AccountRefused as refusal:
            # A second user with the same account is a sign of a shared or a stolen one.
            self.committer.commit_rate_limited(_refusal_event(identity, user, by, refusal))
            raise
        return identity

    def unlink(
        self, provider: str, issuer: str, subject: str, user: User, session: ApiToken, request_id: str
    ) -> None:
        """Unlink an account from *user*, and end the sessions that began with it.

        Raises `ReauthenticationRequired`, `InvalidRequest` and `LastSignInMethod`.
        """
        now = self.clock()
        require_recent_authentication(session, now)
        with self.database.reading() as connection:
            identity = find_identity(connection, provider, issuer, subject, user.id)

        def check(connection: Connection) -> PortalError | None:
            try:
                find_identity(connection, provider, issuer, subject, user.id)
                require_other_method(connection, identity, user, self.methods)
            except PortalError as refusal:
                return refusal
            return None

        event = Event(
            action="external_identity.unlink",
            actor=Actor(user.id, user.username, request_id),
            outcome=Outcome.DONE,
            subject=user.username,
            detail=facts_of(identity),
        )
        changes = [remove_identity(identity), revoke_sessions_of(provider, issuer, subject, at=now)]
        self.committer.commit_unit(UnitOfWork(changes, [event], check, is_exclusive=True))


def find_identity(
    connection: Connection, provider: str, issuer: str, subject: str, owner: UserId
) -> ExternalIdentity:
    """Return the account with that key if it is linked to *owner*; raises `InvalidRequest`."""
    is_a_key = all(map(is_storable, (provider, issuer, subject)))
    found = ExternalIdentityStore(connection).find(provider, issuer, subject) if is_a_key else None
    if found is None or found.user_id != owner:
        raise InvalidRequest("This account is not linked any more. Reload the page.")
    return found


def refuse_link(
    connection: Connection, identity: ExternalIdentity, user: User, title: str
) -> AccountRefused | None:
    """Return the reason why an account cannot be linked to *user*, or None."""
    store = ExternalIdentityStore(connection)
    linked = store.find(identity.provider, identity.issuer, identity.subject)
    if linked is not None:
        whose = f"to {user.username}" if linked.user_id == user.id else "to another user"
        return AccountRefused("already_linked", f"This account at {title} is linked {whose} already.")
    if user.kind is not UserKind.PERSON:
        return AccountRefused(
            "service_account", f"{user.username} is a service account, which never signs in."
        )
    if store.is_break_glass(user.id):
        return AccountRefused(
            "break_glass",
            f"{user.username} is the break-glass account, which must not depend on an identity provider.",
        )
    return None


def require_other_method(
    connection: Connection, leaving: ExternalIdentity, user: User, methods: SignInMethods
) -> None:
    """Return if *user* can sign in without the account *leaving*; raise `LastSignInMethod` otherwise."""
    others = [
        identity
        for identity in ExternalIdentityStore(connection).list_for(user.id)
        # An account at a provider that is no longer configured cannot sign in.
        if methods.can_use(identity) and _key(identity) != _key(leaving)
    ]
    has_password = methods.accepts_passwords and UserStore(connection).password_hash(user.id) is not None
    if not others and not has_password:
        raise LastSignInMethod(_LAST.format(name=user.username))


def facts_of(identity: ExternalIdentity) -> dict[str, str | int | bool | None]:
    """Return the key of an account, for audit events."""
    return {
        "provider": identity.provider,
        "issuer": identity.issuer,
        "external_subject": identity.subject,
    }


def _refusal_event(identity: ExternalIdentity, user: User, by: Actor, refusal: AccountRefused) -> Event:
    return Event(
        action="external_identity.link",
        actor=by,
        outcome=Outcome.DENIED,
        subject=user.username,
        detail={**facts_of(identity), "code": refusal.code, "reason": refusal.cause_code},
    )


def _key(identity: ExternalIdentity) -> tuple[str, str, str]:
    return identity.provider, identity.issuer, identity.subject
