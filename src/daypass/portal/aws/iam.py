"""IAM itself: roles read, changed and made."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session

from daypass.portal.admin.roles.provisioner import RoleState
from daypass.portal.aws import policies
from daypass.portal.aws.credentials import PortalCredentials
from daypass.portal.aws.errors import clock_refusal, invalid_response, unreachable
from daypass.portal.aws.errors import error_for_code as session_refusal
from daypass.portal.aws.partitions import PARTITIONS
from daypass.portal.aws.policies import Account, Document
from daypass.portal.aws.transport.connection import read_date
from daypass.portal.aws.transport.proxy import boto_proxies, service_urls
from daypass.portal.clock import Clock, utc_now
from daypass.portal.config import AwsConfig
from daypass.portal.errors import (
    AwsError,
    AwsNotAllowed,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
    RoleNotFound,
)
from daypass.portal.tenants.model import Tenant

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

# Off the path of any request, so there is time: botocore itself waits out throttling and trouble.
_PATIENT = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=10,
)
# A deletion is answered within nine seconds. With one retry, a call that gets no answer takes four.
_PROMPT = Config(
    connect_timeout=1.5,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=10,
)
_SECOND = timedelta(seconds=1)

TENANT_POLICY = "tenant"
MASTER_POLICY = "master"


@dataclass(frozen=True, slots=True)
class AwsRoles:
    """The roles of `portal.admin`, filled in by IAM."""

    find_account: Callable[[], Account]
    iam: Callable[[], "IAMClient"]
    prompt_iam: Callable[[], "IAMClient"]
    """The client for calls that an Administrator waits for; it gives up on a silent AWS in four seconds."""
    principal: Callable[[], str]
    """Whom roles are to trust: the portal's own user or role."""
    aws_clock: Clock
    """What AWS takes the time for."""

    @property
    def account(self) -> Account:
        """The portal's own account; raises an `AwsError` while it is unknown."""
        return self.find_account()

    def read(self, role_arn: str) -> RoleState:
        """The role as it is; raises `RoleNotFound`."""
        with classified(f"read the role {role_arn}", "iam:GetRole"):
            role: Mapping[str, Any] = _role(self.iam(), role_name(role_arn))
        if role["Arn"] != role_arn:
            raise RoleNotFound(f"There is no role {role_arn} in the account.")
        trust = role.get("AssumeRolePolicyDocument")
        if not isinstance(trust, Mapping):
            raise AwsRefused(f"AWS's answer about {role_arn} has no trust policy (AssumeRolePolicyDocument).")
        return RoleState(
            arn=role_arn,
            maximum=timedelta(seconds=role.get("MaxSessionDuration", 3600)),
            trust=trust,
            boundary_arn=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        )

    def policy(self, role_arn: str, name: str) -> Document | None:
        """Return an inline policy of a role, or None if the role has none of that name."""
        try:
            with classified(f"read the policy {name} of {role_arn}", "iam:GetRolePolicy"):
                found: Any = self.iam().get_role_policy(RoleName=role_name(role_arn), PolicyName=name)
        except RoleNotFound:
            return None
        return dict(found["PolicyDocument"])

    def boundary(self) -> Document | None:
        """Return the default version of the boundary, or None if there is no such policy."""
        arn = self.account.boundary_arn
        try:
            with classified(f"read the policy {arn}", "iam:GetPolicy and iam:GetPolicyVersion"):
                version = self.iam().get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                found: Any = self.iam().get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        except RoleNotFound:
            return None
        return dict(found["Document"])

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Let the role's sessions last so long."""
        with classified(f"change the role {role_arn}", "iam:UpdateRole"):
            self.iam().update_role(RoleName=role_name(role_arn), MaxSessionDuration=maximum // _SECOND)

    def make(self, tenant: Tenant) -> None:
        """Make sure that the tenant's role is there, with trust, boundary, tag and policy."""
        needs = "iam:CreateRole, iam:PutRolePolicy and iam:TagRole; see `daypass portal aws-setup`"
        missing = f"there is no policy {self.account.boundary_arn} to be its boundary"
        with classified(f"make the role {tenant.role_arn}", needs, missing):
            make_tenant_role(self.iam(), self.account, tenant.name, tenant.external_id, self.principal())

    def empty(self, tenant: Tenant) -> bool:
        """Take all rights from the tenant's role if this portal made it; returns whether it did."""
        try:
            with classified(f"empty the role {tenant.role_arn}", "iam:GetRole and iam:PutRolePolicy"):
                iam = self.prompt_iam()
                if not self._made(iam, tenant):
                    return False
                _put_policy(iam, tenant, policies.nothing())
        except RoleNotFound:
            # No session of a role that is gone has any rights.
            return True
        return True

    def restore(self, tenant: Tenant) -> bool:
        """Give the tenant's role its rights back if `empty` took them; returns whether it did."""
        needs = "iam:GetRole, iam:GetRolePolicy and iam:PutRolePolicy"
        try:
            with classified(f"give the role {tenant.role_arn} its rights back", needs):
                iam, name = self.prompt_iam(), role_name(tenant.role_arn)
                if not self._made(iam, tenant):
                    return False
                found: Any = iam.get_role_policy(RoleName=name, PolicyName=TENANT_POLICY)
                if not policies.is_nothing(found["PolicyDocument"]):
                    return False
                _put_policy(iam, tenant, policies.tenant_policy(self.account, tenant.name))
        except RoleNotFound:
            return False
        return True

    def _made(self, iam: "IAMClient", tenant: Tenant) -> bool:
        """Return whether this portal made the tenant's role."""
        role: Any = iam.get_role(RoleName=role_name(tenant.role_arn))["Role"]
        return bool(role["Arn"] == tenant.role_arn) and _is_ours(role, self.account, tenant.name)


def _put_policy(iam: "IAMClient", tenant: Tenant, policy: Document) -> None:
    document = policies.written(policy)
    iam.put_role_policy(
        RoleName=role_name(tenant.role_arn), PolicyName=TENANT_POLICY, PolicyDocument=document
    )


def make_tenant_role(
    iam: "IAMClient", account: Account, tenant: str, external_id: str | None, principal_arn: str
) -> None:
    """Make a tenant's role, or finish one that was begun; raises botocore's errors."""
    name = f"{account.role_prefix}{tenant}"
    try:
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=policies.written(policies.trust(principal_arn, external_id)),
            Description=_description(tenant),
            PermissionsBoundary=account.boundary_arn,
            Tags=[{"Key": policies.TENANT_TAG, "Value": tenant}],
        )
    except iam.exceptions.EntityAlreadyExistsException:
        _refuse_foreign(iam, account, name, tenant)
    document = policies.written(policies.tenant_policy(account, tenant))
    iam.put_role_policy(RoleName=name, PolicyName=TENANT_POLICY, PolicyDocument=document)


