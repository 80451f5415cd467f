"""An account in the sandbox, empty or as the previous version left it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from daypass.portal.accounts.model import BOUNDARY, Account
from daypass.portal.aws import policies
from daypass.portal.aws.fence.rollout.account_state import AccountReader
from daypass.portal.aws.fence.rollout.applying import Applier
from daypass.portal.aws.fence.rollout.operator import Operator
from daypass.portal.aws.fence.rollout.rollouts import FenceRollout
from daypass.portal.aws.policies import Document, to_json
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.sandbox.process import SandboxProcess
from tests.fixtures.sandbox import Keys, client


@dataclass(slots=True)
class Lab:
    """An account, and the portal's user in it."""

    sandbox: SandboxProcess
    iam: Any
    account: Account
    portal_arn: str
    portal_keys: Keys
    tenants: list[Tenant] = field(default_factory=list)

    def rollout(self, iam: Any = None) -> FenceRollout:  # noqa: ANN401  boto3's own
        """Return the rollout in this account, as the root or with another client."""
        operator = Operator("arn:aws:iam::123456789012:user/operator", self.account, iam or self.iam)
        return FenceRollout(
            reader=AccountReader(operator.iam, self.account, operator.guard),
            applier=Applier(operator.iam, operator.guard, lambda _: None),
            tenants=self.tenants,
        )

    def tenant(self, name: str, role: str | None = None) -> Tenant:
        """Return a new tenant of the portal."""
        role_arn = self.account.role_arn(role or f"{self.account.role_prefix}{name}")
        tenant = Tenant.with_role(TenantId(name), name, self.sandbox.region, role_arn, None)
        self.tenants.append(tenant)
        return tenant

    def old_role(self, name: str, role: str | None = None) -> Tenant:
        """Create a tenant's role as version 0.2 did: an inline policy and the one boundary."""
        tenant = self.tenant(name, role)
        role_name = tenant.target.role_arn.rpartition("/")[2]
        if BOUNDARY not in self.policy_names():
            self.policy(BOUNDARY, policies.boundary(self.account))
        trust: policies.Statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self.portal_arn},
            "Action": list(policies.SESSION_ACTIONS),
        }
        self.iam.create_role(
            RoleName=role_name,
            AssumeRolePolicyDocument=to_json(policies.document(trust)),
            PermissionsBoundary=self.account.boundary_arn,
            Tags=[{"Key": policies.TENANT_TAG, "Value": name}],
        )
        document = to_json(policies.tenant_policy(self.account, name))
        self.iam.put_role_policy(RoleName=role_name, PolicyName="tenant", PolicyDocument=document)
        return tenant

    def policy(self, name: str, document: Document) -> str:
        """Create a managed policy and return its ARN."""
        created = self.iam.create_policy(PolicyName=name, PolicyDocument=to_json(document))
        return str(created["Policy"]["Arn"])

    def policy_names(self) -> set[str]:
        """Return the names of the account's own managed policies."""
        return {policy["PolicyName"] for policy in self.iam.list_policies(Scope="Local")["Policies"]}

    def keys(self, tenant: Tenant) -> Keys:
        """Return the keys of a session of the tenant's role."""
        sts = client(self.sandbox, "sts", self.portal_keys)
        answer = sts.assume_role(
            RoleArn=tenant.target.role_arn, RoleSessionName="dana", SourceIdentity="dana"
        )
        return Keys.of(answer["Credentials"])

    def default_documents(self) -> Mapping[str, Document | None]:
        """Return the contents in force of the shared policies."""
        rollout = self.rollout()
        read = rollout.reader.policies(plan.name for plan in rollout.plan().policies)
        return {name: policy.document for name, policy in read.items()}

    def empty(self) -> None:
        """Delete all roles and managed policies."""
        for role in self.iam.list_roles()["Roles"]:
            name = role["RoleName"]
            for policy in self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                self.iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
            for inline in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
                self.iam.delete_role_policy(RoleName=name, PolicyName=inline)
            self.iam.delete_role(RoleName=name)
        for policy in self.iam.list_policies(Scope="Local")["Policies"]:
            self.iam.delete_policy(PolicyArn=policy["Arn"])


@pytest.fixture(scope="session")
def lab_process() -> Iterator[SandboxProcess]:
    """A sandbox of these tests alone: the names of the shared policies are the same in each test."""
    with SandboxProcess() as process:
        yield process


@pytest.fixture(scope="session")
def portal_user(lab_process: SandboxProcess) -> tuple[str, Keys]:
    """The ARN and the keys of the portal's user."""
    iam = client(lab_process, "iam")
    arn = iam.create_user(UserName="portal")["User"]["Arn"]
    allowed = to_json(policies.document(policies.allow(["sts:*"], ["*"])))
    iam.put_user_policy(UserName="portal", PolicyName="sessions", PolicyDocument=allowed)
    key = iam.create_access_key(UserName="portal")["AccessKey"]
    return arn, Keys(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture
def lab(lab_process: SandboxProcess, portal_user: tuple[str, Keys]) -> Iterator[Lab]:
    """An account without roles and managed policies."""
    account = Account.known("aws", lab_process.account_id, "duploservices-", "duplomaster")
    lab = Lab(lab_process, client(lab_process, "iam"), account, *portal_user)
    yield lab
    lab_process.control.reset()
    lab.empty()
