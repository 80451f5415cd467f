"""Every policy document that the portal writes or asks for; a serializer makes them, never pasted text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.aws.guards import guards, portal_guards

Document = dict[str, object]
Statement = dict[str, object]

SESSION_ACTIONS = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
TENANT_TAG = "TENANT_NAME"
BOUNDARY = "daypass-boundary"
"""The name of the managed policy that is the most any tenant's role may ever do."""

_BY_NAME = ("s3", "dynamodb", "sqs", "sns", "kinesis")
# AWS asks no resource for these, so they show the names of every tenant; what is inside stays closed.
_LISTS = (
    "s3:ListAllMyBuckets",
    "dynamodb:ListTables",
    "sqs:ListQueues",
    "sns:ListTopics",
    "kinesis:ListStreams",
    "tag:GetResources",
)
# ReadOnlyAccess allows these as reads. The first hides messages from their consumers and moves them to the
# dead-letter queue; the second returns credentials of another role; the others stop queries of other users.
_READS_WITH_EFFECTS = ("sqs:ReceiveMessage", "s3:GetDataAccess", "logs:StopQuery", "logs:StopLiveTail")


@dataclass(frozen=True, slots=True)
class Account:
    """The account whose roles are handed out, and what they are called there."""

    partition: str
    id: str
    role_prefix: str
    master_role: str

    def role_arn(self, name: str) -> str:
        """The role of that name."""
        return f"arn:{self.partition}:iam::{self.id}:role/{name}"

    @property
    def boundary_arn(self) -> str:
        """The boundary of tenants' roles."""
        return f"arn:{self.partition}:iam::{self.id}:policy/{BOUNDARY}"

    @property
    def tenant_roles(self) -> str:
        """All tenants' roles."""
        return self.role_arn(f"{self.role_prefix}*")

    @property
    def handed_out(self) -> list[str]:
        """Every role that sessions are of."""
        return [self.tenant_roles, self.role_arn(self.master_role)]


@dataclass(frozen=True, slots=True)
class Need:
    """Something that the portal must be allowed, and why."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    why: str
    condition: Document | None = None

    @property
    def statement(self) -> Statement:
        """As a policy says it."""
        return allow(self.actions, self.resources, sid=self.sid, condition=self.condition)


def portal_needs(account: Account) -> Sequence[Need]:
    """All that the portal's own identity must be allowed, and nothing more."""
    return (*_sessions(account), *_examination(account), *_making(account))


def _sessions(account: Account) -> Sequence[Need]:
    return (
        Need(
            "HandOut",
            SESSION_ACTIONS,
            account.handed_out,
            "hand out sessions of these roles, with the user's identity and with tags by which each can be "
            "ended singly",
        ),
        Need(
            "HowLong",
            ("iam:GetRole", "iam:UpdateRole"),
            account.handed_out,
            "read how long sessions of a role may last, and change it when an Administrator does",
        ),
    )


def _examination(account: Account) -> Sequence[Need]:
    return (
        Need(
            "ReadPolicies",
            ("iam:GetRolePolicy",),
            account.handed_out,
            "compare the policies of these roles with the fence of the version that runs",
        ),
        Need(
            "ReadBoundary",
            ("iam:GetPolicy", "iam:GetPolicyVersion"),
            [account.boundary_arn],
            "compare the boundary with that of the version that runs",
        ),
        Need(
            "ReadQueues",
            ("sqs:GetQueueAttributes",),
            [f"arn:{account.partition}:sqs:*:{account.id}:{account.role_prefix}*"],
            "find queues of tenants that accept dead letters from any queue of the account",
        ),
        # AWS asks no resource for this one.
        Need("ListQueues", ("sqs:ListQueues",), ["*"], "know which queues there are"),
    )


def _making(account: Account) -> Sequence[Need]:
    return (
        Need(
            "MakeRoles",
            ("iam:CreateRole", "iam:PutRolePolicy"),
            [account.tenant_roles],
            "make the role of a new tenant and give it the tenant's policy, always within the boundary; take "
            "all rights from it when the tenant is deleted",
            {"StringEquals": {"iam:PermissionsBoundary": account.boundary_arn}},
        ),
        Need(
            "TagRoles",
            ("iam:TagRole",),
            [account.tenant_roles],
            "say by a tag whose role it is",
        ),
    )