def make_master_role(iam: "IAMClient", account: Account, principal_arn: str) -> None:
    """Make the role of admin sessions; raises botocore's errors."""
    trust = policies.written(policies.trust(principal_arn, None))
    iam.create_role(RoleName=account.master_role, AssumeRolePolicyDocument=trust)
    document = policies.written(policies.master_policy(account, principal_arn))
    iam.put_role_policy(RoleName=account.master_role, PolicyName=MASTER_POLICY, PolicyDocument=document)


def _description(tenant: str) -> str:
    return f"Sessions of the tenant {tenant}, handed out by Daypass."


def _is_ours(role: Mapping[str, Any], account: Account, tenant: str) -> bool:
    """Return whether `make_tenant_role` made this role.

    Operators make roles with the same tag and boundary, by the doctor's lines, but without the description.
    """
    return (
        role["RoleName"] == f"{account.role_prefix}{tenant}"
        and role.get("Description") == _description(tenant)
        and _is_fenced(role, account, tenant)
    )


def _is_fenced(role: Mapping[str, Any], account: Account, tenant: str) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return tags.get(policies.TENANT_TAG) == tenant and boundary == account.boundary_arn


def _refuse_foreign(iam: "IAMClient", account: Account, name: str, tenant: str) -> None:
    """A role that is no tenant's must not become one, with rights that nobody meant it to have."""
    role: Any = iam.get_role(RoleName=name)["Role"]
    if not _is_fenced(role, account, tenant):
        raise AwsRefused(
            f"There is a role {name} already that was not made for this tenant: it lacks the tag "
            f"{policies.TENANT_TAG}={tenant} or the boundary {account.boundary_arn}. Name its ARN to use it "
            "as it is."
        )


def _role(iam: "IAMClient", name: str) -> Mapping[str, Any]:
    """Return IAM's description of a role, which names its ARN at least."""
    role: Mapping[str, Any] = iam.get_role(RoleName=name).get("Role", {})
    if "Arn" not in role:
        raise invalid_response()
    return role


