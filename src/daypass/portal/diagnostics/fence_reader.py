"""The fence of each account, read with the portal's own credentials."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.accounts.store import VerifiedPolicies
from daypass.portal.aws.fence.rollout import planning
from daypass.portal.aws.fence.rollout.account_state import (
    AccountState,
    PolicyState,
    PolicyVersion,
    RoleInAccount,
)
from daypass.portal.aws.fence.shared import digest, shared_policies
from daypass.portal.aws.iam import AwsRoles
from daypass.portal.aws.iam_errors import classified
from daypass.portal.aws.policies import Document
from daypass.portal.aws.tenant_role import TENANT_POLICY
from daypass.portal.diagnostics.account_fence import (
    FenceComparison,
    RecordedFence,
    RecordedPolicy,
    RecordedStatus,
    RoleFence,
)
from daypass.portal.diagnostics.doctor import every_tenant
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.diagnostics.shared_fence import needed_statements
from daypass.portal.errors import AwsError, AwsNotAllowed, AwsThrottled, AwsUnavailable, RoleNotFound
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant

CACHED_FOR: Final = 60.0
"""The age, in seconds, up to which the generation of a role is used again."""

_UNREAD = "Not read, because AWS stopped answering. Load the page again."


@dataclass(frozen=True, slots=True)
class AwsFenceReader:
    """The implementation of `FenceReader`.

    An Administrator waits for each call, so it uses the client that gives up after four seconds.
    """

    database: Database
    accounts: Accounts
    roles_of: PerAccount[AwsRoles]
    monotonic: Callable[[], float] = time.monotonic
    _generations: dict[str, tuple[float, Generation | None]] = field(default_factory=dict)

    def recorded(self) -> Sequence[RecordedFence]:
        """Return the last verification of each account, the default first, without calling AWS."""
        return [self._recorded(account) for account in self.accounts]

    def compare(self, account: str) -> FenceComparison:
        """Compare an account's shared policies with this release; does not raise if AWS is unavailable."""
        roles = self._prompt(self._account(account))
        try:
            wanted = shared_policies(roles.account)
            policies = {name: _policy(roles, name) for name in wanted}
        except AwsNotAllowed as refusal:
            needs = needed_statements(roles.account)
            return FenceComparison(
                None, [Finding("portal_permissions", Level.WARNING, "portal", refusal.reason, needs)]
            )
        except AwsError as refusal:
            return FenceComparison(
                None, [Finding("unreadable_policy", Level.WARNING, "portal", refusal.reason)]
            )
        return FenceComparison(planning.plan(AccountState(roles.account, policies), wanted))

    def tenants_of(self, account: str) -> Sequence[Tenant]:
        """Return the tenants whose roles are reached through an account, by name, without calling AWS."""
        found = self._account(account)
        tenants = every_tenant(self.database)
        here = [tenant for tenant in tenants if self.accounts.for_role(tenant.target.role_arn) == found]
        return sorted(here, key=lambda tenant: tenant.name)

    def roles(self, account: str, tenants: Sequence[Tenant]) -> Sequence[RoleFence]:
        """Read the roles of *tenants*; does not raise if AWS is unavailable."""
        roles = self._prompt(self._account(account))
        read: list[RoleFence] = []
        for tenant in tenants:
            try:
                state = AccountState(roles.account, {})
                fence = planning.tenant_fence(state, _role(roles, tenant))
                read.append(RoleFence(tenant, fence))
            except (AwsThrottled, AwsUnavailable) as refusal:
                # The next calls would fail too, and each takes up to four seconds.
                read.append(RoleFence(tenant, None, refusal.reason))
                read += [RoleFence(rest, None, _UNREAD) for rest in tenants[len(read) :]]
                return read
            except AwsError as refusal:
                read.append(RoleFence(tenant, None, refusal.reason))
        return read

    def generation(self, tenant: Tenant) -> Generation | None:
        """Return the generation of a tenant's role, or None if it has no fence; raises an `AwsError`."""
        role_arn, now = tenant.target.role_arn, self.monotonic()
        # A role that was never read counts as one whose answer has just expired.
        read_at, generation = self._generations.get(role_arn, (now - CACHED_FOR, None))
        if now - read_at < CACHED_FOR:
            return generation
        roles = self._prompt(self.accounts.for_role(role_arn))
        generation = roles.account.generation_of(roles.read(role_arn).boundary_arn)
        self._generations[role_arn] = now, generation
        return generation

    def _account(self, name: str) -> Account:
        return next(account for account in self.accounts if account.name == name)

    def _prompt(self, account: Account) -> AwsRoles:
        roles = self.roles_of.for_account(account)
        return replace(roles, iam=roles.prompt_iam)

    def _recorded(self, account: Account) -> RecordedFence:
        try:
            account_id, wanted = account.id, shared_policies(account)
        except AwsError as refusal:
            return RecordedFence(account.name, None, refusal.reason)
        with self.database.reading() as connection:
            verified = VerifiedPolicies(connection)
            found, verified_at = verified.digests(account_id), verified.verified_at(account_id)
        policies = [RecordedPolicy(name, _status(found, name, wanted[name])) for name in wanted]
        return RecordedFence(account.name, account_id, verified_at=verified_at, policies=policies)


def _status(found: Mapping[str, str], name: str, wanted: Document) -> RecordedStatus:
    if name not in found:
        return RecordedStatus.ABSENT
    return RecordedStatus.CURRENT if found[name] == digest(wanted) else RecordedStatus.EARLIER


def _policy(roles: AwsRoles, name: str) -> PolicyState:
    """Return a managed policy with the version in force only: the portal may not list the others."""
    arn = roles.account.policy_arn(name)
    try:
        with classified(f"read the policy {arn}", "iam:GetPolicy and iam:GetPolicyVersion"):
            policy: Any = roles.iam().get_policy(PolicyArn=arn)["Policy"]
            version_id = policy["DefaultVersionId"]
            answer: Any = roles.iam().get_policy_version(PolicyArn=arn, VersionId=version_id)
    except RoleNotFound:
        return PolicyState(name, arn)
    return PolicyState(
        name,
        arn,
        [PolicyVersion(version_id, dict(answer["PolicyVersion"]["Document"]))],
        version_id,
        {tag["Key"]: tag["Value"] for tag in policy.get("Tags", [])},
    )


def _role(roles: AwsRoles, tenant: Tenant) -> RoleInAccount:
    """Return a tenant's role, with its policies if it has the boundary of generation 2."""
    account, arn = roles.account, tenant.target.role_arn
    is_own = arn != account.role_arn(f"{account.role_prefix}{tenant.name}")
    try:
        state = roles.read(arn)
    except RoleNotFound:
        return RoleInAccount(tenant.name, arn, is_own, exists=False)
    found = RoleInAccount(tenant.name, arn, is_own, boundary_arn=state.boundary_arn, tags=state.tags)
    if found.generation(account) is not Generation.SHARED:
        return found
    inline = roles.policy(arn, TENANT_POLICY)
    return replace(
        found,
        inline={} if inline is None else {TENANT_POLICY: inline},
        attached=dict.fromkeys(roles.attached(arn)),
    )
