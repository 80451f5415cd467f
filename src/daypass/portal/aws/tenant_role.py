"""The IAM role of one tenant: its creation and completion, and its generation of the fence."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from daypass.portal.accounts.model import Account, Generation
from daypass.portal.aws import policies
from daypass.portal.aws.fence.documents import POLICIES, policy_name, size
from daypass.portal.aws.fence.services_policy import LARGEST_INLINE_POLICIES, SERVICES_POLICY, services_policy
from daypass.portal.aws.trust.policy import trust_policy
from daypass.portal.errors import AwsRefused

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

TENANT_POLICY = "tenant"
"""The name of the inline policy that is the fence of generation 1, and that denies all after a deletion."""

# So a role that is still incomplete lacks permissions, not restrictions.
_ATTACHED_FIRST = ("guards", "denies")
_IN_ORDER: Sequence[str] = [
    policy_name(policy) for policy in sorted(POLICIES, key=lambda policy: policy not in _ATTACHED_FIRST)
]


def make_tenant_role(
    iam: "IAMClient",
    account: Account,
    tenant: str,
    external_id: str | None,
    principal_arn: str,
    generation: Generation = Generation.INLINE,
    services: Collection[str] | None = None,
) -> None:
    """Create a tenant's role or complete a partial one; raises botocore's errors.

    A role that exists keeps its generation. *services* are as in `write_services`.
    """
    name, is_new = f"{account.role_prefix}{tenant}", True
    try:
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=policies.to_json(trust_policy(principal_arn, external_id, tenant)),
            Description=_description(tenant),
            PermissionsBoundary=account.boundary_of(generation),
            Tags=[{"Key": policies.TENANT_TAG, "Value": tenant}],
        )
    except iam.exceptions.EntityAlreadyExistsException:
        generation, is_new = _generation_of_existing(iam, account, name, tenant), False
    # Before the rights: the role must not have more than the services at any time. An existing role may have
    # the limit of a former tenant of that name.
    if services is not None or not is_new:
        write_services(iam, name, services)
    # An existing role gets its rights too, because an earlier attempt may have ended before this.
    if generation is Generation.SHARED:
        for policy in _IN_ORDER:
            iam.attach_role_policy(RoleName=name, PolicyArn=account.policy_arn(policy))
    restore_rights(iam, account, tenant, generation)


def restore_rights(iam: "IAMClient", account: Account, tenant: str, generation: Generation) -> None:
    """Replace the inline policy of a deleted tenant's role; idempotent."""
    name = f"{account.role_prefix}{tenant}"
    if generation is Generation.INLINE:
        put_inline_policy(iam, name, TENANT_POLICY, policies.tenant_policy(account, tenant))
    else:
        delete_inline_policy(iam, name, TENANT_POLICY)


def write_services(iam: "IAMClient", role: str, services: Collection[str] | None) -> None:
    """Limit a role to some services of the catalogue, or remove the limit if *services* is None; idempotent.

    Raises `AwsRefused` if the role's inline policies would be too large, and botocore's errors.
    """
    current = find_inline_policy(iam, role, SERVICES_POLICY)
    if services is None:
        if current is not None:
            delete_inline_policy(iam, role, SERVICES_POLICY)
        return
    wanted = services_policy(services)
    if current == wanted:
        return
    others: Any = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [find_inline_policy(iam, role, name) for name in others if name != SERVICES_POLICY]
    total = size(wanted) + sum(size(document) for document in documents if document is not None)
    if total > LARGEST_INLINE_POLICIES:
        raise AwsRefused(
            f"The inline policies of the role {role} would have {total:,} characters with the policy "
            f"{SERVICES_POLICY}, and AWS allows {LARGEST_INLINE_POLICIES:,}. Shorten the others first."
        )
    put_inline_policy(iam, role, SERVICES_POLICY, wanted)


def find_inline_policy(iam: "IAMClient", role: str, name: str) -> policies.Document | None:
    """Return an inline policy of a role, or None if the role does not have it."""
    try:
        answer: Any = iam.get_role_policy(RoleName=role, PolicyName=name)
    except iam.exceptions.NoSuchEntityException:
        return None
    return dict(answer["PolicyDocument"])


def put_inline_policy(iam: "IAMClient", role: str, name: str, policy: policies.Document) -> None:
    """Write an inline policy of a role."""
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policies.to_json(policy))


def delete_inline_policy(iam: "IAMClient", role: str, name: str) -> None:
    """Delete an inline policy of a role, if the role has it."""
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_role_policy(RoleName=role, PolicyName=name)


def is_ours(role: Mapping[str, Any], account: Account, tenant: str) -> bool:
    """Return whether `make_tenant_role` created this role.

    Roles that operators create with the doctor's commands have the same tag and boundary, but no description.
    """
    return (
        role["RoleName"] == f"{account.role_prefix}{tenant}"
        and role.get("Description") == _description(tenant)
        and _is_fenced(role, account, tenant)
    )


def boundary_arn_of(role: Mapping[str, Any]) -> str | None:
    """Return the ARN of a role's permissions boundary, or None."""
    arn: str | None = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return arn


def _description(tenant: str) -> str:
    return f"Sessions of the tenant {tenant}, handed out by Daypass."


def _is_fenced(role: Mapping[str, Any], account: Account, tenant: str) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}
    is_tagged = tags.get(policies.TENANT_TAG) == tenant
    return is_tagged and account.generation_of(boundary_arn_of(role)) is not None


def _generation_of_existing(iam: "IAMClient", account: Account, name: str, tenant: str) -> Generation:
    """Return the generation of an existing role; raises `AwsRefused` if it is not that of this tenant."""
    role: Any = iam.get_role(RoleName=name)["Role"]
    generation = account.generation_of(boundary_arn_of(role))
    if generation is None or not _is_fenced(role, account, tenant):
        raise AwsRefused(
            f"The role {name} exists, but was not created for this tenant: it lacks the tag "
            f"{policies.TENANT_TAG}={tenant} or the boundary {' or '.join(account.boundary_arns)}. Enter its "
            "ARN to use it as it is."
        )
    return generation
