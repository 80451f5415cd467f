"""The administrative actions that need reauthentication: the table, and the rules that enforce it.

Reauthentication is needed for elevation (a role, membership, permission or duration goes up), for takeover
(credentials for another user), for tenants and their roles, and against Administrators. Taking authority
away from a User needs none: incident response must not wait. docs/guides/administrative-actions.md has the
table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from daypass.portal.admin.model import UserRecord
from daypass.portal.groups.model import Group, GroupMembership
from daypass.portal.identity.model import ApiToken, User
from daypass.portal.identity.reauthentication import require_recent_authentication
from daypass.portal.permission_sets.model import PermissionSet
from daypass.portal.settings.codecs import T
from daypass.portal.settings.setting import Setting
from daypass.portal.tenants.model import Tenant
from daypass.portal.workloads.model import WorkloadRule


class Proof(IntEnum):
    """The proof that an action needs beside an Administrator's token, from the weakest to the strongest."""

    NONE = 0
    RECENT = 1
    """A sign-in of the last five minutes, or a token that is exempt from reauthentication."""
    SIGN_IN = 2
    """A sign-in of the last five minutes."""

    def check(self, token: ApiToken, now: datetime) -> None:
        """Return if *token* is such a proof; raise `ReauthenticationRequired` otherwise."""
        if self is not Proof.NONE:
            require_recent_authentication(token, now, takes_exempt=self is Proof.RECENT)


@dataclass(frozen=True, slots=True)
class Action:
    """An administrative action, named as in the audit log."""

    name: str
    needs: str
    """The condition for reauthentication, as the documentation shows it."""
    reason: str


_NEVER, _ALWAYS = "never", "always"

