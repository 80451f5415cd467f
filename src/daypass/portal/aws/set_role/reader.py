"""Reading the role of a permission set with the portal's own permissions, by IAM's query protocol."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import unquote

from daypass.portal.access.broker import Deadline
from daypass.portal.aws.errors import invalid_response
from daypass.portal.aws.iam_errors import refusal_of
from daypass.portal.aws.set_role.judgement import SetRoleState
from daypass.portal.aws.transport.query import QueryService
from daypass.portal.errors import AwsError, AwsRefused, RoleNotFound

MOST_INLINE_POLICIES = 20
"""The number of inline policies that are read, because a request for a session waits for it."""

_VERSION = "2010-05-08"
_ROLE = "GetRoleResponse/GetRoleResult/Role/"
_ARN = f"{_ROLE}Arn"
_BOUNDARY = f"{_ROLE}PermissionsBoundary/PermissionsBoundaryArn"


@dataclass(frozen=True, slots=True)
class SetRoleReader:
    """Reads one role; each of its calls ends by the deadline and raises an `AwsError` if it fails."""

    iam: QueryService
    role_arn: str
    deadline: Deadline

    def read(self) -> SetRoleState | None:
        """Return the role, or None if there is none of its name."""
        role = self._role()
        if role is None:
            return None
        return SetRoleState(
            arn=role[_ARN],
            trust=parsed_policy(role.get(f"{_ROLE}AssumeRolePolicyDocument", "")),
            boundary_arn=role.get(_BOUNDARY),
            tags=[
                (role[f"{member}Key"], role.get(f"{member}Value", ""))
                for member in _members(role, f"{_ROLE}Tags/", "Key")
            ],
            attached=self._list("ListAttachedRolePolicies", "AttachedPolicies", "PolicyArn"),
            inline={name: self._inline(name) for name in self._inline_names()},
        )

    def boundary_arn(self) -> str | None:
        """Return the ARN of the role's boundary; None without one, or if no role has this very ARN."""
        role = self._role()
        return None if role is None or role[_ARN] != self.role_arn else role.get(_BOUNDARY)

    def _role(self) -> Mapping[str, str] | None:
        try:
            role = self._call("GetRole")
        except RoleNotFound:
            return None
        if _ARN not in role:
            raise invalid_response()
        return role

    def _inline_names(self) -> Sequence[str]:
        names = self._list("ListRolePolicies", "PolicyNames")
        if len(names) > MOST_INLINE_POLICIES:
            raise AwsRefused(
                f"The role {self.role_arn} has {len(names)} inline policies, and the portal reads at most "
                f"{MOST_INLINE_POLICIES} before it issues a session. Unite some of them."
            )
        return names

    def _inline(self, name: str) -> Mapping[str, Any] | None:
        answer = self._call("GetRolePolicy", PolicyName=name)
        return parsed_policy(answer.get("GetRolePolicyResponse/GetRolePolicyResult/PolicyDocument", ""))

    def _list(self, action: str, element: str, field: str = "") -> Sequence[str]:
        """Return all pages of a list, of each member the text or its *field*."""
        found: list[str] = []
        prefix, page = f"{action}Response/{action}Result/", {"MaxItems": "1000"}
        while True:
            answer = self._call(action, **page)
            # Without this element, the answer is not IAM's, and the list may be longer than it says.
            is_truncated = answer.get(f"{prefix}IsTruncated", "")
            if is_truncated not in {"true", "false"}:
                raise invalid_response()
            members = _members(answer, f"{prefix}{element}/", field)
            found += [answer[f"{member}{field}".removesuffix("/")] for member in members]
            if is_truncated == "false":
                return found
            if f"{prefix}Marker" not in answer:
                raise invalid_response()
            page["Marker"] = answer[f"{prefix}Marker"]

    def _call(self, action: str, **parameters: str) -> Mapping[str, str]:
        request = {"Action": action, "Version": _VERSION, "RoleName": self.role_arn.rpartition("/")[2]}
        return self.iam.call(request | parameters, self.deadline, refusal_of=self._refusal_of(action))

    def _refusal_of(self, action: str) -> Callable[[str], AwsError]:
        act = f"read the role {self.role_arn}"
        needs = (
            f"iam:{action} on the role; the statement ReadRoles of `daypass portal aws-setup` has all such "
            "permissions. Nothing was issued"
        )
        return lambda code: refusal_of(code, act, needs, "there is no such role or policy")


def parsed_policy(text: str) -> Mapping[str, Any] | None:
    """Return a policy in the percent-encoding of IAM's answers; None if it is no JSON object.

    A repeated key also gives None, because readers of JSON differ on its meaning.
    """
    try:
        policy = json.loads(unquote(text, errors="strict"), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        return None
    return policy if isinstance(policy, dict) else None


def _without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({key.lower() for key, _ in pairs}) != len(pairs):
        raise ValueError("a JSON object with a repeated key")
    return dict(pairs)


def _members(answer: Mapping[str, str], prefix: str, field: str) -> Iterator[str]:
    """Yield the path of each member of a list that has a text, or *field* with a text."""
    for number in count(1):
        member = f"{prefix}member.{number}/"
        if f"{member}{field}".removesuffix("/") not in answer:
            return
        yield member
