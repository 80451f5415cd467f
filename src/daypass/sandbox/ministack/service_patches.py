"""Patches of single services: checks of AWS that MiniStack lacks."""
# ruff: noqa: SLF001  MiniStack has no public API for any of this.

import importlib
import json
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import parse_qs

OWNER_TAG = "sandbox:owner"
"""The tag whose value is treated as the account that owns a bucket."""

_ACL_ACTIONS = frozenset({"s3:PutObjectAcl", "s3:PutObjectVersionAcl"})
_ACL_HEADERS = ("x-amz-acl", "x-amz-grant-read", "x-amz-grant-full-control")
_KMS_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_SUBSCRIPTION_KEYS = {"Endpoint": "sns:endpoint", "Protocol": "sns:protocol"}

_TAGGED_RESOURCE = "ResourceArn"

_Module: TypeAlias = Any
"""A module of MiniStack, which has no types."""
_MiniStackValue: TypeAlias = Any
"""A value that MiniStack passes between its own functions."""


def apply() -> None:
    """Patch the services of this process. To be called once."""
    actions: _Module = importlib.import_module("ministack.core.iam_actions")
    evaluator: _Module = importlib.import_module("ministack.core.iam_evaluator")
    s3: _Module = importlib.import_module("ministack.services.s3")
    sqs: _Module = importlib.import_module("ministack.services.sqs")
    _limit_dead_letter_sources(sqs)
    _pass_subscribers_to_policies(actions)
    _pass_s3_headers_to_policies(actions)
    _own_buckets(evaluator, s3)
    _decide_tagging_by_resource(actions)


def _limit_dead_letter_sources(sqs: _Module) -> None:
    """Honour the target's RedriveAllowPolicy: AWS moves a message only if it permits the source queue."""
    sweep = sqs._dlq_sweep

    def sweep_where_permitted(queue: _MiniStackValue) -> None:
        redrive = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
        target = sqs._queue_by_arn(redrive.get("deadLetterTargetArn", ""))
        if target is not None and not _permits(target, queue["attributes"].get("QueueArn", "")):
            return
        sweep(queue)

    sqs._dlq_sweep = sweep_where_permitted


def _permits(target: _MiniStackValue, source_arn: str) -> bool:
    allowed = json.loads(target["attributes"].get("RedriveAllowPolicy") or "{}")
    # AWS's default for a queue without a rule.
    match allowed.get("redrivePermission", "allowAll"):
        case "denyAll":
            return False
        case "byQueue":
            return source_arn in allowed.get("sourceQueueArns", [])
    return True


def _pass_subscribers_to_policies(actions: _Module) -> None:
    """Provide the condition keys `sns:Endpoint` and `sns:Protocol` for subscriptions."""
    request_keys = actions.request_tag_context

    def request_keys_of_sns_too(
        service: str, action: str, body: bytes, params: _MiniStackValue
    ) -> dict[str, Any]:
        keys: dict[str, Any] = request_keys(service, action, body, params)
        if action == "sns:Subscribe":
            form = parse_qs(body.decode("utf-8", "replace"))
            keys |= {key: form[name][0] for name, key in _SUBSCRIPTION_KEYS.items() if name in form}
        return keys

    actions.request_tag_context = request_keys_of_sns_too


def _pass_s3_headers_to_policies(actions: _Module) -> None:
    """Provide the condition keys for a requested KMS key and, for PutObjectAcl, a requested ACL."""
    request_keys = actions.s3_service_context

    def request_keys_of_headers_too(
        action: str, query: _MiniStackValue, path: str = "", headers: _MiniStackValue = None
    ) -> dict[str, Any]:
        keys: dict[str, Any] = request_keys(action, query, path, headers)
        if action in _ACL_ACTIONS:
            keys |= {f"s3:{name}": headers[name] for name in _ACL_HEADERS if (headers or {}).get(name)}
        if action == "s3:PutObject" and (headers or {}).get(_KMS_KEY_HEADER):
            keys[f"s3:{_KMS_KEY_HEADER}"] = headers[_KMS_KEY_HEADER]
        return keys

    actions.s3_service_context = request_keys_of_headers_too


def _own_buckets(evaluator: _Module, s3: _Module) -> None:
    """Take a bucket's owner from a tag, because the sandbox has one account but bucket names are global."""
    resolve = evaluator._resolve_condition_key

    def resolve_with_owner(key: str, context: _MiniStackValue) -> Any:  # noqa: ANN401  MiniStack's
        _, is_bucket, path = str(context.resource_arn).partition(":s3:::")
        if is_bucket and key.lower() in {"aws:resourceaccount", "s3:resourceaccount"}:
            tags = s3._bucket_tags.get(path.partition("/")[0]) or {}
            return tags.get(OWNER_TAG) or resolve(key, context)
        return resolve(key, context)

    evaluator._resolve_condition_key = resolve_with_owner


def _decide_tagging_by_resource(actions: _Module) -> None:
    """Decide calls about the tags of a table or topic on its ARN; MiniStack decides them on `*`."""
    extract = actions.extract_resource_arn

    def extract_tagged_too(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, list[str]],
        *place: str,
    ) -> str:
        found: str = extract(service, method, path, headers, body, query, *place)
        if found != "*":
            return found
        if service == "sns":
            return next(iter(query.get(_TAGGED_RESOURCE, [])), "*")
        if service == "dynamodb":
            with suppress(ValueError):
                asked = json.loads(body or b"{}")
                return str(asked.get(_TAGGED_RESOURCE, "*")) if isinstance(asked, dict) else "*"
        return found

    actions.extract_resource_arn = extract_tagged_too
