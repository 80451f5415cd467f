"""Role provisioning in IAM: read, create and change roles."""

import threading
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session

from daypass.portal.accounts.model import Account, Generation, account_id_of
from daypass.portal.aws import policies
from daypass.portal.aws.credentials import PortalCredentials
from daypass.portal.aws.errors import invalid_response
from daypass.portal.aws.fence.shared import REQUIRED_POLICY_NAMES
from daypass.portal.aws.iam_errors import classified
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.policies import Document
from daypass.portal.aws.tenant_role import (
    TENANT_POLICY,
    boundary_arn_of,
    is_ours,
    make_tenant_role,
    put_inline_policy,
    restore_rights,
    write_services,
)
from daypass.portal.aws.transport.connection import read_date
from daypass.portal.aws.transport.proxy import boto_proxies, service_urls
from daypass.portal.aws.trust.policy import trust_policy
from daypass.portal.clock import Clock
from daypass.portal.config.model import AwsConfig
from daypass.portal.errors import AwsNotAllowed, AwsRefused, RoleNotFound
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.roles import RoleState

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

MANAGEMENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=10,
)
"""The configuration of calls that no JIT request waits for: botocore retries throttling and server errors."""

# A deletion must be answered within nine seconds; with one retry, an unanswered call takes four.
_PROMPT = Config(
    connect_timeout=1.5,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=10,
)
_SECOND = timedelta(seconds=1)

MASTER_POLICY = "master"


def _unlimited(_tenant_id: TenantId) -> None:
    pass