@contextmanager
def classified(act: str, actions: str, missing: str = "there is no such role") -> Iterator[None]:
    """Turns botocore's errors into ours; *act* and *actions* say what was tried, and what it takes.

    *missing* is what is not there where AWS says that something is not.
    """
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise _clock_refusal(error, code) or _refusal(code, act, actions, missing) from error
    except BotoCoreError as error:
        raise unreachable() from error
    except (ResponseParserError, KeyError) as error:
        # botocore's parser raises KeyError for an answer without its result element.
        raise invalid_response() from error


def _clock_refusal(error: ClientError, code: str) -> AwsError | None:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    aws_time = read_date(headers.get("date", ""))
    return clock_refusal(code, str(error.response.get("Error", {}).get("Message", "")), aws_time, utc_now())


def _refusal(code: str, act: str, actions: str, missing: str) -> AwsError:
    if code in {"NoSuchEntity", "NoSuchEntityException"}:
        return RoleNotFound(f"AWS could not {act}: {missing}.")
    known = session_refusal(code, "", "")
    if isinstance(known, AwsTrustRefused):
        return AwsNotAllowed(f"AWS does not let the portal {act}. It takes {actions}.")
    if isinstance(known, AwsThrottled):
        return AwsThrottled(f"AWS asks for a pause before it can {act}. Try again in a few minutes.")
    if isinstance(known, AwsUnavailable):
        return AwsUnavailable(f"AWS has trouble of its own and could not {act}. Try again.")
    return AwsRefused(f"AWS refused to {act} ({code}).") if isinstance(known, AwsRefused) else known


def role_name(role_arn: str) -> str:
    """The name of a role, by which IAM asks; its path is no part of it."""
    return role_arn.rpartition("/")[2]


@dataclass(slots=True)
class _Lazy:
    """boto3's clients, made at first use: starting the portal must not wait for its service descriptions."""

    config: AwsConfig
    session: Session
    _clients: dict[tuple[str, Config], Any] = field(default_factory=dict)
    _principal: str = ""

    def iam(self) -> "IAMClient":
        client: IAMClient = self._client("iam", PARTITIONS[self.config.partition].iam_region)
        return client

    def prompt_iam(self) -> "IAMClient":
        client: IAMClient = self._client("iam", PARTITIONS[self.config.partition].iam_region, _PROMPT)
        return client

    def principal(self) -> str:
        if not self._principal:
            with classified("say who the portal is", "sts:GetCallerIdentity"):
                answer = self._client("sts", self.config.region).get_caller_identity()
                if "Arn" not in answer:
                    raise invalid_response()
                self._principal = self._who(answer["Arn"])
        return self._principal

    def aws_clock(self) -> datetime:
        with classified("say what time it is", "sts:GetCallerIdentity"):
            answer = self._client("sts", self.config.region).get_caller_identity()
        read = read_date(answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
        if read is None:
            raise AwsRefused("AWS's answer has no time (header Date), so the clocks cannot be compared.")
        return read

    def _who(self, arn: str) -> str:
        """The role behind a session, with its path, which no session tells; anybody else as they are."""
        _, _, rest = arn.partition(":assumed-role/")
        if not rest:
            return arn
        with classified(f"read the portal's own role {rest.partition('/')[0]}", "iam:GetRole"):
            return str(_role(self.iam(), rest.partition("/")[0])["Arn"])

    def _client(self, service: str, region: str, config: Config = _PATIENT) -> Any:  # noqa: ANN401  boto3's own
        if (service, config) not in self._clients:
            # boto3 takes a third of a second to import, and no request needs it.
            import boto3

            # Its stub has an overload for each service by its name, and none for a name.
            session: Any = boto3.Session(botocore_session=self.session)
            proxies = boto_proxies(service_urls(self.config)[service])
            self._clients[service, config] = session.client(
                service,
                region_name=region,
                endpoint_url=self.config.endpoint_url,
                config=config.merge(Config(proxies=proxies)),
            )
        return self._clients[service, config]


def aws_roles(
    config: AwsConfig,
    account_id: Callable[[], str],
    session: Session | None = None,
    credentials: PortalCredentials | None = None,
) -> AwsRoles:
    """Return the roles of the portal's own account, without calling AWS.

    Calls are signed with *credentials*, or else with what *session* finds.
    """
    session = session or Session()
    if credentials is not None:
        credentials.share_with(session)

    def account() -> Account:
        return Account(config.partition, account_id(), config.role_prefix, config.master_role)

    lazy = _Lazy(config, session)
    return AwsRoles(account, lazy.iam, lazy.prompt_iam, lazy.principal, lazy.aws_clock)
