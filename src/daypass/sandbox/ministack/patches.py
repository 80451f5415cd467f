"""All patches of MiniStack's internals.

Each names the difference from AWS. Differences that a wrapped request can correct are not patched here.
"""
# ruff: noqa: SLF001  MiniStack has no public API for any of this.

import datetime as real_datetime
import importlib
import re
import time as real_time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from daypass.sandbox.authorization.call import JSON_SERVICES
from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.ministack import authorization, service_patches
from daypass.sandbox.ministack.resource_tags import COLLECTORS

_VARIABLE = re.compile(r"\$\{([\w:/@.+= -]+)\}", re.ASCII)
# The actions on roles that the portal's policy allows under a condition on the role's boundary.
_ACTIONS_WITH_BOUNDARY_KEY = frozenset(
    {"iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:AttachRolePolicy"}
)
_JSON_SERVICES = frozenset({"dynamodb", "kinesis", "tagging"}) | JSON_SERVICES

# The services, by their names in ARNs, whose resources AWS's GetResources returns and MiniStack's does not.
_ADDED_TO_TAG_SEARCH = frozenset(
    {"acm", "apigateway", "athena", "batch", "cloudwatch", "codebuild", "ec2"}
) | {
    "elasticloadbalancing",
    "es",
    "firehose",
    "kinesis",
    "logs",
    "rds",
    "secretsmanager",
    "ssm",
    "states",
}

_Module: TypeAlias = Any
"""A module of MiniStack, which has no types."""
_MiniStackValue: TypeAlias = Any
"""A value that MiniStack passes between its own functions."""


def apply(config: SandboxConfig, clock: SandboxClock) -> None:
    """Patch the MiniStack of this process. To be called once."""
    actions: _Module = importlib.import_module("ministack.core.iam_actions")
    evaluator: _Module = importlib.import_module("ministack.core.iam_evaluator")
    iam: _Module = importlib.import_module("ministack.services.iam")
    sts: _Module = importlib.import_module("ministack.services.sts")
    tagging: _Module = importlib.import_module("ministack.services.tagging")
    _use_clock(clock, evaluator, iam, sts)
    _keep_expired_sessions(sts)
    _accept_only_configured_root(config, evaluator, sts)
    _add_source_identity_key(evaluator, sts)
    _skip_assume_role(evaluator)
    _deny_as_aws_does(actions)
    _substitute_policy_variables(evaluator)
    _add_keys_of_roles(config, actions, iam)
    _add_default_versions(iam)
    _complete_tag_search(tagging)
    service_patches.apply()
    authorization.apply()


def _use_clock(clock: SandboxClock, evaluator: _Module, iam: _Module, sts: _Module) -> None:
    """Use the sandbox's clock in modules that expire sessions; the signature check keeps the machine's."""

    def gmtime(at: float | None = None) -> real_time.struct_time:
        return real_time.gmtime(clock.timestamp() if at is None else at)

    class PatchedDatetime(real_datetime.datetime):
        @classmethod
        def now(cls, tz: real_datetime.tzinfo | None = None) -> "PatchedDatetime":
            return cls.fromtimestamp(clock.timestamp(), tz)

    # Copies, because the whole process shares the modules `time` and `datetime`.
    patched_time = SimpleNamespace(**vars(real_time) | {"time": clock.timestamp, "gmtime": gmtime})
    sts.time = iam.time = evaluator.time = patched_time
    evaluator._dt = SimpleNamespace(**vars(real_datetime) | {"datetime": PatchedDatetime})


def _keep_expired_sessions(sts: _Module) -> None:
    """Keep expired keys. MiniStack deletes them at the next AssumeRole, after which they are *unknown*."""
    sts._evict_expired_sessions = lambda: None


def _accept_only_configured_root(config: SandboxConfig, evaluator: _Module, sts: _Module) -> None:
    """Accept only the configured root key, with a valid signature.

    MiniStack treats `test`, account ids and a missing key as the root, without checking signatures. Stored
    as a session, the root key is checked like every other key.
    """
    evaluator.is_root_access_key = sts.is_root_access_key = lambda _key: False
    sts._sessions[config.root_access_key_id] = {
        "Arn": f"arn:aws:iam::{config.account_id}:root",
        "UserId": config.account_id,
        "AccountId": config.account_id,
        "PrincipalType": "Root",
        "SecretAccessKey": config.root_secret_access_key,
    }


def _add_source_identity_key(evaluator: _Module, sts: _Module) -> None:
    """Provide the condition key `aws:SourceIdentity`, which MiniStack lacks."""
    describe = evaluator._principal_keys

    def describe_with_source_identity(credential: _MiniStackValue) -> dict[str, Any]:
        keys: dict[str, Any] = describe(credential)
        session = sts._sessions.get(credential.access_key_id) or {}
        if session.get("SourceIdentity"):
            keys["aws:sourceidentity"] = session["SourceIdentity"]
        return keys

    evaluator._principal_keys = describe_with_source_identity


