"""MiniStack, and what we ask of it. Together with `mends` the only place that knows its insides.

MiniStack reads its settings from the environment at import, so a process holds one at most.
`tests/sandbox/test_contract.py` fails when a new version moves anything that is used here.
"""
# ruff: noqa: SLF001  MiniStack has no public names for its roles, sessions and answers.

import importlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.ministack import patches

SERVICES = frozenset({"s3", "dynamodb", "sqs", "sns", "kinesis", "sts", "iam", "tagging", "apigateway"})
"""What is served. The rest stays off: some of it starts containers or listens on ports of its own."""

_TEMPLATES = "cloudformation"

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body, as MiniStack's handlers give it."""

Params = dict[str, list[str]]
Handler = Callable[[str, str, dict[str, str], bytes, Params], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key signed a request. `session` is None for the root and for IAM users."""

    access_key_id: str
    arn: str
    kind: str
    account_id: str
    session: dict[str, Any] | None


class MiniStack:
    """MiniStack with enforcement on, one account, our root key and our clock."""

    def __init__(self, config: SandboxConfig, clock: SandboxClock) -> None:
        os.environ.update(_environment(config))
        self._app: Any = importlib.import_module("ministack.app")
        self._actions: Any = importlib.import_module("ministack.core.iam_actions")
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._router: Any = importlib.import_module("ministack.core.router")
        self._iam: Any = importlib.import_module("ministack.services.iam")
        self._sts: Any = importlib.import_module("ministack.services.sts")
        self._config = config
        self.services = _services(config)
        patches.apply(config, clock)

    @property
    def asgi(self) -> ASGIApp:
        """The ASGI application. Its lifespan must stay unsent: it would start listeners and reapers."""
        app: ASGIApp = self._app.app
        return app

    def replace_handler(self, service: str, make: Callable[[Handler], Handler]) -> None:
        """Put our own handler before *service*'s; MiniStack has authenticated the request by then."""
        self._app.SERVICE_HANDLERS[service] = make(self._app.SERVICE_HANDLERS[service])

    # --- who and what ---------------------------------------------------------------------------

    def caller(self, headers: dict[str, str], query: Params) -> Caller:
        """Who signed a request that MiniStack has authenticated."""
        access_key_id = self._router.extract_access_key_id(headers, query)
        found = self._evaluator.resolve_credential(access_key_id, self._config.account_id)
        return Caller(
            access_key_id=access_key_id,
            arn=found.principal_arn,
            kind=found.principal_type,
            account_id=found.account_id,
            session=self.session(access_key_id),
        )

    def service(self, method: str, path: str, headers: dict[str, str], query: Params) -> str:
        """The service to which MiniStack takes such a request."""
        service: str = self._router.detect_service(method, path, headers, query)
        return service

    def action(self, method: str, path: str, headers: dict[str, str], query: Params, body: bytes) -> str:
        """The request's name as policies write it (`sts:AssumeRole`), or an empty string."""
        service = self.service(method, path, headers, query)
        return self._actions.extract_iam_action(service, method, path, headers, body, query) or ""

    def role(self, arn: str) -> dict[str, Any] | None:
        """The stored role of that very ARN."""
        role = self._iam._roles.get_scoped(self._config.account_id, None, arn.rsplit("/", 1)[-1])
        return role if role is not None and role["Arn"] == arn else None

    def trusts(self, role: dict[str, Any], caller: Caller, action: str, context: dict[str, Any]) -> bool:
        """Whether *caller* may do *action* on *role*: by the trust policy and by its own policies.

        As in AWS, a trust policy that names the caller itself is enough within one account; one that
        names the account leaves the answer to the caller's own policies.
        """
        evaluator = self._evaluator
        principal = evaluator.resolve_principal(caller.access_key_id, caller.account_id)
        ask = evaluator.EvalContext(
            principal_arn=caller.arn,
            principal_type=caller.kind,
            principal_account=caller.account_id,
            action=action,
            resource_arn=role["Arn"],
            region=self._responses.get_region(),
            service_context=context,
            principal_keys=principal.keys,
        )
        own = evaluator.evaluate(ask, principal.policies, *principal.limits)
        trust = role["AssumeRolePolicyDocument"]
        decision = evaluator.combine_resource_policy(
            own, ask, trust, self._config.account_id, required=True, limits=tuple(principal.limits)
        )
        return bool(decision.decision == "Allow")

    # --- sessions -------------------------------------------------------------------------------

    def session(self, access_key_id: str) -> dict[str, Any] | None:
        """The temporary key's record, expired or not."""
        if access_key_id == self._config.root_access_key_id:
            return None
        record: dict[str, Any] | None = self._sts._sessions.get(access_key_id)
        return record

    def open_session(self, record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Store *record* under a new temporary key; answers the key's id and the whole record."""
        access_key_id = self._iam._gen_session_access_key()
        record |= {
            "SecretAccessKey": self._iam._gen_secret(),
            "SessionToken": self._iam._gen_session_token(),
        }
        self._sts.register_session(access_key_id, record)
        return access_key_id, record

    def session_tags(self, params: Params) -> tuple[list[dict[str, str]], Answer | None]:
        """The tags an AssumeRole asks for, or AWS's complaint about them."""
        tags, complaint = self._sts._session_tags(params)
        return tags or [], complaint

    def session_policies(self, params: Params) -> tuple[dict[str, Any], Answer | None]:
        """The session policies an AssumeRole asks for, or AWS's complaint about them."""
        policies, complaint = self._sts._session_policies(params, self._config.account_id)
        return policies or {}, complaint

    # --- answers --------------------------------------------------------------------------------

    def error(self, service: str, status: int, code: str, message: str, headers: dict[str, str]) -> Answer:
        """An error in the shape in which *service* would give it."""
        _, fields, body = self._actions.access_denied_response(
            service, "", "", self._responses.new_uuid(), error_code=code, message=message, headers=headers
        )
        return status, fields, body

    def unsigned_error(self, service: str, headers: dict[str, str]) -> Answer:
        """What *service* answers a request without a signature."""
        code, message = "MissingAuthenticationToken", "Request is missing Authentication Token"
        answer: Answer = self._actions.access_denied_response(
            service, "", "", self._responses.new_uuid(), error_code=code, message=message, headers=headers
        )
        return answer

    def sts_answer(self, action: str, inner: str) -> Answer:
        """A success of STS around the XML *inner*."""
        wrapped = f"<{action}Result>{inner}</{action}Result>"
        answer: Answer = self._iam._xml(200, f"{action}Response", wrapped, ns="sts")
        return answer


def _services(config: SandboxConfig) -> frozenset[str]:
    return SERVICES | {_TEMPLATES} if config.takes_templates else SERVICES


def _environment(config: SandboxConfig) -> dict[str, str]:
    return {
        "AUTH": "true",
        "SERVICES": ",".join(sorted(_services(config))),
        "MINISTACK_ACCOUNT_ID": config.account_id,
        "MINISTACK_REGION": config.region,
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(config.port),
        "LOG_LEVEL": "ERROR",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "MINISTACK_AUTOCREATE_AWS_MANAGED": "0",
    }
