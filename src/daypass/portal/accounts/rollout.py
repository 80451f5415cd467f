"""Values of a rollout: the present fence of an account, the wanted one, and the steps; without calls to AWS.

These are the values that channels show; `portal/aws/fence/rollout` makes them.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

Parameter = str | bool | Sequence[str] | Sequence[Mapping[str, str]]
"""The value of a parameter of an IAM operation; a sequence is that of tags or of their keys."""


class PolicyStatus(StrEnum):
    """The result of the comparison of a managed policy with the catalogue."""

    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """A managed policy in the account, compared with the catalogue."""

    name: str
    status: PolicyStatus
    default_version: str | None
    """The version in force, for example v3; None if the policy is missing."""
    versions: Sequence[str]
    """All versions, the oldest first; IAM keeps five."""
    patch: Sequence[str]
    """The difference in lines: `-` for what the account has alone, `+` for what the catalogue has alone."""


@dataclass(frozen=True, slots=True)
class TenantFence:
    """The fence of a tenant's role."""

    tenant: str
    role_arn: str
    generation: int | None
    """The number of the generation whose boundary the role has; None if it has none of them."""
    is_own: bool
    """Whether the role's ARN was entered by an Administrator, so that it may serve other purposes too."""
    differences: Sequence[str] = ()
    """The differences from a role of generation 2, as sentences."""


class SetRoleStatus(StrEnum):
    """The state of the role that a permission set has in a tenant."""

    READY = "ready"
    """The portal issues sessions of it."""
    MISSING = "missing"
    WRONG = "wrong"
    """The portal refuses its sessions."""
    NOT_POSSIBLE = "not possible"
    """The tenant cannot have such a role yet."""
    UNUSED = "unused"
    """No permission set with a role of its own, or no tenant of the account, has this name any more."""


@dataclass(frozen=True, slots=True)
class SetRoleComparison:
    """The role of a permission set in a tenant, compared with what the portal demands of it."""

    permission_set: str
    tenant: str
    role_arn: str
    status: SetRoleStatus
    problems: Sequence[str] = ()
    """The reasons for which the portal does not use the role, as sentences with their remedies."""
    commands: Sequence[str] = ()
    """The commands of the AWS CLI that delete an unused role."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Actions that policies of a role allow today, and that will be denied."""

    tenant: str
    role_arn: str
    policy: str
    """The name of the policy that allows them today."""
    service: str
    """The IAM prefix of the service."""
    actions: Sequence[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One call to IAM."""

    operation: str
    """The name of the operation, as in boto3: `create_policy_version`."""
    parameters: Mapping[str, Parameter]
    sentence: str
    reason: str

    @property
    def command(self) -> str:
        """The call as a command of the AWS CLI, quoted for a POSIX shell."""
        words = ["aws", "iam", self.operation.replace("_", "-")]
        for name, value in self.parameters.items():
            words.append(re.sub("(?!^)([A-Z])", r"-\1", name).lower().join(("--", "")))
            # A boolean parameter is an option without a value.
            if isinstance(value, str):
                words.append(value)
            elif not isinstance(value, bool):
                words += [
                    each if isinstance(each, str) else f"Key={each['Key']},Value={each['Value']}"
                    for each in value
                ]
        return shlex.join(words)


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """The state of an account, and the steps to the state that is wanted."""

    account_id: str
    policies: Sequence[PolicyComparison]
    tenants: Sequence[TenantFence]
    steps: Sequence[Step]
    losses: Sequence[Loss]
    obstacles: Sequence[str]
    """The reasons for which a part of the request is not planned, as sentences."""
    set_roles: Sequence[SetRoleComparison] = ()
    """The roles of permission sets, also those that are not used any more."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return not self.steps and not self.obstacles


class RolloutPlanner(Protocol):
    """Compares an account with the catalogue."""

    def plan(self) -> RolloutPlan:
        """Return the plan for the shared policies, without changes of roles; raises an `AwsError`."""