ACTIONS: Mapping[str, Action] = {
    action.name: action
    for action in (
        Action(
            "user.create",
            "if the role is Administrator, or a password is set",
            "An Administrator, or an account whose password the creator knows, outlasts the session that "
            "made it. A User without a password has no authority yet.",
        ),
        Action(
            "user.update",
            "if the user becomes, is or was an Administrator, or is enabled",
            "Promoting and enabling give authority; demoting or disabling an Administrator could lock out "
            "the people who would stop an attack. Disabling a User only takes authority away.",
        ),
        Action("user.set_password", _ALWAYS, "The person who sets a password can sign in as that user."),
        Action(
            "external_identity.link",
            _ALWAYS,
            "The person with that account at the identity provider can sign in as the user.",
        ),
        Action(
            "external_identity.unlink",
            "if the user is an Administrator, or it is one's own",
            "Unlinking an Administrator could lock out the people who would stop an attack, and a session "
            "that was left open must not change how its user signs in. Otherwise it only takes authority "
            "away.",
        ),
        Action(
            "user.recovery_link",
            "always; an exempt token is not enough",
            "With the link, a password is enough to register a passkey. An exempt token that could make both "
            "could take over every account.",
        ),
        Action(
            "user.delete",
            "if the user is an Administrator",
            "Deleting an Administrator could lock out the people who would stop an attack. Deleting a User "
            "only takes authority away, which must not wait in an incident; the user can be added again.",
        ),
        Action("user.import", "if any line of the table does", "An import is many of the other actions."),
        Action("user.import.check", _NEVER, "Checking a table changes no user."),
        Action(
            "membership.put",
            "if access is added, or replaced by a permission set of an equal or higher rank",
            "A new member can get AWS credentials for the tenant. Lowering access only takes some away.",
        ),
        Action(
            "membership.remove",
            _NEVER,
            "It only takes one user's authority away, which must not wait in an incident, and adding the "
            "member again undoes it.",
        ),
        Action(
            "permission_set.put",
            "unless only the description changes",
            "It decides what every member with this set can do, and by its rank what giving it needs.",
        ),
        Action(
            "permission_set.remove",
            _NEVER,
            "No membership has the set then, so no user loses or gets access.",
        ),
        Action(
            "workload_rule.put",
            "unless it only disables the rule",
            "It decides which jobs of others get AWS credentials without a stored secret.",
        ),
        Action(
            "workload_rule.remove",
            _NEVER,
            "It only takes access away from jobs, which must not wait in an incident.",
        ),
        Action(
            "scim_token.create",
            "always; an exempt token is not enough",
            "With the token, users and the members of a provider's groups are made and ended. It has no end, "
            "so an exempt token that could make one would outlast its own.",
        ),
        Action(
            "scim_token.revoke",
            _NEVER,
            "It only takes authority away from the provider. A disclosed token must be revoked at once.",
        ),
        Action(
            "group.create",
            "if the group makes Administrators",
            "Users with the claim's value become Administrators. Another new group gives nothing yet.",
        ),
        Action(
            "group.update",
            "if it begins or stops to make Administrators",
            "Its members become Administrators, or cease to be those who would stop an attack.",
        ),
        Action(
            "group.delete",
            "if the group makes Administrators",
            "It could lock out the people who would stop an attack. Otherwise it only takes authority away.",
        ),
        Action(
            "group_member.add", _ALWAYS, "The user gets every membership that the group gives, now or later."
        ),
        Action(
            "group_member.remove",
            _NEVER,
            "It only takes one user's authority away, which must not wait in an incident.",
        ),
        Action(
            "group_membership.put",
            "if access is added, replaced by a permission set of an equal or higher rank, or lasts longer",
            "Every member can get AWS credentials for the tenant.",
        ),
        Action(
            "group_membership.remove",
            _NEVER,
            "It only takes authority away, which must not wait in an incident.",
        ),
        Action("tenant.create", _ALWAYS, "It binds an IAM role, for which credentials are issued."),
        Action(
            "tenant.update",
            "if the role ARN or the ExternalId changes",
            "They decide which IAM role the members' credentials are for, and who may assume it.",
        ),
        Action(
            "tenant.delete",
            _ALWAYS,
            "It cannot be undone: memberships, settings and metadata of everybody in the tenant are gone, "
            "and its IAM role loses its rights. In an incident, removing members needs none.",
        ),
        Action(
            "setting.put",
            "if a permission is turned on, a restriction is turned off, or a duration goes up",
            "It gives every affected user more authority, or authority for longer.",
        ),
        Action(
            "setting.remove",
            "if the default permits more, or lasts longer",
            "The default applies again, with the same effect as writing it.",
        ),
        Action("metadata.put", _NEVER, "Metadata decides nothing."),
        Action("metadata.remove", _NEVER, "Metadata decides nothing."),
        Action(
            "token.create",
            "always; for an Administrator, an exempt token is not enough",
            "A token is authority for up to a year. An exempt token that could make another exempt one "
            "would never expire.",
        ),
        Action(
            "token.revoke",
            "if it is another Administrator's",
            "It could lock out the people who would stop an attack. A User's token and one's own only take "
            "authority away.",
        ),
        Action("role.retry", _NEVER, "It repeats in AWS what the settings say already."),
        Action("audit.verify", _NEVER, "It only reads."),
        Action("infrastructure.change", _NEVER, "Daypass refuses it always."),
        Action(
            "oauth.approve",
            "if admin access is asked for",
            "A command line with admin access acts as the Administrator for twelve hours.",
        ),
        Action(
            "local_access.approve",
            "if admin access is asked for",
            "The application gets credentials of the master role for up to an hour.",
        ),
        Action(
            "passkey.add",
            "always; an exempt token is not enough",
            "A passkey signs its user in, and confirms every other action of this table, until it is "
            "removed.",
        ),
        Action(
            "passkey.remove",
            "always; an exempt token is not enough",
            "Without it, the password alone could sign its user in.",
        ),
    )
}
"""Every administrative action. `ChangeExecutor` refuses an action that is not listed."""


def to_create_user(user: User, *, has_password: bool) -> Proof:
    """Return the proof that adding *user* needs."""
    return _recent(user.is_administrator or has_password)


