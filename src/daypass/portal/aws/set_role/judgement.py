"""The role that a permission set has in a tenant: the proof that it only takes access away.

Its sessions have no session policy, so the role itself must be within the fence: the boundary, the tenant's
tag, a trust policy for the portal alone, and no statement that allows but those of the shared policies. AWS's
answer is judged strictly: an element that is not understood counts as a fault (decision 0079).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from daypass.portal.access.broker import SetRole
from daypass.portal.accounts.model import Generation
from daypass.portal.aws.fence.documents import policy_name
from daypass.portal.aws.fence.rollout.statements import equal
from daypass.portal.aws.fence.services_policy import SERVICES_POLICY, services_policy
from daypass.portal.aws.fence.shared import FENCE_POLICY_NAMES
from daypass.portal.aws.patches import aws_cli
from daypass.portal.aws.policies import TENANT_TAG, as_list
from daypass.portal.aws.trust.analysis import read_trust

DENYING = (policy_name("guards"), policy_name("denies"))
"""The shared policies without which the others would allow too much."""

APPLY = "daypass portal fence apply"
"""The command that repairs the parts of a role that Daypass writes."""

_DOCUMENT_KEYS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_KEYS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"}
)


class Part(StrEnum):
    """A part of a role that a problem is about."""

    ROLE = "role"
    BOUNDARY = "boundary"
    TAG = "tag"
    TRUST = "trust"
    DENIES = "denies"
    SERVICES = "services"
    ATTACHED = "attached"
    INLINE = "inline"


REPAIRED = frozenset({Part.BOUNDARY, Part.TAG, Part.TRUST, Part.DENIES, Part.SERVICES})
"""The parts that `daypass portal fence apply` repairs; the others may be an operator's own."""


@dataclass(frozen=True, slots=True)
class SetRoleState:
    """The role of a permission set, as it is in AWS."""

    arn: str
    trust: Mapping[str, Any] | None
    """The trust policy; None if it is no JSON object."""
    boundary_arn: str | None
    tags: Sequence[tuple[str, str]]
    attached: Sequence[str]
    """The ARNs of the managed policies that are attached."""
    inline: Mapping[str, Mapping[str, Any] | None]
    """The inline policies by name; None for one that is no JSON object."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason why a role may not be used."""

    part: Part
    sentence: str
    remedy: str
    """A command, possibly with an explanation."""

    def __str__(self) -> str:
        return f"{self.sentence} Remedy: {self.remedy}"


def find_problem(state: SetRoleState | None, wanted: SetRole, principal_arn: str) -> str:
    """Return the first fault of the role itself, with the remedy, or "" if it has none.

    `find_generation_problem` judges the tenant's own role. A *state* of None stands for no role, and
    *principal_arn* is the portal's user, role or role session.
    """
    return next((str(problem) for problem in problems(state, wanted, principal_arn)), "")


def find_generation_problem(boundary_arn: str | None, wanted: SetRole) -> str:
    """Return why a tenant whose own role has this boundary gets no roles of permission sets, or "".

    A role of generation 1 has fewer rights than the shared policies allow, and a boundary of another owner
    may allow fewer still.
    """
    if boundary_arn == managed_policy_arn(wanted.tenant_role_arn, Generation.SHARED.boundary):
        return ""
    return (
        f"The tenant's own role {wanted.tenant_role_arn} is not of generation {int(Generation.SHARED)}, so a "
        "role with the shared policies could have more rights. Remedy: `daypass portal fence plan --tenant "
        f"{wanted.tenant}` lists what its migration changes."
    )


def problems(state: SetRoleState | None, wanted: SetRole, principal_arn: str) -> Iterator[Problem]:
    """Yield the faults of the role itself, and the overlap of the tenant's name with others."""
    arn, name = wanted.role_arn, wanted.role_arn.rpartition("/")[2]
    if overlap := find_overlap(wanted):
        yield overlap
    if state is None:
        yield Problem(Part.ROLE, f"There is no role {arn}.", f"`{APPLY}`.")
        return
    if state.arn != arn:
        # IAM takes a name in any case and without a path, and may answer about another role.
        yield Problem(
            Part.ROLE,
            f"The name of the role {arn} is taken by {state.arn}, which has another path or spelling.",
            f"delete or rename that role, then `{APPLY}`.",
        )
        return
    boundary = managed_policy_arn(arn, Generation.SHARED.boundary)
    if state.boundary_arn != boundary:
        said = f"The boundary of {arn} is {state.boundary_arn or 'missing'}, and must be {boundary}."
        yield Problem(Part.BOUNDARY, said, f"`{APPLY}`.")
    tags = [f"{key}={value}" for key, value in state.tags if key.lower() == TENANT_TAG.lower()]
    if tags != [f"{TENANT_TAG}={wanted.tenant}"]:
        said = f"{arn} must have the tag {TENANT_TAG}={wanted.tenant} in this spelling only; it has "
        yield Problem(Part.TAG, f"{said}{' and '.join(tags) or 'none'}.", f"`{APPLY}`.")
    if fault := _find_trust_fault(state.trust, wanted, principal_arn):
        yield Problem(Part.TRUST, f"The trust policy of {arn} is wrong: {fault}.", f"`{APPLY}`.")
    yield from _attached(state, name)
    yield from _inline(state, wanted, name)


