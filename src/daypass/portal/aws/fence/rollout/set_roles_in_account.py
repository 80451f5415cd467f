"""The roles of permission sets in an account, read with the operator's credentials."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daypass.portal.access.broker import SetRole
from daypass.portal.accounts.model import SET_ROLE_PREFIX
from daypass.portal.aws.fence.rollout.account_state import Guard, RoleInAccount
from daypass.portal.aws.set_role.judgement import SetRoleState
from daypass.portal.errors import AwsNotAllowed, RoleNotFound

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient


@dataclass(frozen=True, slots=True)
class SetRoleInAccount:
    """The role of a permission set in a tenant: what it must have, and what it has."""

    permission_set: str
    wanted: SetRole
    tenant_role: RoleInAccount
    state: SetRoleState | None
    """None if there is no role of this name, or if it was not read because it cannot be used."""

    @property
    def name(self) -> str:
        """The name of the role."""
        return self.wanted.role_arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class UnusedRole:
    """A role with the name of a permission set's, for which there is no such set or tenant any more."""

    arn: str
    attached: Sequence[str]
    inline: Sequence[str]


@dataclass(frozen=True, slots=True)
class SetRolesInAccount:
    """All roles of permission sets of an account."""

    used: Sequence[SetRoleInAccount] = ()
    unused: Sequence[UnusedRole] = ()


NO_SET_ROLES = SetRolesInAccount()


@dataclass(frozen=True, slots=True)
class AccountSetRoleReader:
    """Reads roles of permission sets; raises an `AwsError`."""

    iam: "IAMClient"
    guard: Guard

    def read(self, role_arn: str) -> SetRoleState | None:
        """Return the role of that name, or None."""
        name = role_arn.rpartition("/")[2]
        needs = "iam:GetRole, iam:ListAttachedRolePolicies, iam:ListRolePolicies and iam:GetRolePolicy"
        try:
            with self.guard(f"read the role {role_arn}", needs):
                role: Any = self.iam.get_role(RoleName=name)["Role"]
                return SetRoleState(
                    arn=role["Arn"],
                    trust=_policy(role.get("AssumeRolePolicyDocument")),
                    boundary_arn=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
                    tags=[(tag["Key"], tag["Value"]) for tag in role.get("Tags", [])],
                    attached=list(self._attached(name)),
                    inline={each: self._inline(name, each) for each in self._inline_names(name)},
                )
        except RoleNotFound:
            return None

    def unused(self, used: Collection[str]) -> Sequence[UnusedRole] | None:
        """Return the roles with names of permission sets' roles but those *used*; None if it may not list."""
        try:
            with self.guard("list the roles of the account", "iam:ListRoles"):
                found = [arn for arn in self._arns() if arn not in used]
        except AwsNotAllowed:
            return None
        return [unused for arn in found if (unused := self._unused(arn)) is not None]

    def _unused(self, arn: str) -> UnusedRole | None:
        name = arn.rpartition("/")[2]
        try:
            with self.guard(f"read the role {arn}", "iam:ListAttachedRolePolicies and iam:ListRolePolicies"):
                return UnusedRole(arn, list(self._attached(name)), list(self._inline_names(name)))
        except RoleNotFound:
            # It was deleted in the meantime.
            return None

    def _arns(self) -> Iterator[str]:
        for page in self.iam.get_paginator("list_roles").paginate():
            for role in page["Roles"]:
                # IAM ignores the case of letters in names.
                if role["RoleName"].lower().startswith(SET_ROLE_PREFIX):
                    yield role["Arn"]

    def _attached(self, name: str) -> Iterator[str]:
        for page in self.iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
            for policy in page["AttachedPolicies"]:
                yield policy["PolicyArn"]

    def _inline_names(self, name: str) -> Iterator[str]:
        for page in self.iam.get_paginator("list_role_policies").paginate(RoleName=name):
            yield from page["PolicyNames"]

    def _inline(self, name: str, policy: str) -> Mapping[str, Any] | None:
        answer: Any = self.iam.get_role_policy(RoleName=name, PolicyName=policy)
        return _policy(answer["PolicyDocument"])


def _policy(document: object) -> Mapping[str, Any] | None:
    # botocore leaves a document that is not JSON as text.
    return document if isinstance(document, dict) else None
