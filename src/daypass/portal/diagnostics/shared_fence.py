"""Checks of the policies that roles of generation 2 share, and of the roles that use them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.aws import patches, policies
from daypass.portal.aws.fence.shared import (
    FENCE_POLICY_NAMES,
    REQUIRED_POLICY_NAMES,
    digest,
    shared_policies,
)
from daypass.portal.aws.iam import AwsRoles, role_name
from daypass.portal.aws.tenant_role import TENANT_POLICY
from daypass.portal.diagnostics.finding import EMPTIED, Finding, Level
from daypass.portal.errors import AwsError, AwsNotAllowed
from daypass.portal.tenants.roles import RoleState

_PLAN, _VERIFY = "daypass portal fence plan", "daypass portal fence verify"
# The permissions that an identity of an earlier release lacks.
_NEEDS = frozenset({"ReadRoles", "ReadBoundary", "MakeRoles", "AttachFence"})


@dataclass(frozen=True, slots=True)
class SharedFence:
    """Comparison of an account's shared policies, and of the roles that have them, with this version."""

    roles: AwsRoles

    def of_account(self) -> Iterator[Finding]:
        """Check the shared policies, and whether the portal may use them for new roles."""
        # An account in which they were never verified has roles of generation 1, which need none of them.
        level = Level.WARNING if self._is_verified() else Level.FINE
        try:
            missing, different = self._differences()
        except AwsNotAllowed as refusal:
            yield self._not_permitted(level, refusal)
            return
        except AwsError as refusal:
            yield Finding("unreadable_policy", level, "portal", refusal.reason)
            return
        if len(missing) == len(shared_policies(self.roles.account)):
            sentence = "The account has no shared policies, so roles of new tenants have an inline policy."
            yield Finding("shared_policies", level, "portal", sentence, _PLAN)
        elif missing or different:
            yield Finding(
                "shared_policies",
                Level.WARNING,
                "portal",
                "The shared policies of tenants' roles are not those of this version."
                f"{_listed('Missing', missing)}{_listed('Different', different)}",
                _PLAN,
            )
        elif not self._is_verified():
            sentence = "The shared policies are there. Roles of new tenants use them once they are verified."
            yield Finding("shared_policies", Level.FINE, "portal", sentence, _VERIFY)
        else:
            yield from self._permissions()

    def of_role(self, subject: str, state: RoleState) -> Iterator[Finding]:
        """Check a role that has the boundary of generation 2."""
        name, account = role_name(state.arn), self.roles.account
        try:
            attached = self.roles.attached(state.arn)
            inline = self.roles.policy(state.arn, TENANT_POLICY)
        except AwsNotAllowed as refusal:
            yield Finding("unreadable_policy", Level.WARNING, subject, refusal.reason, self._needs())
            return
        except AwsError as refusal:
            yield Finding("unreadable_policy", Level.WARNING, subject, refusal.reason)
            return
        if inline is not None and policies.is_nothing(inline):
            sentence = "The role has no rights: they were taken when its tenant was deleted."
            patch = patches.delete_role_policy(name, TENANT_POLICY)
            yield Finding(EMPTIED, Level.ERROR, subject, sentence, patch)
        if missing := [each for each in FENCE_POLICY_NAMES if account.policy_arn(each) not in attached]:
            patch = " && ".join(patches.attach_policy(name, account.policy_arn(each)) for each in missing)
            sentence = f"The role lacks attached policies of the fence: {', '.join(missing)}."
            yield Finding("fence", Level.WARNING, subject, sentence, patch)

    def of_inline_role(self, subject: str, tenant: str) -> Iterator[Finding]:
        """Report that a role of generation 1 can be migrated, if its account has the shared policies."""
        if self._is_verified():
            sentence = (
                "The role is of generation 1, whose fence stays valid for its six services. The plan lists "
                "what a migration to generation 2 changes."
            )
            yield Finding("generation", Level.FINE, subject, sentence, f"{_PLAN} --tenant {tenant}")

    def _is_verified(self) -> bool:
        return self.roles.verified_policies() >= set(REQUIRED_POLICY_NAMES)

    def _differences(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the names of the policies that the account lacks, and of those that differ."""
        missing, different = [], []
        for name, expected in shared_policies(self.roles.account).items():
            actual = self.roles.managed_policy(name)
            if actual is None:
                missing.append(name)
            elif digest(actual) != digest(expected):
                different.append(name)
        return missing, different

    def _permissions(self) -> Iterator[Finding]:
        # IAM cannot be asked what the portal may attach without attaching it. Reading the attached policies
        # became necessary in the same release, and is in the same printed policy.
        try:
            self.roles.attached(self.roles.account.master_role_arn)
        except AwsNotAllowed as refusal:
            yield self._not_permitted(Level.WARNING, refusal)
        except AwsError:
            # The findings on the master role say it.
            return
        else:
            sentence = f"Roles of new tenants share the {len(FENCE_POLICY_NAMES)} policies of the fence."
            yield Finding("shared_policies", Level.FINE, "portal", sentence)

    def _not_permitted(self, level: Level, refusal: AwsNotAllowed) -> Finding:
        sentence = (
            f"{refusal.reason} The portal has the permissions of an earlier version, so it cannot attach "
            "the shared policies, and roles of new tenants have an inline policy."
        )
        return Finding("portal_permissions", level, "portal", sentence, self._needs())

    def _needs(self) -> str:
        return needed_statements(self.roles.account)


def needed_statements(account: Account) -> str:
    """Return the statements, as JSON, that an identity of an earlier release lacks."""
    needs = [need for need in policies.portal_needs(account) if need.sid in _NEEDS]
    return policies.to_json(policies.document(*(need.statement for need in needs)))


def is_shared(state: RoleState, roles: AwsRoles) -> bool:
    """Return whether a role has the boundary of generation 2."""
    return state.boundary_arn == roles.account.boundary_of(Generation.SHARED)


def _listed(word: str, names: Sequence[str]) -> str:
    return f" {word}: {', '.join(names)}." if names else ""