def to_update_user(old: UserRecord, new: UserRecord) -> Proof:
    """Return the proof that changing, disabling or enabling a user needs."""
    concerns_administrator = old.user.is_administrator or new.user.is_administrator
    return _recent(concerns_administrator or (old.is_disabled and not new.is_disabled))


def to_delete_user(user: User) -> Proof:
    """Return the proof that deleting *user* needs."""
    return _recent(user.is_administrator)


def to_set_password() -> Proof:
    """Return the proof that setting a password needs."""
    return Proof.RECENT


def to_link_identity() -> Proof:
    """Return the proof that linking an account at an identity provider needs."""
    return Proof.RECENT


def to_unlink_identity(owner: User) -> Proof:
    """Return the proof that unlinking an account at an identity provider from *owner* needs."""
    return _recent(owner.is_administrator)


def to_make_recovery_link() -> Proof:
    """Return the proof that making a recovery link needs."""
    return Proof.SIGN_IN


def to_create_token(*, is_exempt: bool) -> Proof:
    """Return the proof that creating a permanent token needs."""
    return Proof.SIGN_IN if is_exempt else Proof.RECENT


def to_revoke_token(owner: User, author_id: str) -> Proof:
    """Return the proof that revoking a token of *owner* needs."""
    return _recent(owner.is_administrator and owner.id != author_id)


def to_put_member(old: PermissionSet | None, new: PermissionSet) -> Proof:
    """Return the proof that replacing the set *old* of a member by *new* needs; None is no membership.

    Two sets of one rank cannot be told apart, so replacing one by the other counts as raising access.
    """
    return _recent(old is None or (old != new and old.rank <= new.rank))


def to_put_group(old: Group | None, new: Group | None) -> Proof:
    """Return the proof that replacing the group *old* by *new* needs; None is no group."""
    made = old is not None and old.makes_administrators
    makes = new is not None and new.makes_administrators
    return _recent(made != makes)


def to_add_group_member() -> Proof:
    """Return the proof that adding a member to a group needs."""
    return Proof.RECENT


def to_put_group_membership(
    old: GroupMembership | None, new: PermissionSet, ends_at: datetime | None
) -> Proof:
    """Return the proof that giving a group this set until *ends_at* needs; None is no end."""
    if old is None:
        return Proof.RECENT
    lasts_longer = old.ends_at is not None and (ends_at is None or ends_at > old.ends_at)
    return max(_recent(lasts_longer), to_put_member(old.permission_set, new))


def to_put_permission_set(old: PermissionSet | None, new: PermissionSet) -> Proof:
    """Return the proof that creating a set, or replacing *old* by *new*, needs."""
    return _recent(old is None or _without_description(old) != _without_description(new))


def to_put_workload_rule(old: WorkloadRule | None, new: WorkloadRule) -> Proof:
    """Return the proof that creating a rule, or replacing *old* by *new*, needs."""
    return _recent(old is None or new != replace(old, is_disabled=True))


def to_create_scim_token() -> Proof:
    """Return the proof that creating a token of an identity provider that provisions needs."""
    return Proof.SIGN_IN


def to_create_tenant() -> Proof:
    """Return the proof that adding a tenant needs."""
    return Proof.RECENT


def to_update_tenant(old: Tenant, new: Tenant) -> Proof:
    """Return the proof that changing a tenant needs."""
    before, after = old.target, new.target
    return _recent((before.role_arn, before.external_id) != (after.role_arn, after.external_id))


def to_delete_tenant() -> Proof:
    """Return the proof that deleting a tenant needs."""
    return Proof.RECENT


def to_write_setting(setting: Setting[T], old: T | None, new: T | None) -> Proof:
    """Return the proof that replacing *old* by *new* needs; None is no value."""
    return _recent(setting.elevates(old, new))


def _without_description(permission_set: PermissionSet) -> tuple[object, ...]:
    return (
        permission_set.rank,
        permission_set.policies,
        permission_set.denies,
        permission_set.has_own_role,
    )


def _recent(is_needed: bool) -> Proof:
    return Proof.RECENT if is_needed else Proof.NONE
