"""The interface to MiniStack. Only this module and the patches use its internals.

MiniStack reads its settings from the environment at import, so there is at most one per process.
`tests/sandbox/test_contract.py` fails if a new version changes anything that is used here.
"""
# ruff: noqa: SLF001  MiniStack has no public API for its roles, sessions and responses.

import importlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.ministack import control_plane, patches

SERVICES = (
    frozenset({"s3", "dynamodb", "sqs", "sns", "kinesis", "firehose", "sts", "iam", "tagging", "apigateway"})
    | frozenset(
        {
            "lambda",
            "ecs",
            "ecr",
            "ec2",
            "autoscaling",
            "elasticloadbalancing",
            "batch",
            "codebuild",
            "states",
            "scheduler",
            "events",
        }
    )
    | frozenset({"rds", "elasticache", "opensearch", "elasticfilesystem", "glue", "athena"})
    | frozenset({"secretsmanager", "ssm", "kms", "acm", "logs", "monitoring"})
)
"""The enabled services, by MiniStack's names. Of the others some listen on further ports."""

_SIGNING_NAMES = {"opensearch": "es"}

_TEMPLATES = "cloudformation"

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body, as returned by MiniStack's handlers."""

Params = dict[str, list[str]]
Handler = Callable[[str, str, dict[str, str], bytes, Params], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal that signed a request. `session` is None for the root and for IAM users."""

    access_key_id: str
    arn: str
    kind: str
    account_id: str
    session: dict[str, Any] | None


class MiniStack:
    """A MiniStack with IAM enforcement, one account, the configured root key and the sandbox's clock."""

    def __init__(self, config: SandboxConfig, clock: SandboxClock) -> None:
        os.environ.update(_environment(config))
        # Imported only now, because MiniStack reads the environment at import.
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
        control_plane.apply(self._app.SERVICE_HANDLERS, clock)

    def serves(self, signed: str, routed: str) -> bool:
        """Return whether a request signed for one service and routed to another is for an enabled one."""
        return routed in self.services and signed in {
            _SIGNING_NAMES.get(name, name) for name in self.services
        }

    @property
    def asgi(self) -> ASGIApp:
        """The ASGI application. Do not send it lifespan events: they would start listeners and reapers."""
        app: ASGIApp = self._app.app
        return app

    def replace_handler(self, service: str, make: Callable[[Handler], Handler]) -> None:
        """Wrap *service*'s handler with *make*. MiniStack authenticates a request before the handler."""
        self._app.SERVICE_HANDLERS[service] = make(self._app.SERVICE_HANDLERS[service])

    # --- principals, actions and roles ----------------------------------------------------------

    def caller(self, headers: dict[str, str], query: Params) -> Caller:
        """Return the principal that signed a request, after MiniStack has authenticated it."""
        access_key_id = self._router.extract_access_key_id(headers, query)
        credential = self._evaluator.resolve_credential(access_key_id, self._config.account_id)
        return Caller(
            access_key_id=access_key_id,
            arn=credential.principal_arn,
            kind=credential.principal_type,
            account_id=credential.account_id,
            session=self.session(access_key_id),
        )

    def service(self, method: str, path: str, headers: dict[str, str], query: Params) -> str:
        """Return the service to which MiniStack routes the request."""
        service: str = self._router.detect_service(method, path, headers, query)
        return service

    def action(self, method: str, path: str, headers: dict[str, str], query: Params, body: bytes) -> str:
        """Return the request's IAM action, such as `sts:AssumeRole`, or an empty string."""
        service = self.service(method, path, headers, query)
        return self._actions.extract_iam_action(service, method, path, headers, body, query) or ""

    def role(self, arn: str) -> dict[str, Any] | None:
        """Return the stored role with this ARN, or None."""
        role = self._iam._roles.get_scoped(self._config.account_id, None, arn.rsplit("/", 1)[-1])
        return role if role is not None and role["Arn"] == arn else None

    def trusts(self, role: dict[str, Any], caller: Caller, action: str, context: dict[str, Any]) -> bool:
        """Return whether *caller* may do *action* on *role*, by the trust policy and the caller's policies.

        As in AWS, a trust policy that names the caller is sufficient within one account; one that
        names the account delegates the decision to the caller's policies.
        """
        evaluator = self._evaluator
        principal = evaluator.resolve_principal(caller.access_key_id, caller.account_id)
        evaluation = evaluator.EvalContext(
            principal_arn=caller.arn,
            principal_type=caller.kind,
            principal_account=caller.account_id,
            action=action,
            resource_arn=role["Arn"],
            region=self._responses.get_region(),
            service_context=context,
            principal_keys=principal.keys,
        )
        own = evaluator.evaluate(evaluation, principal.policies, *principal.limits)
        trust = role["AssumeRolePolicyDocument"]
        decision = evaluator.combine_resource_policy(
            own, evaluation, trust, self._config.account_id, required=True, limits=tuple(principal.limits)
        )
        return bool(decision.decision == "Allow")

    def has_policy(self, arn: str) -> bool:
        """Return whether a managed policy, AWS's or the account's, has this ARN."""
        return bool(self._iam.policy_known(arn, self._config.account_id))

    def attached_policies(self, role: str) -> list[str]:
        """Return the ARNs of a role's managed policies; a missing role has none."""
        return list((self._iam._roles.get(role) or {}).get("AttachedPolicies") or [])

    def inline_policies(self, kind: str, name: str) -> dict[str, Any]:
        """Return the documents of the inline policies of a `Role`, `User` or `Group`, by name."""
        match kind:
            case "Role":
                stored = (self._iam._roles.get(name) or {}).get("InlinePolicies")
            case "User":
                stored = self._iam._user_inline_policies.get(name)
            case _:
                stored = self._iam._group_inline_policies.get(name)
        return dict(stored or {})

    # --- sessions -------------------------------------------------------------------------------

    def session(self, access_key_id: str) -> dict[str, Any] | None:
        """Return the record of a temporary key, expired or not, or None."""
        # The root key is stored as a session, so that MiniStack checks its signature (see `patches`).
        if access_key_id == self._config.root_access_key_id:
            return None
        record: dict[str, Any] | None = self._sts._sessions.get(access_key_id)
        return record

    def open_session(self, record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Store *record* under a new temporary key; returns the key id and the complete record."""
        access_key_id = self._iam._gen_session_access_key()
        record |= {
            "SecretAccessKey": self._iam._gen_secret(),
            "SessionToken": self._iam._gen_session_token(),
        }
        self._sts.register_session(access_key_id, record)
        return access_key_id, record

    def session_tags(self, params: Params) -> tuple[list[dict[str, str]], Answer | None]:
        """Return the tags of an AssumeRole request, or AWS's error response."""
        tags, error = self._sts._session_tags(params)
        return tags or [], error

    def session_policies(self, params: Params) -> tuple[dict[str, Any], Answer | None]:
        """Return the session policies of an AssumeRole request, or AWS's error response."""
        policies, error = self._sts._session_policies(params, self._config.account_id)
        return policies or {}, error

    # --- responses ------------------------------------------------------------------------------

    def error(self, service: str, status: int, code: str, message: str, headers: dict[str, str]) -> Answer:
        """Return an error in the format of *service*."""
        _, fields, body = self._actions.access_denied_response(
            service, "", "", self._responses.new_uuid(), error_code=code, message=message, headers=headers
        )
        return status, fields, body

    def unsigned_error(self, service: str, headers: dict[str, str]) -> Answer:
        """Return the error of *service* for an unsigned request."""
        code, message = "MissingAuthenticationToken", "Request is missing Authentication Token"
        answer: Answer = self._actions.access_denied_response(
            service, "", "", self._responses.new_uuid(), error_code=code, message=message, headers=headers
        )
        return answer

    def sts_answer(self, action: str, inner: str) -> Answer:
        """Return a successful STS response that contains the XML *inner*."""
        wrapped = f"<{action}Result>{inner}</{action}Result>"
        answer: Answer = self._iam._xml(200, f"{action}Response", wrapped, ns="sts")
        return answer


def _services(config: SandboxConfig) -> frozenset[str]:
    return SERVICES | {_TEMPLATES} if config.takes_templates else SERVICES


def _environment(config: SandboxConfig) -> dict[str, str]:
    return {
        # MiniStack checks signatures and policies only with this variable.
        "AUTH": "true",
        "SERVICES": ",".join(sorted(_services(config))),
        "MINISTACK_ACCOUNT_ID": config.account_id,
        "MINISTACK_REGION": config.region,
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(config.port),
        "LOG_LEVEL": "ERROR",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        # An unknown AWS managed policy is an error, as in AWS.
        "MINISTACK_AUTOCREATE_AWS_MANAGED": "0",
    }
