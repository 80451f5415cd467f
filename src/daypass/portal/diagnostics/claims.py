"""The check of a person's claims: the effects that a sign-in with them would have, without a sign-in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from daypass.common.lines import printable_line
from daypass.portal.admin.groups.store import GroupList
from daypass.portal.audit.event import Event
from daypass.portal.audit.rehearsal import Rehearsal
from daypass.portal.clock import Clock
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.errors import PortalError
from daypass.portal.groups.claims import matching_groups, storable_values, values_of_claim
from daypass.portal.groups.model import Group
from daypass.portal.groups.store import GroupStore
from daypass.portal.groups.synchronisation import GroupSynchronisation
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.claims import AccountClaims
from daypass.portal.identity.model import User, UserKind
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import PageRequest

_SHOWN = 20
_NOWHERE = SignInContext("", "")

_RULES: Mapping[str, str] = {
    "scim": "links the account to “{name}”, whom the provider made by SCIM",
    "email": "links the account to “{name}”, by the verified e-mail address",
    "first_sign_in": "creates the user “{name}”",
}
"""The effect of each rule that links an account, for its finding."""


@dataclass(frozen=True, slots=True)
class ClaimsDoctor:
    """Examines verified claims with the services that a sign-in uses, without a session or any change.

    Its findings have the names of claims, and the values of those that a rule compares.
    """

    database: Database
    clock: Clock

    def examine(self, config: ProviderConfig, authentication: Authentication) -> Sequence[Finding]:
        """Return the findings on the claims of a person."""
        claims = authentication.claims
        rehearsal = Rehearsal(self.database, self.clock)
        user, account = self._account(config, authentication, rehearsal)
        return [
            _finding(
                "claims",
                Level.FINE,
                f"The account is “{authentication.subject}” (sub). The provider sent the claims "
                f"{', '.join(sorted(claims))}.",
            ),
            *_missing(config, claims),
            *_email(config, claims),
            account,
            *self._groups(config, claims, user),
            *_reauthentication(authentication),
        ]

    def _account(
        self, config: ProviderConfig, authentication: Authentication, rehearsal: Rehearsal
    ) -> tuple[User | None, Finding]:
        """Return the user of the account, if a sign-in finds one, and the finding about it."""
        # Sealing the ID token would write the key at its first use.
        accounts = ExternalAccounts.of(self.database, rehearsal, self.clock)
        try:
            proven = accounts.prove(replace(config, sends_id_token_hint=False), authentication, _NOWHERE)
        except PortalError as refusal:
            return None, _refused("account", refusal)
        record = proven.record
        name, role = record.user.username, record.user.role.value
        # `BrowserSessions` refuses these, and a check begins no session.
        if record.is_disabled or record.user.kind is not UserKind.PERSON:
            state = "disabled" if record.is_disabled else "no person"
            sentence = f"The account is linked to “{name}”, who is {state}: a sign-in is refused."
            return record.user, _finding("account", Level.ERROR, sentence)
        effect = _effect_of(rehearsal.events).format(name=name)
        return record.user, _finding("account", Level.FINE, f"A sign-in {effect} (role {role}).")

    def _groups(
        self, config: ProviderConfig, claims: Mapping[str, object], user: User | None
    ) -> Iterator[Finding]:
        if config.groups is not GroupSource.CLAIM:
            source = "SCIM" if config.groups is GroupSource.SCIM else "nowhere"
            sentence = f"Groups come from {source}, and no claim of groups is read."
            yield _finding("groups", Level.FINE, sentence)
            return
        try:
            values = values_of_claim(claims, config)
        except PortalError as refusal:
            yield _refused("groups", refusal)
            return
        with self.database.reading() as connection:
            known = GroupStore(connection).with_claims(config.name, storable_values(values))
            matched = matching_groups(values, config, known)
            gives = {
                group: GroupList(connection).memberships(group.id, "", PageRequest(limit=_SHOWN)).records
                for group in matched
            }
        for group, memberships in gives.items():
            tenants = [f"{each.tenant.name} ({each.permission_set.name})" for each in memberships]
            yield _finding("groups", Level.FINE, _group_sentence(group, tenants))
        others = sorted(values - {group.external_id for group in matched})
        if others or not matched:
            yield _unmatched(config, others, is_any_matched=bool(matched))
        if user is not None:
            yield from self._effects(config, claims, user)

    def _effects(self, config: ProviderConfig, claims: Mapping[str, object], user: User) -> Iterator[Finding]:
        """Yield the groups that the user would leave, or the refusal to let them leave."""
        # A rehearsal of its own, so that its events are not taken for effects on the account.
        rehearsal = Rehearsal(self.database, self.clock)
        groups = GroupSynchronisation(self.database, rehearsal, self.clock)
        try:
            effects = groups.changes_of_sign_in(user, config, claims, "")
        except PortalError as refusal:
            yield _refused("groups", refusal)
            return
        left = [event.subject for event in effects.records if event.action == "group_member.remove"]
        if left:
            sentence = f"A sign-in takes “{user.username}” out of {', '.join(map(str, left))}."
            yield _finding("groups", Level.WARNING, sentence)


def refusal_finding(refusal: PortalError, *, has_cause: bool) -> Finding:
    """Return the finding that an answer of a provider was refused, before any claim was looked at.

    *has_cause* adds the cause, which is for the operator only.
    """
    cause = f" [{refusal.cause}]" if has_cause else ""
    return _finding("answer", Level.ERROR, f"A sign-in is refused: {refusal.reason}{cause}")


def _effect_of(events: Sequence[Event]) -> str:
    for event in events:
        if event.action == "external_identity.link":
            return _RULES[str(event.detail["rule"])]
    return "finds “{name}”, to whom the account is linked"


def _missing(config: ProviderConfig, claims: Mapping[str, object]) -> Iterator[Finding]:
    """Yield a finding on the configured claims that a rule reads and the provider did not send."""
    wanted = {config.username_claim: "the username of a new user"} if config.creates_users else {}
    if config.groups is GroupSource.SCIM:
        wanted[config.external_id_claim] = "the externalId of SCIM"
    for name, use in wanted.items():
        if name not in claims:
            sentence = f"The claim “{name}” was not sent; it is {use}."
            yield _finding("claims", Level.WARNING, sentence)


def _email(config: ProviderConfig, claims: Mapping[str, object]) -> Iterator[Finding]:
    """Yield a finding on the e-mail address, if a rule reads it."""
    if not (config.email_domains or config.links_by_email):
        return
    read = AccountClaims.of(config, claims)
    verified = claims.get("email_verified")
    if not read.email:
        sentence = "The claim “email” was not sent, or is no text."
    elif "email_verified" not in claims:
        sentence = "The claim “email_verified” was not sent, so the address counts as not verified."
    elif verified is not True:
        shown = "false" if verified is False else "no Boolean, such as the text “true”"
        sentence = f"The claim “email_verified” is {shown}, so the address counts as not verified."
    elif not read.domain:
        sentence = "The e-mail address has characters beyond ASCII, so it does not count."
    else:
        yield _finding("email", Level.FINE, f"The e-mail address is verified, and of {read.domain}.")
        return
    yield _finding("email", Level.WARNING, sentence)


def _group_sentence(group: Group, tenants: Sequence[str]) -> str:
    gives = ", ".join(tenants) or "no tenant"
    administrators = ", and makes its members Administrators" if group.makes_administrators else ""
    return f"“{group.external_id}” is the group {group.name}: it gives {gives}{administrators}."


def _unmatched(config: ProviderConfig, others: Sequence[str], *, is_any_matched: bool) -> Finding:
    shown = ", ".join(f"“{value}”" for value in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    if not others:
        sentence = f"The claim “{config.groups_claim}” is an empty list: the person has no groups."
    else:
        sentence = f"No group here has these values of the claim “{config.groups_claim}”: {shown}{more}."
    return _finding("groups", Level.FINE if is_any_matched else Level.WARNING, sentence)


def _reauthentication(authentication: Authentication) -> Iterator[Finding]:
    if authentication.authenticated_at is None:
        sentence = (
            "The claim “auth_time” was not sent. If it is missing after a reauthentication too, people "
            "confirm changes with a passkey only."
        )
        yield _finding("auth_time", Level.WARNING, sentence)


def _refused(code: str, refusal: PortalError) -> Finding:
    return _finding(code, Level.ERROR, f"A sign-in is refused: {refusal.reason}")


def _finding(code: str, level: Level, sentence: str) -> Finding:
    # The command prints it in a terminal, and a claim can have control characters.
    return Finding(f"claims_{code}", level, "your claims", printable_line(sentence))
