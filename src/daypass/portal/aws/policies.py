"""The policy documents that the portal writes or needs; always serialised from data, never from text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.aws.guards import guards, portal_guards

Document = dict[str, object]
Statement = dict[str, object]

SESSION_ACTIONS = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
TENANT_TAG = "TENANT_NAME"

_BY_NAME = ("s3", "dynamodb", "sqs", "sns", "kinesis")
INLINE_SERVICES = (*_BY_NAME, "apigateway")
"""The IAM prefixes of the services that roles of generation 1 may use."""

# These actions have no resource, so they show the names of all tenants' resources, but not the content.
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
class Need:
    """A permission that the portal needs, and the reason."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    why: str
    condition: Document | None = None

    @property
    def statement(self) -> Statement:
        """The permission as a policy statement."""
        return allow(self.actions, self.resources, sid=self.sid, condition=self.condition)


def portal_needs(account: Account) -> Sequence[Need]:
    """Return all permissions of the portal's own identity."""
    return (*_sessions(account), *_examination(account), *_provisioning(account))


def _sessions(account: Account) -> Sequence[Need]:
    return (
        Need(
            "HandOut",
            SESSION_ACTIONS,
            account.issued_role_arn_patterns,
            "issue sessions of these roles, with the user's identity and with tags that allow ending one "
            "session",
        ),
    )


def _examination(account: Account) -> Sequence[Need]:
    return (
        # One statement for two purposes: all inline policies of an IAM user have 2,048 characters together.
        Need(
            "ReadRoles",
            (
                "iam:GetRole",
                "iam:UpdateRole",
                "iam:GetRolePolicy",
                "iam:ListRolePolicies",
                "iam:ListAttachedRolePolicies",
            ),
            account.issued_role_arn_patterns,
            "compare the policies of these roles with the fence of the version that runs, read how long "
            "their sessions may last, and change that when an Administrator does",
        ),
        Need(
            "ReadBoundary",
            ("iam:GetPolicy", "iam:GetPolicyVersion"),
            [account.own_policy_arn_pattern],
            "compare boundaries, the shared policies of the fence, and those of permission sets with the "
            "version that runs",
        ),
        Need(
            "ReadQueues",
            ("sqs:GetQueueAttributes",),
            [f"arn:{account.partition}:sqs:*:{account.id}:{account.role_prefix}*"],
            "find queues of tenants that accept dead letters from any queue of the account",
        ),
        # This action has no resource.
        Need("ListQueues", ("sqs:ListQueues",), ["*"], "list the queues"),
    )


def _provisioning(account: Account) -> Sequence[Need]:
    return (
        Need(
            "MakeRoles",
            ("iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy"),
            [account.tenant_role_arn_pattern],
            "create the role of a new tenant with its policy, always within a boundary; remove its "
            "permissions when the tenant is deleted, restore them when it is added again, and limit its "
            "services",
            {"StringEquals": {"iam:PermissionsBoundary": account.boundary_arns}},
        ),
        Need(
            "AttachFence",
            ("iam:AttachRolePolicy",),
            [account.tenant_role_arn_pattern],
            "attach the shared policies of the fence, and no other policy, to the role of a new tenant",
            {
                "ArnLike": {"iam:PolicyARN": account.fence_policy_arn_pattern},
                "StringEquals": {
                    "iam:PermissionsBoundary": account.boundary_of(Generation.SHARED),
                },
            },
        ),
        # A statement of its own: IAM has no key iam:PermissionsBoundary for TagRole, so the condition would
        # fail.
        Need(
            "TagRoles",
            ("iam:TagRole",),
            [account.tenant_role_arn_pattern],
            "tag the role with its tenant's name",
        ),
    )


def portal_policy(account: Account) -> Document:
    """Return the policy of the portal's own identity."""
    return document(*(need.statement for need in portal_needs(account)))


def tenant_policy(account: Account, tenant: str) -> Document:
    """Return the fence of one tenant: resources by name, APIs by tag (their ARNs lack names), lists."""
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
        # Without /tags: a tenant that cannot tag cannot make another tenant's API look like its own.
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
    """Return a policy that allows everything in one API of API Gateway."""
    api = f"arn:{account.partition}:apigateway:*::/restapis/{api_id}"
    return document(allow(["apigateway:*"], [api, f"{api}/*"]))


def boundary(account: Account) -> Document:
    """Return the permissions boundary of tenants' roles: no IAM, no other role, nothing that the guards deny.

    The Allow limits identity-based policies only. It does not limit a session whose ARN a resource policy
    names; the Deny statements do.
    """
    services = [f"{service}:*" for service in (*_BY_NAME, "apigateway")]
    return document(
        allow([*services, "tag:GetResources"], ["*"], sid="Most"), *guards(account, account.role_prefix)
    )


def read_only_limits(withheld: Sequence[str] = ()) -> Document:
    """Return the session policy that removes reads with side effects from AWS's ReadOnlyAccess.

    It also removes the actions *withheld*. It only denies: without the managed policy beside it, the session
    would be allowed nothing.
    """
    actions = dict.fromkeys((*_READS_WITH_EFFECTS, *withheld))
    return document({"Effect": "Deny", "Action": list(actions), "Resource": "*"})


def nothing() -> Document:
    """Return the policy of a deleted tenant's role: it denies everything, in running sessions too."""
    return document({"Sid": "TenantDeleted", "Effect": "Deny", "Action": "*", "Resource": "*"})


def is_nothing(policy: Mapping[str, object]) -> bool:
    """Return whether *policy* is that of a deleted tenant's role."""
    return policy.get("Statement") == nothing()["Statement"]


def master_policy(account: Account, principal_arn: str) -> Document:
    """Return the policy of admin sessions: the whole account, except changes to the portal's own access.

    *principal_arn* is the portal's own user or role. An admin session can still create another identity
    without these denies; SECURITY.md describes the remaining risk.
    """
    return document(allow(["*"], ["*"], sid="Everything"), *portal_guards(account, principal_arn))


def document(*statements: Statement) -> Document:
    """Return a policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    sid: str | None = None,
    condition: Document | None = None,
) -> Statement:
    """Return an Allow statement."""
    statement: Statement = {} if sid is None else {"Sid": sid}
    statement |= {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return statement if condition is None else statement | {"Condition": condition}


def to_json(policy: Document) -> str:
    """Return a policy as compact JSON."""
    return json.dumps(policy, separators=(",", ":"))


def as_list(value: object) -> list[Any]:
    """Return an element of a policy as a list: AWS accepts a single value in place of one, or none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