def _skip_assume_role(evaluator: _Module) -> None:
    """Leave AssumeRole to `sts.py`, because MiniStack authorizes it without the condition keys of STS."""
    evaluator._ALWAYS_ALLOWED_ACTIONS |= {"sts:AssumeRole"}


def _deny_as_aws_does(actions: _Module) -> None:
    """Deny as AWS does: JSON services with 400 instead of 403, and every service with the resource's name."""
    deny = actions.access_denied_response

    def deny_in_full(
        service: str,
        action: str,
        principal_arn: str,
        request_id: str,
        **named: _MiniStackValue,
    ) -> tuple[int, Any, Any]:
        resource = named.get("resource_arn", "*")
        has_details = named.get("error_code") or named.get("message") or named.get("resource_policy_arn")
        if resource != "*" and not has_details:
            explicit = named.get("explicit_deny", False)
            named["message"] = actions.identity_denial_message(action, principal_arn, resource, explicit)
        status, headers, body = deny(service, action, principal_arn, request_id, **named)
        return (400 if service in _JSON_SERVICES else status), headers, body

    actions.access_denied_response = deny_in_full


def _substitute_policy_variables(evaluator: _Module) -> None:
    """Substitute policy variables such as `${aws:PrincipalTag/tenant}`, which MiniStack takes literally."""
    first_match = evaluator._first_match

    def first_match_substituted(
        context: _MiniStackValue, statements: list[_MiniStackValue], effect: str
    ) -> _MiniStackValue:
        def value(variable: re.Match[str]) -> str:
            resolved = evaluator._resolve_condition_key(variable.group(1), context)
            # An unknown variable must match nothing, and no name contains this character.
            return resolved if isinstance(resolved, str) else "\0"

        substituted = [
            replace(
                statement,
                resources=_substituted(statement.resources, value),
                not_resources=_substituted(statement.not_resources, value),
                conditions=_substituted(statement.conditions, value),
            )
            for statement in statements
        ]
        return first_match(context, substituted, effect)

    evaluator._first_match = first_match_substituted


def _add_keys_of_roles(config: SandboxConfig, actions: _Module, iam: _Module) -> None:
    """Provide the condition keys `iam:PermissionsBoundary` and `iam:PolicyARN`, which MiniStack lacks."""
    request_keys = actions.request_tag_context

    def request_keys_of_iam_too(
        service: str, action: str, body: bytes, params: _MiniStackValue
    ) -> dict[str, Any]:
        keys: dict[str, Any] = request_keys(service, action, body, params)
        form = parse_qs(body.decode("utf-8", "replace")) if action in _ACTIONS_WITH_BOUNDARY_KEY else {}
        # A new role has the boundary that the request names, an existing one its own.
        if action == "iam:CreateRole":
            keys["iam:permissionsboundary"] = form.get("PermissionsBoundary", [None])[0]
        elif form:
            role = iam._roles.get_scoped(config.account_id, None, form.get("RoleName", [""])[0]) or {}
            keys["iam:permissionsboundary"] = role.get("PermissionsBoundary") or None
            keys["iam:policyarn"] = form.get("PolicyArn", [None])[0]
        return keys

    actions.request_tag_context = request_keys_of_iam_too


def _add_default_versions(iam: _Module) -> None:
    """Provide SetDefaultPolicyVersion, which MiniStack lacks."""

    def set_default_version(parameters: _MiniStackValue) -> tuple[int, Any, Any]:
        policy = iam._policies.get(iam._p(parameters, "PolicyArn"))
        version_id = iam._p(parameters, "VersionId")
        if policy is None or version_id not in policy["Versions"]:
            missing: tuple[int, Any, Any] = iam._error(
                404, "NoSuchEntity", f"Policy version {version_id} not found.", ns="iam"
            )
            return missing
        for version in policy["Versions"].values():
            version["IsDefaultVersion"] = version["VersionId"] == version_id
        policy["DefaultVersionId"] = version_id
        answer: tuple[int, Any, Any] = iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")
        return answer

    iam._IAM_HANDLERS["SetDefaultPolicyVersion"] = set_default_version


def _substituted(part: _MiniStackValue, value: Callable[[re.Match[str]], str]) -> _MiniStackValue:
    """Return *part* of a policy with its variables substituted."""
    match part:
        case str():
            return _VARIABLE.sub(value, part)
        case list():
            return [_substituted(each, value) for each in part]
        case dict():
            return {key: _substituted(each, value) for key, each in part.items()}
    return part


def _complete_tag_search(tagging: _Module) -> None:
    """Include in GetResources the services that AWS includes and MiniStack omits."""

    def collector(service: str) -> Callable[[], Iterator[tuple[str, list[dict[str, str]]]]]:
        def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
            for arn, tags in COLLECTORS[service]():
                # Some of MiniStack's stores have the resources of all regions.
                if tags and arn.split(":")[3] == tagging.get_region():
                    yield arn, tagging._normalise_flat(tags)

        return collect

    tagging._COLLECTORS |= {service: collector(service) for service in _ADDED_TO_TAG_SEARCH}
