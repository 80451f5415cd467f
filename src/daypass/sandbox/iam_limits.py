"""The quotas of IAM that bound a tenant's policies, none of which MiniStack enforces except the versions."""

import re
from typing import Any
from urllib.parse import parse_qs

from daypass.sandbox.ministack.server import Answer, Handler, MiniStack, Params

# The default quotas of IAM's user guide; white space is not counted.
MANAGED_POLICY_SIZE = 6_144
TRUST_POLICY_SIZE = 2_048
POLICIES_PER_ROLE = 10
_INLINE_SIZES = {"Role": 10_240, "Group": 5_120, "User": 2_048}
_WHITE_SPACE = re.compile(r"\s")


class IamLimits:
    """A handler for IAM that refuses what exceeds a quota, and policies that do not exist."""

    def __init__(self, ministack: MiniStack) -> None:
        self._ministack = ministack

    def before(self, next_handler: Handler) -> Handler:
        """Return a handler that passes what is within the quotas to MiniStack's."""

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: Params
        ) -> Answer:
            form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True) | query
            refusal = self._refusal({name: values[0] for name, values in form.items()})
            if refusal is None:
                return await next_handler(method, path, headers, body, query)
            status, code, message = refusal
            return self._ministack.error("iam", status, code, message, headers)

        return handle

    def _refusal(self, params: dict[str, str]) -> tuple[int, str, str] | None:
        document = params.get("PolicyDocument", "")
        match params.get("Action"):
            case "CreatePolicy" | "CreatePolicyVersion" if size(document) > MANAGED_POLICY_SIZE:
                return _exceeded(f"Cannot exceed quota for PolicySize: {MANAGED_POLICY_SIZE}")
            case "CreateRole" if size(params.get("AssumeRolePolicyDocument", "")) > TRUST_POLICY_SIZE:
                return _exceeded(f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_SIZE}")
            case "UpdateAssumeRolePolicy" if size(document) > TRUST_POLICY_SIZE:
                return _exceeded(f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_SIZE}")
            case "PutRolePolicy" | "PutUserPolicy" | "PutGroupPolicy" as action:
                return self._inline(action[3:-6], params)
            case "AttachRolePolicy":
                return self._attached(params)
        return None

    def _inline(self, kind: str, params: dict[str, str]) -> tuple[int, str, str] | None:
        """Return the refusal of an inline policy: its size counts together with the others'."""
        name, policy = params.get(f"{kind}Name", ""), params.get("PolicyName", "")
        policies = self._ministack.inline_policies(kind, name) | {policy: params.get("PolicyDocument", "")}
        most = _INLINE_SIZES[kind]
        if sum(map(size, policies.values())) > most:
            return _exceeded(f"Maximum policy size of {most} bytes exceeded for {kind.lower()} {name}")
        return None

    def _attached(self, params: dict[str, str]) -> tuple[int, str, str] | None:
        arn = params.get("PolicyArn", "")
        if not self._ministack.has_policy(arn):
            return 404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable."
        attached = set(self._ministack.attached_policies(params.get("RoleName", "")))
        if len(attached | {arn}) > POLICIES_PER_ROLE:
            return _exceeded(f"Cannot exceed quota for PoliciesPerRole: {POLICIES_PER_ROLE}")
        return None


def size(document: Any) -> int:  # noqa: ANN401  MiniStack stores texts, and objects of templates
    """Return the size that IAM counts."""
    return len(_WHITE_SPACE.sub("", document if isinstance(document, str) else str(document)))


def _exceeded(message: str) -> tuple[int, str, str]:
    return 409, "LimitExceeded", message