def portal_policy(account: Account) -> Document:
    """What the portal's own identity must be allowed."""
    return document(*(need.statement for need in portal_needs(account)))


def tenant_policy(account: Account, tenant: str) -> Document:
    """Return the fence of one tenant: resources by name, APIs by tag (their ARNs have no name), lists."""
    prefix, partition, id_ = f"{account.role_prefix}{tenant}", account.partition, account.id
    return document(
        allow(
            [f"{service}:*" for service in _BY_NAME],
            [
                f"arn:{partition}:s3:::{prefix}-*",
                f"arn:{partition}:dynamodb:*:{id_}:table/{prefix}-*",
                f"arn:{partition}:sqs:*:{id_}:{prefix}-*",
                f"arn:{partition}:sns:*:{id_}:{prefix}-*",
                f"arn:{partition}:kinesis:*:{id_}:stream/{prefix}-*",
            ],
            sid="Named",
        ),
        # Not /tags: who may not tag cannot make another tenant's API look like its own.
        allow(
            ["apigateway:*"],
            [f"arn:{partition}:apigateway:*::/restapis/*"],
            sid="Tagged",
            condition={"StringEquals": {f"aws:ResourceTag/{TENANT_TAG}": tenant}},
        ),
        allow(_LISTS, ["*"], sid="Lists"),
        *guards(account, f"{prefix}-"),
    )


def api_policy(account: Account, api_id: str) -> Document:
    """Everything in one API of API Gateway."""
    api = f"arn:{account.partition}:apigateway:*::/restapis/{api_id}"
    return document(allow(["apigateway:*"], [api, f"{api}/*"]))


def boundary(account: Account) -> Document:
    """Return the permissions boundary of tenants' roles: no IAM, no other role, nothing that the guards deny.

    The Allow limits identity-based policies only. It does not limit a session that a resource policy names by
    its ARN; the Deny statements do.
    """
    services = [f"{service}:*" for service in (*_BY_NAME, "apigateway")]
    return document(
        allow([*services, "tag:GetResources"], ["*"], sid="Most"), *guards(account, account.role_prefix)
    )


def read_only_limits() -> Document:
    """Return the session policy that takes reads with effects out of AWS's ReadOnlyAccess.

    It only denies: without the managed policy beside it, the session would be allowed nothing.
    """
    return document({"Effect": "Deny", "Action": list(_READS_WITH_EFFECTS), "Resource": "*"})


def nothing() -> Document:
    """Return the policy of a deleted tenant's role: it denies everything, also to sessions that live."""
    return document({"Sid": "TenantDeleted", "Effect": "Deny", "Action": "*", "Resource": "*"})


def is_nothing(policy: Mapping[str, object]) -> bool:
    """Return whether *policy* is that of a deleted tenant's role."""
    return policy.get("Statement") == nothing()["Statement"]


def master_policy(account: Account, principal_arn: str) -> Document:
    """Return the policy of admin sessions: all of the account, except changes to the portal's own access.

    *principal_arn* is the portal's own user or role. An admin session can still make another identity that
    lacks these denies; SECURITY.md says what remains.
    """
    return document(allow(["*"], ["*"], sid="Everything"), *portal_guards(account, principal_arn))


def trust(principal_arn: str, external_id: str | None) -> Document:
    """Let the portal in and nobody else: for a known user, and to a tenant's role with its ExternalId."""
    conditions: dict[str, object] = {"StringLike": {"sts:SourceIdentity": "*"}}
    if external_id is not None:
        conditions["StringEquals"] = {"sts:ExternalId": external_id}
    statement: Statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal_arn},
        "Action": list(SESSION_ACTIONS),
        "Condition": conditions,
    }
    return document(statement)


def document(*statements: Statement) -> Document:
    """A whole policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    sid: str | None = None,
    condition: Document | None = None,
) -> Statement:
    """One statement that allows."""
    statement: Statement = {} if sid is None else {"Sid": sid}
    statement |= {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return statement if condition is None else statement | {"Condition": condition}


def written(policy: Document) -> str:
    """A policy as AWS takes it."""
    return json.dumps(policy, separators=(",", ":"))