@dataclass(frozen=True, slots=True)
class AwsRoles:
    """The implementation of `portal.admin.roles.provisioner` with IAM."""

    account: Account
    """The account that has the roles; its id may be unknown yet."""
    iam: Callable[[], "IAMClient"]
    prompt_iam: Callable[[], "IAMClient"]
    """The client for calls that an Administrator waits for; it gives up after four seconds."""
    principal: Callable[[], str]
    """Returns the principal for trust policies: the ARN of the portal's own user or role."""
    aws_clock: Clock
    """Returns the time by AWS's clock."""
    services_of: Callable[[TenantId], Collection[str] | None] = _unlimited
    """Returns the names of the services that a tenant may use; None if it may use all."""
    verified_policies: Callable[[], Set[str]] = frozenset
    """Returns the names of the policies of the fence that were last verified in the account."""

    def read(self, role_arn: str) -> RoleState:
        """Return the current state of a role; raises `RoleNotFound`."""
        with classified(f"read the role {role_arn}", "iam:GetRole"):
            role: Mapping[str, Any] = _role(self.iam(), role_name(role_arn))
        # GetRole takes a name without a path, so it may return a role whose ARN differs in the path.
        if role["Arn"] != role_arn:
            raise RoleNotFound(f"There is no role {role_arn} in the account.")
        trust = role.get("AssumeRolePolicyDocument")
        if not isinstance(trust, Mapping):
            raise AwsRefused(f"AWS's answer about {role_arn} has no trust policy (AssumeRolePolicyDocument).")
        return RoleState(
            arn=role_arn,
            # One hour is AWS's default for a role without this property.
            maximum=timedelta(seconds=role.get("MaxSessionDuration", 3600)),
            trust=trust,
            boundary_arn=boundary_arn_of(role),
            tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        )

    def policy(self, role_arn: str, name: str) -> Document | None:
        """Return an inline policy of a role, or None if the role has no policy of that name."""
        try:
            with classified(f"read the policy {name} of {role_arn}", "iam:GetRolePolicy"):
                response: Any = self.iam().get_role_policy(RoleName=role_name(role_arn), PolicyName=name)
        except RoleNotFound:
            return None
        return dict(response["PolicyDocument"])

    def attached(self, role_arn: str) -> Set[str]:
        """Return the ARNs of the managed policies that are attached to a role; raises `RoleNotFound`."""
        with classified(f"list the policies of {role_arn}", "iam:ListAttachedRolePolicies"):
            # A role has at most twenty, which is less than a page.
            answer: Any = self.iam().list_attached_role_policies(RoleName=role_name(role_arn))
            return {str(policy["PolicyArn"]) for policy in answer["AttachedPolicies"]}

    def boundary_arn(self, role_arn: str) -> str | None:
        """Return the ARN of a role's permissions boundary, or None; gives up after four seconds."""
        with classified(f"read the role {role_arn}", "iam:GetRole"):
            return boundary_arn_of(_role(self.prompt_iam(), role_name(role_arn)))

    def managed_policy(self, name: str) -> Document | None:
        """Return the default version of a managed policy of the account, or None if it does not exist."""
        arn = self.account.policy_arn(name)
        try:
            with classified(f"read the policy {arn}", "iam:GetPolicy and iam:GetPolicyVersion"):
                version = self.iam().get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                response: Any = self.iam().get_policy_version(PolicyArn=arn, VersionId=version)[
                    "PolicyVersion"
                ]
        except RoleNotFound:
            return None
        return dict(response["Document"])

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Set the role's maximum session duration; raises `RoleNotFound` for a role of another account."""
        # IAM takes a name, and the default account is asked about roles of unknown accounts, too.
        if account_id_of(role_arn) != self.account.id:
            raise RoleNotFound(f"There is no role {role_arn} in the account.")
        with classified(f"change the role {role_arn}", "iam:UpdateRole"):
            self.iam().update_role(RoleName=role_name(role_arn), MaxSessionDuration=maximum // _SECOND)

    def set_services(self, role_arn: str, services: Collection[str] | None) -> None:
        """Limit the role to some services of the catalogue, or remove the limit if *services* is None.

        Raises `RoleNotFound` if the account has no role with this ARN.
        """
        # IAM takes a name, and the default account is asked about roles of unknown accounts, too.
        self.read(role_arn)
        needs = "iam:GetRolePolicy, iam:ListRolePolicies, iam:PutRolePolicy and iam:DeleteRolePolicy"
        with classified(f"limit the services of {role_arn}", needs):
            write_services(self.iam(), role_name(role_arn), services)

    def make(self, tenant: Tenant) -> None:
        """Create the tenant's role with trust, boundary, tag and policies; idempotent.

        The role is of generation 2 if all of its policies were verified in the account.
        """
        is_ready = self.verified_policies() >= set(REQUIRED_POLICY_NAMES)
        if is_ready:
            try:
                self._make(tenant, Generation.SHARED)
            except AwsNotAllowed:
                # The portal's identity may have the policy of an earlier release. If it does not, and AWS
                # refused another call, the attempt below finds the role and fails in the same way.
                is_ready = False
        if not is_ready:
            self._make(tenant, Generation.INLINE)

    def _make(self, tenant: Tenant, generation: Generation) -> None:
        account = self.account
        actions = "iam:CreateRole, iam:TagRole, iam:PutRolePolicy, iam:AttachRolePolicy, iam:DeleteRolePolicy"
        needs = f"{actions}; see `daypass portal aws-setup`"
        missing = f"there is no policy {account.boundary_arn} to be its boundary"
        if generation is Generation.SHARED:
            missing = (
                f"the account lacks {account.boundary_of(generation)} or one of the policies "
                f"{account.fence_policy_arn_pattern}; see `daypass portal fence plan`"
            )
        with classified(f"create the role {tenant.target.role_arn}", needs, missing):
            make_tenant_role(
                self.iam(),
                account,
                tenant.name,
                tenant.target.external_id,
                self.principal(),
                generation,
                self.services_of(tenant.id),
            )

    def empty(self, tenant: Tenant) -> bool:
        """Deny everything in the tenant's role if the portal created it; return whether that was done."""
        try:
            with classified(
                f"remove the permissions of the role {tenant.target.role_arn}",
                "iam:GetRole and iam:PutRolePolicy",
            ):
                iam = self.prompt_iam()
                if self._generation(iam, tenant) is None:
                    return False
                put_inline_policy(iam, role_name(tenant.target.role_arn), TENANT_POLICY, policies.nothing())
        except RoleNotFound:
            # Sessions of a deleted role have no permissions either.
            return True
        return True

    def restore(self, tenant: Tenant) -> bool:
        """Undo `empty` in the tenant's role; return whether that was done."""
        needs = "iam:GetRole, iam:GetRolePolicy, iam:PutRolePolicy and iam:DeleteRolePolicy"
        try:
            with classified(f"restore the permissions of the role {tenant.target.role_arn}", needs):
                iam, name = self.prompt_iam(), role_name(tenant.target.role_arn)
                generation = self._generation(iam, tenant)
                if generation is None:
                    return False
                # A role of generation 2 has this policy after a deletion only.
                response: Any = iam.get_role_policy(RoleName=name, PolicyName=TENANT_POLICY)
                if not policies.is_nothing(response["PolicyDocument"]):
                    return False
                # The role may have the limit of a former tenant of that name.
                write_services(iam, name, self.services_of(tenant.id))
                restore_rights(iam, self.account, tenant.name, generation)
        except RoleNotFound:
            return False
        return True

    def _generation(self, iam: "IAMClient", tenant: Tenant) -> Generation | None:
        """Return the generation of the tenant's role, or None if the portal did not create the role."""
        role: Any = iam.get_role(RoleName=role_name(tenant.target.role_arn))["Role"]
        if role["Arn"] != tenant.target.role_arn or not is_ours(role, self.account, tenant.name):
            return None
        return self.account.generation_of(boundary_arn_of(role))


def make_master_role(iam: "IAMClient", account: Account, principal_arn: str) -> None:
    """Create the role of admin sessions; raises botocore's errors."""
    trust = policies.to_json(trust_policy(principal_arn, None, None))
    iam.create_role(RoleName=account.master_role, AssumeRolePolicyDocument=trust)
    put_inline_policy(iam, account.master_role, MASTER_POLICY, policies.master_policy(account, principal_arn))


def _role(iam: "IAMClient", name: str) -> Mapping[str, Any]:
    """Return IAM's description of a role; it has at least an ARN."""
    role: Mapping[str, Any] = iam.get_role(RoleName=name).get("Role", {})
    if "Arn" not in role:
        raise invalid_response()
    return role


def role_name(role_arn: str) -> str:
    """Return the name of a role without its path, as IAM's API takes it."""
    return role_arn.rpartition("/")[2]


@dataclass(slots=True)
class _Lazy:
    """boto3 clients, created at first use so that the portal starts without loading service descriptions."""

    config: AwsConfig
    session: Session
    _clients: dict[tuple[str, Config], Any] = field(default_factory=dict)
    _creating: threading.Lock = field(default_factory=threading.Lock)
    _principal: str = ""

    def iam(self) -> "IAMClient":
        client: IAMClient = self._client("iam", PARTITIONS[self.config.partition].iam_region)
        return client

    def prompt_iam(self) -> "IAMClient":
        client: IAMClient = self._client("iam", PARTITIONS[self.config.partition].iam_region, _PROMPT)
        return client

    def principal(self) -> str:
        if not self._principal:
            with classified("name the portal's identity", "sts:GetCallerIdentity"):
                answer = self._client("sts", self.config.region).get_caller_identity()
                if "Arn" not in answer:
                    raise invalid_response()
                self._principal = self._role_behind(answer["Arn"])
        return self._principal

    def aws_clock(self) -> datetime:
        with classified("tell its time", "sts:GetCallerIdentity"):
            answer = self._client("sts", self.config.region).get_caller_identity()
        read = read_date(answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
        if read is None:
            raise AwsRefused("AWS's answer has no time (header Date), so the clocks cannot be compared.")
        return read

    def _role_behind(self, arn: str) -> str:
        """Return the ARN of a session's role, with the path that the session's ARN lacks; else *arn*."""
        _, _, rest = arn.partition(":assumed-role/")
        if not rest:
            return arn
        with classified(f"read the portal's own role {rest.partition('/')[0]}", "iam:GetRole"):
            return str(_role(self.iam(), rest.partition("/")[0])["Arn"])

    def _client(self, service: str, region: str, config: Config = MANAGEMENT_CONFIG) -> Any:  # noqa: ANN401  boto3's own
        # botocore's clients may be used by several threads, but its sessions may create only one at a time.
        with self._creating:
            if (service, config) not in self._clients:
                self._clients[service, config] = self._create(service, region, config)
            return self._clients[service, config]

    def _create(self, service: str, region: str, config: Config) -> Any:  # noqa: ANN401  boto3's own
        # Importing boto3 takes a third of a second, and no request path needs it.
        import boto3

        # The type stubs have an overload per service name, and none for a variable.
        session: Any = boto3.Session(botocore_session=self.session)
        proxies = boto_proxies(service_urls(self.config)[service])
        return session.client(
            service,
            region_name=region,
            endpoint_url=self.config.endpoint_url,
            config=config.merge(Config(proxies=proxies)),
        )


def aws_roles(
    config: AwsConfig,
    account: Account,
    session: Session | None = None,
    credentials: PortalCredentials | None = None,
    verified_policies: Callable[[], Set[str]] = frozenset,
    services_of: Callable[[TenantId], Collection[str] | None] = _unlimited,
) -> AwsRoles:
    """Return the roles of *account*, without calling AWS.

    Calls are signed with *credentials*, or else with the credentials of *session*.
    """
    session = session or Session()
    if credentials is not None:
        credentials.share_with(session)

    lazy = _Lazy(config, session)
    return AwsRoles(
        account=account,
        iam=lazy.iam,
        prompt_iam=lazy.prompt_iam,
        principal=lazy.principal,
        aws_clock=lazy.aws_clock,
        services_of=services_of,
        verified_policies=verified_policies,
    )
