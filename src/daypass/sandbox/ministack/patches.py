"""Every point where we change MiniStack from within, and why nothing outside would do.

Each mend names what is unlike AWS. What can be mended by wrapping a request is mended there instead.
"""
# ruff: noqa: SLF001  MiniStack offers no public way to any of this.

import datetime as real_datetime
import importlib
import re
import time as real_time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.ministack import service_patches

_VARIABLE = re.compile(r"\$\{([\w:/@.+= -]+)\}", re.ASCII)
_BOUNDED = frozenset({"iam:CreateRole", "iam:PutRolePolicy"})
_JSON_SERVICES = frozenset({"dynamodb", "kinesis", "tagging"})

_Module: TypeAlias = Any
"""One of MiniStack's modules, none of which has types."""
_Theirs: TypeAlias = Any
"""Something that MiniStack hands from one of its functions to another."""


def apply(config: SandboxConfig, clock: SandboxClock) -> None:
    """Mend the MiniStack of this process. Once."""
    actions: _Module = importlib.import_module("ministack.core.iam_actions")
    evaluator: _Module = importlib.import_module("ministack.core.iam_evaluator")
    iam: _Module = importlib.import_module("ministack.services.iam")
    sts: _Module = importlib.import_module("ministack.services.sts")
    tagging: _Module = importlib.import_module("ministack.services.tagging")
    _follow(clock, evaluator, iam, sts)
    _keep_expired_sessions(sts)
    _admit_only_our_root(config, evaluator, sts)
    _tell_the_source_identity(evaluator, sts)
    _leave_assume_role_to_us(evaluator)
    _deny_as_aws_does(actions)
    _fill_in_policy_variables(evaluator)
    _tell_the_boundary(config, actions, iam)
    _find_streams_and_apis_by_tag(tagging)
    service_patches.apply()


def _follow(clock: SandboxClock, evaluator: _Module, iam: _Module, sts: _Module) -> None:
    """Give the modules that end sessions our clock; the signature check keeps the machine's."""

    def gmtime(at: float | None = None) -> real_time.struct_time:
        return real_time.gmtime(clock.timestamp() if at is None else at)

    class Moment(real_datetime.datetime):
        @classmethod
        def now(cls, tz: real_datetime.tzinfo | None = None) -> "Moment":
            return cls.fromtimestamp(clock.timestamp(), tz)

    ours = SimpleNamespace(**vars(real_time) | {"time": clock.timestamp, "gmtime": gmtime})
    sts.time = iam.time = evaluator.time = ours
    evaluator._dt = SimpleNamespace(**vars(real_datetime) | {"datetime": Moment})


def _keep_expired_sessions(sts: _Module) -> None:
    """MiniStack forgets expired keys at the next AssumeRole, and then they would be *unknown*."""
    sts._evict_expired_sessions = lambda: None


def _admit_only_our_root(config: SandboxConfig, evaluator: _Module, sts: _Module) -> None:
    """MiniStack takes `test`, account ids and no key at all for the root, and checks no signature of it.

    As a record among the sessions, our root key is checked like every other key.
    """
    evaluator.is_root_access_key = sts.is_root_access_key = lambda _key: False
    sts._sessions[config.root_access_key_id] = {
        "Arn": f"arn:aws:iam::{config.account_id}:root",
        "UserId": config.account_id,
        "AccountId": config.account_id,
        "PrincipalType": "Root",
        "SecretAccessKey": config.root_secret_access_key,
    }


def _tell_the_source_identity(evaluator: _Module, sts: _Module) -> None:
    """Policies may ask for `aws:SourceIdentity`, which MiniStack does not know."""
    describe = evaluator._principal_keys

    def describe_with_source_identity(credential: _Theirs) -> dict[str, Any]:
        keys: dict[str, Any] = describe(credential)
        session = sts._sessions.get(credential.access_key_id) or {}
        if session.get("SourceIdentity"):
            keys["aws:sourceidentity"] = session["SourceIdentity"]
        return keys

    evaluator._principal_keys = describe_with_source_identity