def find_overlap(wanted: SetRole) -> Problem | None:
    """Return the problem that the shared policies open resources of other tenants to the role."""
    if not wanted.overlapping:
        return None
    # The denies between such tenants belong to the tenant's own role.
    said = (
        f"The shared policies let {wanted.role_arn} into the resources of {', '.join(wanted.overlapping)}, "
        "whose names begin with the tenant's."
    )
    remedy = "move the resources to a tenant with another name, or use a permission set without its own role."
    return Problem(Part.ROLE, said, remedy)


def managed_policy_arn(role_arn: str, name: str) -> str:
    """Return the ARN of the managed policy of that name in the role's account."""
    return f"{role_arn.partition(':role/')[0]}:policy/{name}"


def _attached(state: SetRoleState, name: str) -> Iterator[Problem]:
    for arn in state.attached:
        # Whole ARNs: a policy of another account, or with a path, may have the same name.
        if arn not in {managed_policy_arn(state.arn, each) for each in FENCE_POLICY_NAMES}:
            yield Problem(
                Part.ATTACHED,
                f"{state.arn} has the attached policy {arn}, which is no shared policy of the fence.",
                f"`{aws_cli('iam', 'detach-role-policy', '--role-name', name, '--policy-arn', arn)}`.",
            )
    missing = [each for each in DENYING if managed_policy_arn(state.arn, each) not in state.attached]
    if missing:
        said = f"{state.arn} lacks the attached policy {' and '.join(missing)}."
        yield Problem(Part.DENIES, said, f"`{APPLY}`.")


def _inline(state: SetRoleState, wanted: SetRole, name: str) -> Iterator[Problem]:
    for policy, document in state.inline.items():
        if not only_denies(document):
            yield Problem(
                Part.INLINE,
                f"The inline policy “{policy}” of {state.arn} may only have Deny statements, and has others, "
                "or elements that are not IAM's.",
                f"correct it, or `aws iam delete-role-policy --role-name {name} --policy-name '{policy}'`.",
            )
    if wanted.services is None:
        return
    limit = state.inline.get(SERVICES_POLICY)
    if not (only_denies(limit) and equal(limit, services_policy(wanted.services))):
        said = (
            f"The tenant {wanted.tenant} is limited to some AWS services, and {state.arn} lacks this limit "
            f"as its inline policy “{SERVICES_POLICY}”, or has an earlier one."
        )
        yield Problem(Part.SERVICES, said, f"`{APPLY}`. Run it after each change of the limit.")


def only_denies(document: Mapping[str, Any] | None) -> bool:
    """Return whether a policy is well-formed and has Deny statements only."""
    statements = _statements(document)
    return bool(statements) and all(one.get("Effect") == "Deny" for one in statements)


def _statements(document: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """Return the statements of a policy; none if any part of it is not as IAM defines it."""
    if document is None or not document.keys() <= _DOCUMENT_KEYS:
        return ()
    statements = as_list(document.get("Statement"))
    return statements if all(_is_well_formed(statement) for statement in statements) else ()


def _is_well_formed(statement: object) -> bool:
    if not isinstance(statement, Mapping) or not statement.keys() <= _STATEMENT_KEYS:
        return False
    condition = statement.get("Condition", {})
    return isinstance(condition, Mapping) and all(isinstance(keys, Mapping) for keys in condition.values())


def _find_trust_fault(trust: Mapping[str, Any] | None, wanted: SetRole, principal_arn: str) -> str:
    statements = _statements(trust)
    allows = [one for one in statements if one.get("Effect") == "Allow"]
    if trust is None or not allows or any(one.get("Effect") not in {"Allow", "Deny"} for one in statements):
        return "it has no statement that allows, or elements that are not IAM's"
    principals = {principal for one in allows for principal in _principals(one)}
    others = sorted(each for each in principals if not _is_principal(each, principal_arn))
    if others or len(principals) != 1:
        return f"it trusts {', '.join(sorted(principals))}, and may trust the portal ({principal_arn}) only"
    # The portal's role with its path, which the ARN of its session does not have.
    (principal,) = principals
    trusted = read_trust(trust, principal, wanted.external_id, wanted.tenant)
    if trusted.exclusion_reasons:
        return trusted.exclusion_reasons[0]
    if trusted.missing_actions:
        return f"it does not allow the portal {' and '.join(trusted.missing_actions)}"
    if wanted.external_id is not None and not trusted.requires_external_id:
        return "it does not require the tenant's ExternalId"
    if trusted.accepts_tenant_tag or not trusted.are_tags_pinned:
        return "it does not limit the session tags to those that the portal sends for this tenant"
    return ""


def _principals(statement: Mapping[str, Any]) -> Sequence[str]:
    """Return the principals of a statement of a trust policy, each with its kind unless it is an ARN."""
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping) or not principal:
        return [str(principal)]
    return [
        str(each) if kind == "AWS" and as_list(names) else f"{kind} {each}"
        for kind, names in principal.items()
        for each in as_list(names) or [None]
    ]


def _is_principal(arn: str, principal_arn: str) -> bool:
    """Return whether the principal of a trust policy is the portal's user or role, and no one else."""
    if arn == principal_arn:
        # A root user's ARN means the whole account.
        return not arn.endswith(":root")
    session = re.fullmatch(r"arn:([^:]+):sts::([0-9]{12}):assumed-role/([^/]+)/.+", principal_arn)
    if session is None:
        return False
    partition, account_id, role = (re.escape(part) for part in session.groups())
    # No two roles of an account have the same name, whatever their paths.
    return re.fullmatch(rf"arn:{partition}:iam::{account_id}:role/(?:[^*]+/)?{role}", arn) is not None
