"""Patches of MiniStack's authorization: which decisions a call needs, and the condition keys they read.

MiniStack decides once for a call, in most services on the resource `*`. AWS decides on the ARN of each
resource that the call names, and again for passing a role and for tagging what is created.
"""
# ruff: noqa: SLF001  MiniStack has no public API for any of this.

import importlib
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import quote

from daypass.sandbox.authorization.call import SERVICES, Call, json_members, read_call
from daypass.sandbox.authorization.checks import Check, checks
from daypass.sandbox.authorization.tags import has_tags, tag_keys
from daypass.sandbox.ministack.resource_tags import tags_of

_Module: TypeAlias = Any
"""A module of MiniStack, which has no types."""
_MiniStackValue: TypeAlias = Any
"""A value that MiniStack passes between its own functions."""
_Params: TypeAlias = dict[str, list[str]]

_RESOURCE_TAG = "aws:resourcetag/"
# Services call each other in AWS; only callers with keys call the sandbox.
_DIRECT_CALL = {"aws:viaawsservice": "false", "aws:principalisawsservice": "false"}
UNKNOWN_OPERATION = ":unknown"
"""The end of the action of a request whose operation the service does not have."""

_NEW_APIS = ("::/restapis", "::/apis")

_needed: ContextVar[list[Check]] = ContextVar("needed")
_denied: ContextVar[Check | None] = ContextVar("denied")


def apply() -> None:
    """Patch the MiniStack of this process. To be called once."""
    actions: _Module = importlib.import_module("ministack.core.iam_actions")
    evaluator: _Module = importlib.import_module("ministack.core.iam_evaluator")
    _read_actions(actions)
    _note_decisions(actions)
    _decide_for_every_part(evaluator)
    _deny_the_part(actions)
    _read_tags(actions)
    _resolve_resource_tags(evaluator)


def _read_actions(actions: _Module) -> None:
    """Read the operation in the service's protocol. MiniStack guesses it, and lets unknown ones pass."""
    extract = actions.extract_iam_action

    def extract_of_own_protocol(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: _Params
    ) -> str | None:
        if service not in SERVICES:
            found: str | None = extract(service, method, path, headers, body, query)
            return found
        call = read_call(service, method, path, headers, query, body)
        return call.action if call is not None else f"{service}{UNKNOWN_OPERATION}"

    actions.extract_iam_action = extract_of_own_protocol


def _note_decisions(actions: _Module) -> None:
    """Work out a call's decisions where MiniStack works out its one resource."""
    extract = actions.extract_resource_arn

    def note_decisions(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: _Params,
        region: str,
        account: str,
    ) -> str:
        _denied.set(None)
        _needed.set([])
        call = read_call(service, method, path, headers, query, body) if service in SERVICES else None
        if call is None:
            found: str = extract(service, method, path, headers, body, query, region, account)
            _needed.set(_of_new_api(service, method, found, region, body))
            return found
        needed = [
            check
            for each in _with_mapped_function(replace(call, region=region, account=account))
            for check in checks(each, _stored_arn, _role_of)
        ]
        _needed.set(needed)
        return needed[0].arn

    actions.extract_resource_arn = note_decisions
    # Every bus of PutEvents is among the decisions.
    actions.eventbridge_resource_arns = lambda *_: []


def _of_new_api(service: str, method: str, arn: str, region: str, body: bytes) -> list[Check]:
    """Return the decisions for an API that is created with tags: AWS asks for the right to them, too."""
    if service != "apigateway" or method != "POST" or not arn.endswith(_NEW_APIS):
        return []
    call = Call(service, "", json_members(body))
    if not has_tags(call):
        return []
    keys, tagged = tag_keys(call), quote(f"{arn}/", safe="")
    tags = f"arn:aws:apigateway:{region}::/tags/{tagged}*"
    return [Check("apigateway:POST", arn, keys), Check("apigateway:PUT", tags, keys)]


def _decide_for_every_part(evaluator: _Module) -> None:
    """Make all decisions that the call needs, where MiniStack makes one; the first Deny is the answer."""
    enforce = evaluator.enforce

    def enforce_every_part(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: _MiniStackValue
    ) -> _MiniStackValue:
        needed = _needed.get([])
        _needed.set([])
        if not needed:
            return enforce(key, action, service, region, resource_arn=resource_arn, **more)
        for check in needed:
            # A role has no resource policy that could allow passing it.
            owner = "iam" if check.action.startswith("iam:") else service
            result = enforce(
                key, check.action, owner, region, resource_arn=check.arn, service_context=check.keys
            )
            if result is not None:
                _denied.set(check)
                return result
        return None

    evaluator.enforce = enforce_every_part


