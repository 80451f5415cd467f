"""Patches that leave MiniStack a control plane: calls that execute something are authorized and answered.

MiniStack runs Lambda functions, state machines, builds, jobs, queries and commands on the host, in containers
or in threads. In AWS they run with the rights of a role; in MiniStack with those of the sandbox's process.
"""
# ruff: noqa: SLF001  MiniStack has no public API for any of this.

import importlib
import json
import re
import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any, TypeAlias

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.ministack.imports import on_import

_Module: TypeAlias = Any
"""A module of MiniStack, which has no types."""
_Query: TypeAlias = dict[str, list[str]]
_Answer: TypeAlias = tuple[int, dict[str, str], bytes]
_Handler: TypeAlias = Any
"""A handler of MiniStack, as `daypass.sandbox.ministack.server.Handler`."""

_Target: TypeAlias = Callable[[dict[str, Any], str], dict[str, Any]]
"""A function of an operation's input and of the caller's `aws:userid`, which returns the output."""

# These threads end the waiting time of S3's restores and of imports into DynamoDB; they execute nothing.
_MAY_START_THREADS = frozenset({"ministack.services.s3", "ministack.services.dynamodb"})
_INVOKE = re.compile(r"/\d{4}-\d\d-\d\d/functions/([^/]+)/(?:\w+-)*(?:invocations|invoke-async)/?")


def apply(handlers: dict[str, _Handler], clock: SandboxClock) -> None:
    """Patch the MiniStack of this process. To be called once."""
    _hide_docker()
    _start_no_background_work()
    on_import("ministack.services.lambda_svc", _run_no_functions)
    answers = _Answers(clock)
    for service, targets in answers.of_targets.items():
        if service in handlers:
            handlers[service] = _answering(handlers[service], targets)
    if "lambda" in handlers:
        handlers["lambda"] = _answering_invocations(handlers["lambda"])


def _hide_docker() -> None:
    """Hide Docker's client: MiniStack starts containers wherever it can import it."""
    sys.modules["docker"] = None  # type: ignore[assignment]  # how Python spells a module that must not load


def _start_no_background_work() -> None:
    """Start no threads of MiniStack's services: they run executions, pollers, schedules and reapers."""
    concurrency: _Module = importlib.import_module("ministack.core.concurrency")
    # Of type `Any`, because mypy lets no method be assigned.
    threads: _Module = threading.Thread
    start, spawn = threads.start, concurrency.spawn_background

    def start_if_harmless(thread: threading.Thread) -> None:
        if _may_start(sys._getframe(1).f_globals["__name__"]):
            start(thread)

    def spawn_if_harmless(
        function: Callable[..., Any], *args: object, **more: object
    ) -> threading.Thread | None:
        if not _may_start(sys._getframe(1).f_globals["__name__"]):
            return None
        thread: threading.Thread = spawn(function, *args, **more)
        return thread

    threads.start = start_if_harmless
    concurrency.spawn_background = spawn_if_harmless


def _may_start(module: str) -> bool:
    return not module.startswith("ministack.services.") or module in _MAY_START_THREADS


def _run_no_functions(functions: _Module) -> None:
    """Run no function for topics, streams, rules and buckets, and make a new one active at once.

    MiniStack would make it active in a background thread, and those are not started.
    """

    def activate(name: str, _delay: float) -> None:
        record = functions._functions.get(name) or {}
        versions = [version.get("config") for version in record.get("versions", {}).values()]
        for configuration in filter(None, [record.get("config"), *versions]):
            configuration |= {"State": "Active", "LastUpdateStatus": "Successful"}
            configuration |= {"StateReason": "", "StateReasonCode": ""}

    functions._execute_function = lambda _function, _event: {"body": None}
    functions._ensure_poller = lambda: None
    functions._schedule_state_transition = activate


class _Answers:
    """The responses to calls that would execute something, by service and operation."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self.of_targets: dict[str, dict[str, _Target]] = {
            "states": {"StartSyncExecution": self._sync_execution, "TestState": _tested_state},
            "athena": {"StartQueryExecution": lambda *_: {"QueryExecutionId": str(uuid.uuid4())}},
            "ecs": {"ExecuteCommand": _command},
            "ssm": {
                "StartSession": lambda _, user: _session(user, "SessionId", "StreamUrl", "TokenValue"),
                "ResumeSession": lambda _, user: _session(user, "SessionId", "StreamUrl", "TokenValue"),
                "TerminateSession": lambda asked, _: {"SessionId": asked.get("SessionId", "")},
            },
        }

    def _sync_execution(self, asked: dict[str, Any], _user: str) -> dict[str, Any]:
        now, arn = self._clock.timestamp(), str(asked.get("stateMachineArn", ""))
        name = asked.get("name") or str(uuid.uuid4())
        return {
            "executionArn": f"{arn.replace(':stateMachine:', ':express:')}:{name}:{uuid.uuid4()}",
            "stateMachineArn": arn,
            "name": name,
            "startDate": now,
            "stopDate": now,
            "status": "SUCCEEDED",
            "input": asked.get("input", "{}"),
            "output": "{}",
        }


def _tested_state(_asked: dict[str, Any], _user: str) -> dict[str, Any]:
    return {"output": "{}", "status": "SUCCEEDED"}


def _command(asked: dict[str, Any], user: str) -> dict[str, Any]:
    return {
        "clusterArn": asked.get("cluster", "default"),
        "taskArn": asked.get("task", ""),
        "containerName": asked.get("container", ""),
        "interactive": True,
        "session": _session(user, "sessionId", "streamUrl", "tokenValue"),
    }


def _session(user: str, identifier: str, url: str, token: str) -> dict[str, Any]:
    # AWS names sessions after `aws:userid`, so that policies can restrict users to their own.
    name = f"{user}-{uuid.uuid4().hex[:17]}"
    # An address that leads nowhere: a client that connects to it fails.
    return {identifier: name, url: f"wss://sandbox.invalid/{name}", token: uuid.uuid4().hex}


def _answering(next_handler: _Handler, targets: dict[str, _Target]) -> _Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: _Query) -> _Answer:
        answer = targets.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if answer is None:
            passed: _Answer = await next_handler(method, path, headers, body, query)
            return passed
        asked = json.loads(body or b"{}")
        return (
            200,
            {"Content-Type": "application/x-amz-json-1.1"},
            json.dumps(answer(asked, _user(headers, query))).encode(),
        )

    return handle


def _user(headers: dict[str, str], query: _Query) -> str:
    """Return the `aws:userid` of the caller, whom MiniStack has authenticated."""
    router: _Module = importlib.import_module("ministack.core.router")
    evaluator: _Module = importlib.import_module("ministack.core.iam_evaluator")
    responses: _Module = importlib.import_module("ministack.core.responses")
    key = router.extract_access_key_id(headers, query)
    return str(evaluator.resolve_credential(key, responses.get_account_id()).principal_id)


def _answering_invocations(next_handler: _Handler) -> _Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: _Query) -> _Answer:
        invoked = _INVOKE.fullmatch(path) if method == "POST" else None
        answer: _Answer
        if invoked is None:
            answer = await next_handler(method, path, headers, body, query)
            return answer
        # MiniStack answers for a missing function as it does without this patch.
        path = f"/2015-03-31/functions/{invoked.group(1)}/configuration"
        answer = await next_handler("GET", path, headers, b"", query)
        if answer[0] != 200:
            return answer
        match headers.get("x-amz-invocation-type", "RequestResponse"):
            case "Event":
                return 202, {}, b""
            case "DryRun":
                return 204, {}, b""
        return 200, {"Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST"}, b"null"

    return handle
