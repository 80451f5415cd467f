"""The rules by which accounts at identity providers are linked to users, or get a new one."""

from datetime import datetime

from daypass.common.usernames import canonical_username
from daypass.portal.audit.event import Actor, Event, Outcome
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.errors import AccountRefused, InvalidRequest, PortalError
from daypass.portal.identity.authentication import check_no_secret
from daypass.portal.identity.external.claims import AccountClaims
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.external.store.identities import (
    ExternalIdentityStore,
    LinkCandidate,
)
from daypass.portal.identity.model import User, UserId, UserKind
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.identity.provisioning.model import ProvisionedUser
from daypass.portal.identity.usernames import check_new_username

EMAIL_DOMAIN = "email_domain"
"""The cause of the refusal of an account without an address of an accepted domain."""


def require_domain(config: ProviderConfig, claims: AccountClaims) -> None:
    """Return if an account has an accepted e-mail address; raise `AccountRefused` otherwise."""
    if config.email_domains and claims.domain not in config.email_domains:
        accepted = ", ".join(sorted(config.email_domains))
        raise AccountRefused(
            EMAIL_DOMAIN,
            f"Only accounts with a verified e-mail address of {accepted} may sign in here, and your account "
            f"at {config.title} has none.",
        )


def new_identity(
    config: ProviderConfig,
    authentication: Authentication,
    claims: AccountClaims,
    user_id: UserId,
    now: datetime,
    linked_by: UserId | None = None,
) -> ExternalIdentity:
    """Return the account of an authentication, as that of a user."""
    return ExternalIdentity(
        provider=config.name,
        issuer=authentication.issuer,
        subject=authentication.subject,
        user_id=user_id,
        linked_at=now,
        linked_by=linked_by,
        email=claims.email,
        username=claims.name,
    )


def link_event(identity: ExternalIdentity, user: User, by: Actor, rule: str) -> Event:
    """Return the event of a link; *rule* names the rule that made it."""
    return Event(
        action="external_identity.link",
        actor=by,
        outcome=Outcome.DONE,
        subject=user.username,
        detail={
            "provider": identity.provider,
            "issuer": identity.issuer,
            "external_subject": identity.subject,
            "rule": rule,
        },
    )


def may_be_linked(candidate: LinkCandidate) -> bool:
    """Return whether a verified e-mail address may link an account to this user."""
    record = candidate.record
    return not (
        record.is_disabled
        or record.user.kind is not UserKind.PERSON
        or record.user.is_administrator
        or candidate.has_signed_in
        or candidate.has_identity
        or candidate.is_break_glass
    )


def refusal_to_link(
    config: ProviderConfig, provisioned: ProvisionedUser, *, is_linked: bool
) -> AccountRefused | None:
    """Return why a sign-in may not link an account to a user whom the provider made, or None."""
    if not provisioned.is_active:
        return AccountRefused("disabled", "Your account here is disabled.")
    if is_linked:
        return AccountRefused(
            "already_linked", f"Another account at {config.title} is linked to your user here already."
        )
    # A token for SCIM may write `externalId`; it must not be enough to take over such a user.
    if provisioned.is_assigned_administrator or provisioned.has_password:
        return AccountRefused(
            "has_password",
            "Your user here has the role Administrator or a password. Sign in with it and link the account "
            f"at {config.title} on your profile.",
        )
    return None


def is_free(store: ExternalIdentityStore, identity: ExternalIdentity) -> bool:
    """Return whether the account is linked to no user."""
    return store.find(identity.provider, identity.issuer, identity.subject) is None


def new_username(config: ProviderConfig, claims: AccountClaims) -> str:
    """Return the username of a user whom the first sign-in creates; raises `AccountRefused`."""
    if config.names_users_by_email and claims.name and not claims.verified_email:
        # At many providers users type any address, so the name could be that of another person.
        raise AccountRefused(
            "email_unverified",
            f"{config.title} does not confirm that your e-mail address is yours, so no username can be made "
            "of it. Have it verified there.",
        )
    if not claims.name:
        raise AccountRefused(
            "no_username",
            f"{config.title} sends no usable claim “{config.username_claim}”, from which the username is "
            "made.",
        )
    name = canonical_username(claims.name)
    try:
        check_no_secret(claims.name)
        check_new_username(name)
    except InvalidRequest as refusal:
        raise AccountRefused("invalid_username", refusal.reason) from refusal
    return name


def changed() -> PortalError:
    """Return the refusal of a sign-in during which the account was changed."""
    return AccountRefused("changed", "Your account was changed while you signed in. Sign in again.")