def _deny_the_part(actions: _Module) -> None:
    """Name the action and the resource of the decision that was a Deny."""
    deny = actions.access_denied_response

    def deny_the_part(
        service: str, action: str, principal: str, request_id: str, **named: _MiniStackValue
    ) -> _MiniStackValue:
        check = _denied.get(None)
        if check is not None and "resource_arn" in named:
            action, named["resource_arn"] = check.action, check.arn
        return deny(service, action, principal, request_id, **named)

    actions.access_denied_response = deny_the_part


def _read_tags(actions: _Module) -> None:
    """Provide the keys of tags for API Gateway, whose actions are HTTP methods; MiniStack lacks them."""
    request_keys: Callable[..., dict[str, Any]] = actions.request_tag_context

    def request_keys_of_apis_too(service: str, action: str, body: bytes, params: _Params) -> dict[str, Any]:
        # The decisions of the services above carry their keys.
        if service in SERVICES:
            return {}
        if service != "apigateway":
            return request_keys(service, action, body, params)
        # UntagResource of API Gateway has the keys in the query.
        members = json_members(body) | {name: params[name] for name in ("tagKeys",) if name in params}
        return tag_keys(Call(service, action.partition(":")[2], members))

    actions.request_tag_context = request_keys_of_apis_too


def _resolve_resource_tags(evaluator: _Module) -> None:
    """Read `aws:ResourceTag` from the resource, in every policy that counts.

    MiniStack reads it only where a policy of the identity names the key, so that a guard in the boundary or
    the session policy never applies.
    """
    resolve = evaluator._resolve_condition_key
    evaluator._names_condition_key = lambda _policies, _prefix: False

    def resolve_with_resource(key: str, context: _MiniStackValue) -> Any:  # noqa: ANN401  MiniStack's
        name = key.lower()
        if name in _DIRECT_CALL:
            return _DIRECT_CALL[name]
        if name.startswith(_RESOURCE_TAG):
            wanted = name.removeprefix(_RESOURCE_TAG)
            tags = tags_of(context.resource_arn)
            return next((value for key, value in tags.items() if key.lower() == wanted), None)
        return resolve(key, context)

    evaluator._resolve_condition_key = resolve_with_resource


def _with_mapped_function(call: Call) -> list[Call]:
    """Return *call* with the function that its event source mapping has, and as it is if it names one."""
    mapping: _MiniStackValue = {}
    if call.service == "lambda" and call.values("UUID"):
        mapping = _service("lambda_svc")._esms.get(call.values("UUID")[0]) or {}
    if not mapping:
        return [call]
    stored = replace(call, members=call.members | {"FunctionName": mapping["FunctionArn"]})
    return [stored, call] if call.values("FunctionName") else [stored]


def _stored_arn(call: Call, arn: str) -> str:
    """Return the ARN of the resource that *arn* leads to: a key by its alias, a secret with its suffix."""
    match call.service:
        case "kms" if (":alias/" in arn and "Alias" not in call.operation) or ":key/alias/" in arn:
            alias = arn[arn.index("alias/") :]
            return str((_service("kms")._resolve_key(alias) or {}).get("Arn", arn))
        case "kms" if arn == "*" and call.values("CiphertextBlob"):
            actions: _Module = importlib.import_module("ministack.core.iam_actions")
            key = actions._kms_key_id_from_ciphertext(call.values("CiphertextBlob")[0])
            return str((_service("kms")._resolve_key(key) or {}).get("Arn", arn))
        case "secretsmanager" if call.values("SecretId"):
            _, secret = _service("secretsmanager")._resolve(call.values("SecretId")[0])
            return str(secret["ARN"]) if secret else arn
        case "elasticfilesystem" if call.values("MountTargetId"):
            target = _service("efs")._mount_targets.get(call.values("MountTargetId")[0]) or {}
            head = f"arn:aws:elasticfilesystem:{call.region}:{call.account}:file-system"
            return f"{head}/{target['FileSystemId']}" if target else arn
        case "autoscaling" if ":autoScalingGroupName/" in arn:
            group = _service("autoscaling")._asgs.get(arn.rpartition("/")[2]) or {}
            return str(group.get("AutoScalingGroupARN", arn))
    return arn


def _role_of(passed: str) -> str:
    """Return the role of an instance profile, given by name or ARN; other roles as they are."""
    if ":role/" in passed:
        return passed
    profiles = _service("iam")._instance_profiles
    profile = profiles.get(passed.rpartition("/")[2]) or {}
    roles = profile.get("Roles") or []
    first = roles[0] if roles else passed
    return str(first.get("Arn", first.get("RoleName")) if isinstance(first, dict) else first)


def _service(name: str) -> _Module:
    return importlib.import_module(f"ministack.services.{name}")
