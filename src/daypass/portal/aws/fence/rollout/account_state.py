"""The policies and roles of an account, as they are in AWS."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.policies import TENANT_TAG, Document
from daypass.portal.errors import RoleNotFound
from daypass.portal.tenants.model import Tenant

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

Guard = Callable[[str, str], AbstractContextManager[None]]
"""Takes what is attempted and the IAM actions it needs; translates botocore's errors into `AwsError`."""


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A version of a managed policy."""

    id: str
    document: Document


@dataclass(frozen=True, slots=True)
class PolicyState:
    """A managed policy; one without versions does not exist."""

    name: str
    arn: str
    versions: Sequence[PolicyVersion] = ()
    """The oldest first."""
    default_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether the account has the policy."""
        return bool(self.versions)

    @property
    def document(self) -> Document | None:
        """The contents in force; None if the policy does not exist."""
        return self.version(self.default_id)

    def version(self, version_id: str | None) -> Document | None:
        """Return the contents of a version; None if there is no such version."""
        return next((version.document for version in self.versions if version.id == version_id), None)


@dataclass(frozen=True, slots=True)
class RoleInAccount:
    """A tenant's role."""

    tenant: str
    arn: str
    is_own: bool
    """Whether its ARN is not the one that the portal gives to the tenant's role."""
    exists: bool = True
    boundary_arn: str | None = None
    boundary: Document | None = None
    """The contents of the boundary; None if there is none, or if they were not read."""
    tags: Mapping[str, str] = field(default_factory=dict)
    inline: Mapping[str, Document | None] = field(default_factory=dict)
    """The inline policies by name; None for contents that were not read."""
    attached: Mapping[str, Document | None] = field(default_factory=dict)
    """The attached policies by ARN; None for contents that were not read."""
    trust: Mapping[str, Any] = field(default_factory=dict)
    """The trust policy; empty if it was not read."""

    @property
    def name(self) -> str:
        """The name without the path."""
        return self.arn.rpartition("/")[2]

    @property
    def tenant_tag(self) -> str | None:
        """The tenant that the role's tag names."""
        return self.tags.get(TENANT_TAG)

    def generation(self, account: Account) -> Generation | None:
        """Return the generation whose boundary the role has, or None."""
        return account.generation_of(self.boundary_arn)


@dataclass(frozen=True, slots=True)
class AccountState:
    """The shared policies of an account, and the roles of its tenants."""

    account: Account
    policies: Mapping[str, PolicyState]
    """By name, those of the catalogue only."""
    roles: Sequence[RoleInAccount] = ()


@dataclass(frozen=True, slots=True)
class AccountReader:
    """Reads an account; changes nothing. Raises an `AwsError`."""

    iam: "IAMClient"
    account: Account
    guard: Guard

    def policies(self, names: Iterable[str]) -> Mapping[str, PolicyState]:
        """Return the managed policies of these names, with all their versions."""
        return {name: self._policy(name) for name in names}

    def is_own(self, tenant: Tenant) -> bool:
        """Return whether a tenant's role has another ARN than the portal gives it."""
        return tenant.target.role_arn != self.account.role_arn(f"{self.account.role_prefix}{tenant.name}")

    def role(self, tenant: Tenant, *, contents: bool = False) -> RoleInAccount:
        """Return a tenant's role; with *contents*, also what its own policies allow."""
        arn, is_own = tenant.target.role_arn, self.is_own(tenant)
        name = arn.rpartition("/")[2]
        try:
            with self.guard(f"read the role {arn}", "iam:GetRole"):
                role: Any = self.iam.get_role(RoleName=name)["Role"]
        except RoleNotFound:
            return RoleInAccount(tenant.name, arn, is_own, exists=False)
        boundary_arn = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return RoleInAccount(
            tenant=tenant.name,
            arn=arn,
            is_own=is_own,
            # IAM finds a role by its name alone, also one with another path than the tenant's.
            exists=role["Arn"] == arn,
            boundary_arn=boundary_arn,
            boundary=self._boundary(boundary_arn) if contents and boundary_arn else None,
            tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
            inline=dict(self._inline(name, contents=contents)),
            attached=dict(self._attached(name, contents=contents)),
            trust=dict(role.get("AssumeRolePolicyDocument", {})),
        )

    def _boundary(self, arn: str) -> Document:
        with self.guard(f"read the policy {arn}", "iam:GetPolicy and iam:GetPolicyVersion"):
            return self._default(arn)

    def _policy(self, name: str) -> PolicyState:
        arn = self.account.policy_arn(name)
        needs = "iam:GetPolicy, iam:ListPolicyVersions and iam:GetPolicyVersion"
        try:
            with self.guard(f"read the policy {arn}", needs):
                policy: Any = self.iam.get_policy(PolicyArn=arn)["Policy"]
                pages = self.iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn)
                ids = [version["VersionId"] for page in pages for version in page["Versions"]]
                ids.sort(key=lambda version_id: int(version_id.removeprefix("v")))
                versions = [PolicyVersion(version_id, self._version(arn, version_id)) for version_id in ids]
        except RoleNotFound:
            return PolicyState(name, arn)
        tags = {tag["Key"]: tag["Value"] for tag in policy.get("Tags", [])}
        return PolicyState(name, arn, versions, policy["DefaultVersionId"], tags)

    def _version(self, arn: str, version_id: str) -> Document:
        answer: Any = self.iam.get_policy_version(PolicyArn=arn, VersionId=version_id)
        return dict(answer["PolicyVersion"]["Document"])

    def _inline(self, role: str, *, contents: bool) -> Iterator[tuple[str, Document | None]]:
        with self.guard(
            f"read the policies of the role {role}", "iam:ListRolePolicies and iam:GetRolePolicy"
        ):
            for page in self.iam.get_paginator("list_role_policies").paginate(RoleName=role):
                for name in page["PolicyNames"]:
                    yield name, self._inline_policy(role, name) if contents else None

    def _inline_policy(self, role: str, name: str) -> Document:
        answer: Any = self.iam.get_role_policy(RoleName=role, PolicyName=name)
        return dict(answer["PolicyDocument"])

    def _attached(self, role: str, *, contents: bool) -> Iterator[tuple[str, Document | None]]:
        shared = {self.account.policy_arn(name) for name in FENCE_POLICY_NAMES}
        needs = "iam:ListAttachedRolePolicies, iam:GetPolicy and iam:GetPolicyVersion"
        with self.guard(f"read the policies of the role {role}", needs):
            for page in self.iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
                for policy in page["AttachedPolicies"]:
                    arn = policy["PolicyArn"]
                    yield arn, self._default(arn) if contents and arn not in shared else None

    def _default(self, arn: str) -> Document:
        return self._version(arn, self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"])
