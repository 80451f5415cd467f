"""The fence of each AWS account as it is, for the channels, which must not reach AWS themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from daypass.portal.accounts.model import FENCE_POLICY_PREFIX, LEVEL_POLICY_PREFIX, Generation
from daypass.portal.accounts.rollout import RolloutPlan, TenantFence
from daypass.portal.diagnostics.finding import Finding
from daypass.portal.tenants.model import Tenant


class RecordedStatus(StrEnum):
    """The result of the last verification for a policy."""

    CURRENT = "current"
    """The contents of this release."""
    EARLIER = "earlier"
    """The contents of another release, which was current then."""
    ABSENT = "absent"
    """Missing or with other contents, or the account was never verified."""


def purpose_of(policy_name: str) -> str:
    """Return the part of the fence that a managed policy is, in words."""
    if policy_name.startswith(LEVEL_POLICY_PREFIX):
        return "Permission set"
    return "Shared policy" if policy_name.startswith(FENCE_POLICY_PREFIX) else "Boundary"


@dataclass(frozen=True, slots=True)
class RecordedPolicy:
    """A managed policy of this release, and what the last verification found of it."""

    name: str
    status: RecordedStatus


@dataclass(frozen=True, slots=True)
class RecordedFence:
    """The result of the last `daypass portal fence verify` in one account."""

    account: str
    """The account's name in the portal."""
    account_id: str | None
    """None while AWS has not told it; then `obstacle` has the reason and `policies` is empty."""
    obstacle: str = ""
    verified_at: datetime | None = None
    """The time of the last verification that found a complete policy; None if there was none."""
    policies: Sequence[RecordedPolicy] = ()

    @property
    def is_ready(self) -> bool:
        """Whether all policies were found with the contents of this release."""
        return bool(self.policies) and all(one.status is RecordedStatus.CURRENT for one in self.policies)


@dataclass(frozen=True, slots=True)
class FenceComparison:
    """The shared policies of an account as they are now, compared with this release."""

    plan: RolloutPlan | None
    """Without changes of roles, and without calls that only make room for a version; None if unreadable."""
    findings: Sequence[Finding] = ()
    """The reasons for which the policies could not be read, each with the permissions that are missing."""


@dataclass(frozen=True, slots=True)
class RoleFence:
    """The fence of one tenant's role as it is now."""

    tenant: Tenant
    fence: TenantFence | None
    """None if the role could not be read."""
    obstacle: str = ""
    """The reason for which it could not be read."""


class FenceReader(Protocol):
    """Reads the fence of the accounts without changing anything. *account* is an account's name."""

    def recorded(self) -> Sequence[RecordedFence]:
        """Return the last verification of each account, the default first, without calling AWS."""

    def compare(self, account: str) -> FenceComparison:
        """Compare an account's shared policies with this release; does not raise if AWS is unavailable."""

    def tenants_of(self, account: str) -> Sequence[Tenant]:
        """Return the tenants whose roles are reached through an account, by name, without calling AWS."""

    def roles(self, account: str, tenants: Sequence[Tenant]) -> Sequence[RoleFence]:
        """Read the roles of *tenants*; does not raise if AWS is unavailable."""

    def generation(self, tenant: Tenant) -> Generation | None:
        """Return the generation of a tenant's role, or None if it has no fence; raises an `AwsError`.

        An answer is up to a minute old.
        """
