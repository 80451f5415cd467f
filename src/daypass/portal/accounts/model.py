"""An AWS account that the portal can enter, and a role in an account as the target of sessions."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Self

BOUNDARY = "daypass-boundary"
"""The name of the managed policy that is the permissions boundary of generation 1."""

FENCE_POLICY_PREFIX = "daypass-fence-"
"""The beginning of the names of the managed policies that the roles of generation 2 share."""

LEVEL_POLICY_PREFIX = "daypass-level-"
"""The beginning of the names of the managed policies of permission sets, used as session policies."""

SET_ROLE_PREFIX = "daypass-set-"
"""The beginning of the names of the roles of permission sets. No tenant may pass or change such a role."""

DEFAULT = "default"
"""The name of the account that the portal's environment configures."""

_ARN_PARTS = 6


class Generation(IntEnum):
    """The kind of fence that a tenant's role has; decision 0073.

    Each generation has a boundary of its own, because a change of a boundary changes all roles that have it.
    """

    INLINE = 1
    """The fence is the role's inline policy."""
    SHARED = 2
    """The fence consists of managed policies that all roles of the account share."""

    @property
    def boundary(self) -> str:
        """The name of the managed policy that is the permissions boundary of the generation's roles."""
        return BOUNDARY if self is Generation.INLINE else f"{BOUNDARY}-{self.value}"


@dataclass(frozen=True, slots=True)
class Target:
    """A role whose sessions the portal issues, and how they are made."""

    role_arn: str
    """The role's ARN; "" for the master role of an account whose id is unknown."""
    region: str
    """The region that sessions of the role begin in."""
    external_id: str | None = None
    """The ExternalId that the role's trust policy expects; None if it expects none."""

    @property
    def account_id(self) -> str:
        """The id of the account that has the role; "" if the ARN names none."""
        # The ARN is the only source: an id stored beside it could contradict it.
        return account_id_of(self.role_arn)

    def of_set(self, tenant: str, permission_set: str) -> Self:
        """Return the role of a permission set in the tenant that has this role, both by name.

        It is in the same account, and has the same region and ExternalId.
        """
        name = set_role_name(tenant, permission_set)
        partition = self.role_arn.split(":", _ARN_PARTS - 1)[1]
        return replace(self, role_arn=iam_role_arn(partition, self.account_id, name))


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account that the portal can enter, and the names of its roles.

    The id may be unknown until AWS has told it (decision 0039). Until then `id`, and all ARNs, raise the
    `AwsError` of the latest attempt to learn it.
    """

    name: str
    """The account's name in the portal; no two accounts have the same."""
    partition: str
    """The AWS partition: aws, aws-us-gov, aws-cn or aws-eusc."""
    region: str
    """The region of admin sessions, and of new tenants whose region is not given."""
    role_prefix: str
    """The text that the names of tenants' roles and resources begin with."""
    master_role: str
    # Not compared: two functions that return the same id are different objects.
    find_id: Callable[[], str] = field(repr=False, compare=False)
    """Returns the id of twelve digits without waiting, or raises an `AwsError` while it is unknown."""
    external_id: str | None = None
    """The ExternalId that the master role's trust policy expects; None if it expects none."""

    @classmethod
    def known(
        cls,
        partition: str,
        account_id: str,
        role_prefix: str,
        master_role: str,
        *,
        name: str = DEFAULT,
        region: str = "",
    ) -> Self:
        """Return an account whose id does not have to be learned from AWS."""
        return cls(name, partition, region, role_prefix, master_role, lambda: account_id)

    @property
    def id(self) -> str:
        """The id of twelve digits; raises an `AwsError` while it is unknown."""
        return self.find_id()

    def role_arn(self, name: str) -> str:
        """Return the ARN of the role of that name."""
        return iam_role_arn(self.partition, self.id, name)

    @property
    def master_role_arn(self) -> str:
        """The ARN of the master role."""
        return self.role_arn(self.master_role)

    @property
    def master_target(self) -> Target:
        """The master role as a target."""
        return Target(self.master_role_arn, self.region, self.external_id)

    def policy_arn(self, name: str) -> str:
        """Return the ARN of the customer managed policy of that name."""
        return f"arn:{self.partition}:iam::{self.id}:policy/{name}"

    def boundary_of(self, generation: Generation) -> str:
        """Return the ARN of the permissions boundary of a generation's roles."""
        return self.policy_arn(generation.boundary)

    def generation_of(self, boundary_arn: str | None) -> Generation | None:
        """Return the generation of roles with that boundary, or None if it is no boundary of Daypass."""
        return next((each for each in Generation if self.boundary_of(each) == boundary_arn), None)

    @property
    def boundary_arn(self) -> str:
        """The ARN of the permissions boundary of generation 1."""
        return self.boundary_of(Generation.INLINE)

    @property
    def boundary_arns(self) -> list[str]:
        """The ARNs of the permissions boundaries of all generations, the oldest first."""
        return [self.boundary_of(generation) for generation in Generation]

    @property
    def own_policy_arn_pattern(self) -> str:
        """The ARN pattern of all managed policies that Daypass has in the account."""
        return self.policy_arn("daypass-*")

    @property
    def fence_policy_arn_pattern(self) -> str:
        """The ARN pattern of the policies that the roles of generation 2 share."""
        return self.policy_arn(f"{FENCE_POLICY_PREFIX}*")

    @property
    def level_policy_arn_pattern(self) -> str:
        """The ARN pattern of the policies of permission sets."""
        return self.policy_arn(f"{LEVEL_POLICY_PREFIX}*")

    @property
    def tenant_role_arn_pattern(self) -> str:
        """The ARN pattern of all tenants' roles."""
        return self.role_arn(f"{self.role_prefix}*")

    @property
    def set_role_arn_pattern(self) -> str:
        """The ARN pattern of the roles of permission sets."""
        return self.role_arn(f"{SET_ROLE_PREFIX}*")

    @property
    def issued_role_arn_patterns(self) -> list[str]:
        """The ARN patterns of all roles whose sessions the portal issues."""
        return [self.tenant_role_arn_pattern, self.master_role_arn, self.set_role_arn_pattern]


def iam_role_arn(partition: str, account_id: str, name: str) -> str:
    """Return the ARN of an IAM role without a path."""
    return f"arn:{partition}:iam::{account_id}:role/{name}"


def set_role_name(tenant: str, permission_set: str) -> str:
    """Return the name of the role that a permission set has in a tenant, both by name.

    Neither name has a dot, so no two pairs have the same role, and no tenant's own role has such a name.
    """
    return f"{SET_ROLE_PREFIX}{tenant}.{permission_set}"


def set_roles_obstacle(role_prefix: str) -> str:
    """Return why no permission set can have a role of its own with this prefix of tenants' roles, or "".

    A tenant may pass the roles that begin with the prefix and its name, so no such name may be a set's role.
    """
    if not (role_prefix.startswith(SET_ROLE_PREFIX) or SET_ROLE_PREFIX.startswith(role_prefix)):
        return ""
    return (
        f"The prefix of tenants' roles (DAYPASS_ROLE_PREFIX), {role_prefix!r}, overlaps with that of the "
        f"roles of permission sets, {SET_ROLE_PREFIX!r}, so a tenant could have or pass such a role as its "
        "own. Permission sets cannot have roles of their own with this prefix."
    )


def account_id_of(role_arn: str) -> str:
    """Return the id of the account in the ARN of a role; "" if the text is no ARN."""
    parts = role_arn.split(":", _ARN_PARTS - 1)
    return parts[4] if len(parts) == _ARN_PARTS else ""
