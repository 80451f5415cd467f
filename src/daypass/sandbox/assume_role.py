"""Parsing and validation of AssumeRole requests, with AWS's errors for malformed ones."""

import math
import re
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from daypass.sandbox.ministack.server import Answer, MiniStack, Params

# These limits and patterns are those of AssumeRole in STS's API reference. They are ASCII, because AWS's `\w`
# does not match letters of other scripts.
SHORTEST = timedelta(minutes=15)
_LONGEST = timedelta(hours=12)
_DEFAULT = timedelta(hours=1)
_NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]*", re.ASCII)
_ROLE_ARN = re.compile(r"arn:aws:iam::(\d{12}):role/([\w+=,.@/-]+)", re.ASCII)
_MOST_TAGS = 50
_MOST_POLICIES = 10
_LONGEST_POLICIES = 2048
# AWS publishes no formula. It reported 498 % for nine tags of 252 characters each, which it cannot have
# compressed; policies are compressed here, because AWS says that it compresses them.
_ALLOTTED = 9 * 252 / 4.98


class Refusal(Exception):
    """An error response of AWS: status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class AssumeRoleRequest:
    """A well-formed AssumeRole request; it is not authorized yet."""

    role_arn: str
    session_name: str
    validity: timedelta
    source_identity: str | None
    external_id: str | None
    tags: dict[str, str]
    transitive_tags: frozenset[str]
    policies: dict[str, Any]


class MiniStackError(Exception):
    """A refusal by MiniStack's own checks; *answer* is the complete error response."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("MiniStack refused the request")
        self.answer = answer


def read_request(ministack: MiniStack, params: Params) -> AssumeRoleRequest:
    """Return the request in *params*; raises `Refusal` or `MiniStackError` if it is malformed."""
    tags, error = ministack.session_tags(params)
    if error is not None:
        raise MiniStackError(error)
    policies, error = ministack.session_policies(params)
    if error is not None:
        raise MiniStackError(error)
    _check_tags(tags)
    _check_policies(policies)
    role_arn = first_value(params, "RoleArn")
    if role_arn is None or not _ROLE_ARN.fullmatch(role_arn):
        raise invalid(f"{role_arn or ''} is invalid")
    session_name = first_value(params, "RoleSessionName")
    if session_name is None:
        raise _violates(None, "roleSessionName", "Member must not be null")
    _check_text(session_name, "roleSessionName", _NAME, 64)
    source_identity = first_value(params, "SourceIdentity")
    if source_identity is not None:
        _check_text(source_identity, "sourceIdentity", _NAME, 64)
    external_id = first_value(params, "ExternalId")
    if external_id is not None:
        _check_text(external_id, "externalId", _EXTERNAL_ID, 1224)
    return AssumeRoleRequest(
        role_arn=role_arn,
        session_name=session_name,
        validity=check_duration(params, SHORTEST, _LONGEST),
        source_identity=source_identity,
        external_id=external_id,
        tags={tag["Key"]: tag["Value"] for tag in tags},
        transitive_tags=frozenset(
            values[0] for name, values in params.items() if name.startswith("TransitiveTagKeys.member.")
        ),
        policies=policies,
    )


def first_value(params: Params, name: str) -> str | None:
    """Return the parameter's first value, or None if it is missing."""
    return params[name][0] if name in params else None


def check_duration(params: Params, shortest: timedelta, longest: timedelta) -> timedelta:
    """Return `DurationSeconds`, or one hour by default; raises `Refusal` if it is out of bounds."""
    text = first_value(params, "DurationSeconds")
    if text is None:
        return _DEFAULT
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise Refusal(400, "MalformedInput", f"DurationSeconds is not a number: {text}")
    duration = timedelta(seconds=int(text))
    if duration < shortest:
        limit = f"greater than or equal to {shortest.total_seconds():.0f}"
        raise _violates(text, "durationSeconds", f"Member must have value {limit}")
    if duration > longest:
        limit = f"less than or equal to {longest.total_seconds():.0f}"
        raise _violates(text, "durationSeconds", f"Member must have value {limit}")
    return duration


def _check_text(value: str, member: str, alphabet: re.Pattern[str], longest: int) -> None:
    if len(value) < 2:
        raise _violates(value, member, "Member must have length greater than or equal to 2")
    if len(value) > longest:
        raise _violates(value, member, f"Member must have length less than or equal to {longest}")
    if not alphabet.fullmatch(value):
        raise _violates(value, member, f"Member must satisfy regular expression pattern: {alphabet.pattern}")


def _check_tags(tags: list[dict[str, str]]) -> None:
    if len(tags) > _MOST_TAGS:
        raise _violates("tags", "tags", f"Member must have length less than or equal to {_MOST_TAGS}")
    for tag in tags:
        if len(tag["Key"]) > 128 or len(tag["Value"]) > 256:
            raise _violates(
                tag["Key"], "tags", "Member must have a key of at most 128 and a value of at most 256"
            )


def _check_policies(policies: dict[str, Any]) -> None:
    arns = policies.get("PolicyArns") or []
    if len(arns) > _MOST_POLICIES:
        raise _violates(
            f"[{', '.join(arns)}]",
            "policyArns",
            f"Member must have length less than or equal to {_MOST_POLICIES}",
        )
    if len(policies.get("Policy") or "") + sum(map(len, arns)) > _LONGEST_POLICIES:
        raise Refusal(
            400,
            "PackedPolicyTooLarge",
            f"The session policies exceed {_LONGEST_POLICIES} characters together.",
        )


def packed_size(request: AssumeRoleRequest) -> int | None:
    """Return an estimate of `PackedPolicySize`, in percent; None for a session without policies and tags."""
    tags = sum(len(name) + len(value) for name, value in request.tags.items())
    policies = (request.policies.get("Policy") or "") + "".join(request.policies.get("PolicyArns") or [])
    packed = tags + (len(zlib.compress(policies.encode(), 9)) if policies else 0)
    return math.ceil(100 * packed / _ALLOTTED) if packed else None


def _violates(value: str | None, member: str, constraint: str) -> Refusal:
    shown = "null" if value is None else f"'{value}'"
    return invalid(
        f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {constraint}"
    )


def invalid(message: str) -> Refusal:
    """Return a validation error of STS."""
    return Refusal(400, "ValidationError", message)