def _leave_assume_role_to_us(evaluator: _Module) -> None:
    """MiniStack would decide AssumeRole without the condition keys of STS; `sts.py` decides it whole."""
    evaluator._ALWAYS_ALLOWED_ACTIONS |= {"sts:AssumeRole"}


def _deny_as_aws_does(actions: _Module) -> None:
    """AWS's JSON services refuse with 400, not 403, and every service names the resource it refused."""
    deny = actions.access_denied_response

    def deny_in_full(
        service: str,
        action: str,
        principal_arn: str,
        request_id: str,
        **named: _Theirs,
    ) -> tuple[int, Any, Any]:
        resource = named.get("resource_arn", "*")
        is_told = named.get("error_code") or named.get("message") or named.get("resource_policy_arn")
        if resource != "*" and not is_told:
            explicit = named.get("explicit_deny", False)
            named["message"] = actions.identity_denial_message(action, principal_arn, resource, explicit)
        status, headers, body = deny(service, action, principal_arn, request_id, **named)
        return (400 if service in _JSON_SERVICES else status), headers, body

    actions.access_denied_response = deny_in_full


def _fill_in_policy_variables(evaluator: _Module) -> None:
    """MiniStack takes `${aws:PrincipalTag/tenant}` for plain text; AWS puts the caller's value there."""
    first_match = evaluator._first_match

    def first_match_filled(ask: _Theirs, statements: list[_Theirs], effect: str) -> _Theirs:
        def value(variable: re.Match[str]) -> str:
            found = evaluator._resolve_condition_key(variable.group(1), ask)
            # An unknown variable matches nothing, so it stays what no name can be.
            return found if isinstance(found, str) else variable.group()

        filled = [
            replace(
                statement,
                resources=_filled(statement.resources, value),
                not_resources=_filled(statement.not_resources, value),
                conditions=_filled(statement.conditions, value),
            )
            for statement in statements
        ]
        return first_match(ask, filled, effect)

    evaluator._first_match = first_match_filled


def _tell_the_boundary(config: SandboxConfig, actions: _Module, iam: _Module) -> None:
    """MiniStack lets no policy ask for `iam:PermissionsBoundary`, as AWS does where roles are made."""
    request_keys = actions.request_tag_context

    def request_keys_of_iam_too(service: str, action: str, body: bytes, params: _Theirs) -> dict[str, Any]:
        keys: dict[str, Any] = request_keys(service, action, body, params)
        form = parse_qs(body.decode("utf-8", "replace")) if action in _BOUNDED else {}
        if action == "iam:CreateRole":
            keys["iam:permissionsboundary"] = form.get("PermissionsBoundary", [None])[0]
        elif form:
            role = iam._roles.get_scoped(config.account_id, None, form.get("RoleName", [""])[0]) or {}
            keys["iam:permissionsboundary"] = role.get("PermissionsBoundary") or None
        return keys

    actions.request_tag_context = request_keys_of_iam_too


def _filled(part: _Theirs, value: Callable[[re.Match[str]], str]) -> _Theirs:
    """*part* of a policy with the value of each variable in its place."""
    match part:
        case str():
            return _VARIABLE.sub(value, part)
        case list():
            return [_filled(each, value) for each in part]
        case dict():
            return {key: _filled(each, value) for key, each in part.items()}
    return part


def _find_streams_and_apis_by_tag(tagging: _Module) -> None:
    """MiniStack's GetResources leaves out Kinesis and API Gateway."""
    kinesis: _Module = importlib.import_module("ministack.services.kinesis")
    apigateway: _Module = importlib.import_module("ministack.services.apigateway_v1")

    def streams() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for stream in kinesis._streams.values():
            yield stream["StreamARN"], tagging._normalise_flat(stream["tags"])

    def apis() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for arn, tags in apigateway._v1_tags.items():
            if f":apigateway:{tagging.get_region()}:" in arn:
                yield arn, tagging._normalise_flat(tags)

    tagging._COLLECTORS |= {"kinesis": streams, "apigateway": apis}
