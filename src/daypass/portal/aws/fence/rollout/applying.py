"""Application of a plan: one call to IAM after the other, each read back."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daypass.portal.accounts.rollout import Step
from daypass.portal.aws.fence.rollout.account_state import Guard
from daypass.portal.aws.fence.rollout.statements import equal
from daypass.portal.errors import AwsError, AwsUnavailable, RoleNotFound

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between the attempts to read a change back: changes of IAM become visible with a delay."""


class StepFailed(Exception):
    """A step could not be made; those before it were."""

    def __init__(self, number: int, step: Step, error: AwsError) -> None:
        super().__init__(error.reason)
        self.number = number
        """The number of the step, from 1."""
        self.step = step
        self.error = error


@dataclass(frozen=True, slots=True)
class Applier:
    """Makes the steps of a plan."""

    iam: "IAMClient"
    guard: Guard
    sleep: Callable[[float], None]

    def apply(self, steps: Sequence[Step]) -> Iterator[Step]:
        """Yield each step once AWS shows its result; raises `StepFailed` for the first that fails."""
        for number, step in enumerate(steps, 1):
            try:
                self._make(step)
                self._read_back(step)
            except AwsError as error:
                raise StepFailed(number, step, error) from error
            yield step

    def _make(self, step: Step) -> None:
        action = f"iam:{step.operation.title().replace('_', '')}"
        with self.guard(f"make this step ({step.sentence})", action):
            getattr(self.iam, step.operation)(**step.parameters)

    def _read_back(self, step: Step) -> None:
        for pause in _PAUSES:
            try:
                with self.guard(f"show the result of this step ({step.sentence})", _READS):
                    if _VISIBLE[step.operation](self.iam, step.parameters):
                        return
            except RoleNotFound:
                # A new policy may be invisible for a moment, like its contents.
                pass
            self.sleep(pause)
        raise AwsUnavailable(
            f"AWS accepted a step and does not show its result after {sum(_PAUSES):.0f} s ({step.sentence})."
        )


_READS = "iam:Get* and iam:List* on roles and policies"


def _is_created(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    pages = iam.get_paginator("list_policies").paginate(Scope="Local")
    named = (
        one for page in pages for one in page["Policies"] if one["PolicyName"] == parameters["PolicyName"]
    )
    policy = next(named, None)
    return policy is not None and _has_contents(iam, {**parameters, "PolicyArn": policy["Arn"]})


def _has_contents(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    arn = parameters["PolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    answer: Any = iam.get_policy_version(PolicyArn=arn, VersionId=version)
    return equal(answer["PolicyVersion"]["Document"], json.loads(parameters["PolicyDocument"]))


def _is_default(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    policy = iam.get_policy(PolicyArn=parameters["PolicyArn"])["Policy"]
    return bool(policy["DefaultVersionId"] == parameters["VersionId"])


def _is_deleted(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    versions = iam.list_policy_versions(PolicyArn=parameters["PolicyArn"])["Versions"]
    return all(version["VersionId"] != parameters["VersionId"] for version in versions)


def _is_policy_tagged(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    tags = iam.get_policy(PolicyArn=parameters["PolicyArn"])["Policy"].get("Tags", [])
    return all(tag in tags for tag in parameters["Tags"])


def _is_role_tagged(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    tags = iam.get_role(RoleName=parameters["RoleName"])["Role"].get("Tags", [])
    return all(tag in tags for tag in parameters["Tags"])


def _is_attached(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=parameters["RoleName"])
    return any(
        one["PolicyArn"] == parameters["PolicyArn"] for page in pages for one in page["AttachedPolicies"]
    )


def _has_inline(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    answer: Any = iam.get_role_policy(RoleName=parameters["RoleName"], PolicyName=parameters["PolicyName"])
    return equal(answer["PolicyDocument"], json.loads(parameters["PolicyDocument"]))


def _has_no_inline(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=parameters["RoleName"])
    return all(parameters["PolicyName"] not in page["PolicyNames"] for page in pages)


def _has_boundary(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    boundary: Any = iam.get_role(RoleName=parameters["RoleName"])["Role"].get("PermissionsBoundary", {})
    return bool(boundary.get("PermissionsBoundaryArn") == parameters["PermissionsBoundary"])


def _is_role_created(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    return _has_boundary(iam, parameters) and _is_role_tagged(iam, parameters)


def _is_role_untagged(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    tags = iam.get_role(RoleName=parameters["RoleName"])["Role"].get("Tags", [])
    return all(tag["Key"] not in parameters["TagKeys"] for tag in tags)


def _has_trust(iam: "IAMClient", parameters: Any) -> bool:  # noqa: ANN401  of any operation
    role: Any = iam.get_role(RoleName=parameters["RoleName"])["Role"]
    return bool(role["AssumeRolePolicyDocument"] == json.loads(parameters["PolicyDocument"]))


_VISIBLE: dict[str, Callable[["IAMClient", Any], bool]] = {
    "create_policy": _is_created,
    "create_policy_version": _has_contents,
    "set_default_policy_version": _is_default,
    "delete_policy_version": _is_deleted,
    "tag_policy": _is_policy_tagged,
    "create_role": _is_role_created,
    "tag_role": _is_role_tagged,
    "untag_role": _is_role_untagged,
    "update_assume_role_policy": _has_trust,
    "attach_role_policy": _is_attached,
    "put_role_policy": _has_inline,
    "delete_role_policy": _has_no_inline,
    "put_role_permissions_boundary": _has_boundary,
}
