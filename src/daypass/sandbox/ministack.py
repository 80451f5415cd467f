"""The one place that imports MiniStack, and every point where we reach into it.

MiniStack reads its settings from the environment at import, so a process holds one at most.
`tests/sandbox/test_contract.py` fails when a new version moves anything that is used here.
"""
# ruff: noqa: SLF001  MiniStack offers no public way to what this module mends; here, and only here, we reach in.

import datetime as real_datetime
import importlib
import os
import time as real_time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from starlette.types import ASGIApp

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.config import SandboxConfig

SERVICES = frozenset({"s3", "dynamodb", "sqs", "sns", "kinesis", "sts", "iam", "tagging", "apigateway"})
"""What is served. The rest stays off: some of it starts containers or listens on ports of its own."""

_JSON_SERVICES = frozenset({"dynamodb", "kinesis", "tagging"})

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
        self._follow(clock)
        self._keep_expired_sessions()
        self._admit_only_our_root()
        self._say_who_set_the_source_identity()
        self._leave_assume_role_to_us()
        self._deny_in_json_with_400()

    @property
    def asgi(self) -> ASGIApp:
        """The ASGI application. Its lifespan must stay unsent: it would start listeners and reapers."""
        return self._app.app  # type: ignore[no-any-return]

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
        return self._router.detect_service(method, path, headers, query)  # type: ignore[no-any-return]

    def action(self, method: str, path: str, headers: dict[str, str], query: Params, body: bytes) -> str:
        """The request's name as policies write it (`sts:AssumeRole`), or an empty string."""
        service = self._router.detect_service(method, path, headers, query)
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
        return self._sts._sessions.get(access_key_id)  # type: ignore[no-any-return]

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
        return self._actions.access_denied_response(  # type: ignore[no-any-return]
            service,
            "",
            "",
            self._responses.new_uuid(),
            error_code="MissingAuthenticationToken",
            message="Request is missing Authentication Token",
            headers=headers,
        )

    def sts_answer(self, action: str, inner: str) -> Answer:
        """A success of STS around the XML *inner*."""
        wrapped = f"<{action}Result>{inner}</{action}Result>"
        return self._iam._xml(200, f"{action}Response", wrapped, ns="sts")  # type: ignore[no-any-return]

    # --- where we reach in ----------------------------------------------------------------------

    def _follow(self, clock: SandboxClock) -> None:
        """Give the modules that end sessions our clock; the signature check keeps the machine's."""

        def gmtime(at: float | None = None) -> real_time.struct_time:
            return real_time.gmtime(clock.timestamp() if at is None else at)

        ours = SimpleNamespace(**vars(real_time) | {"time": clock.timestamp, "gmtime": gmtime})
        self._sts.time = self._iam.time = self._evaluator.time = ours
        self._evaluator._dt = SimpleNamespace(**vars(real_datetime) | {"datetime": _datetime_by(clock)})

    def _keep_expired_sessions(self) -> None:
        """MiniStack forgets expired keys at the next AssumeRole, and then they would be *unknown*."""
        self._sts._evict_expired_sessions = lambda: None

    def _admit_only_our_root(self) -> None:
        """MiniStack takes `test`, account ids and no key at all for the root, and checks no signature of it.

        As a record among the sessions, our root key is checked like every other key.
        """
        self._evaluator.is_root_access_key = lambda _key: False
        self._sts.is_root_access_key = lambda _key: False
        self._sts._sessions[self._config.root_access_key_id] = {
            "Arn": f"arn:aws:iam::{self._config.account_id}:root",
            "UserId": self._config.account_id,
            "AccountId": self._config.account_id,
            "PrincipalType": "Root",
            "SecretAccessKey": self._config.root_secret_access_key,
        }

    def _say_who_set_the_source_identity(self) -> None:
        """Policies may ask for `aws:SourceIdentity`, which MiniStack does not know."""
        describe = self._evaluator._principal_keys

        def describe_with_source_identity(credential: Any) -> dict[str, Any]:  # noqa: ANN401  MiniStack's type
            keys: dict[str, Any] = describe(credential)
            session = self._sts._sessions.get(credential.access_key_id) or {}
            if session.get("SourceIdentity"):
                keys["aws:sourceidentity"] = session["SourceIdentity"]
            return keys

        self._evaluator._principal_keys = describe_with_source_identity
        self._sts._principal_keys = describe_with_source_identity

    def _leave_assume_role_to_us(self) -> None:
        """MiniStack would decide AssumeRole without the condition keys of STS; `sts.py` decides it whole."""
        self._evaluator._ALWAYS_ALLOWED_ACTIONS |= {"sts:AssumeRole"}

    def _deny_in_json_with_400(self) -> None:
        """AWS's JSON services refuse with 400, where MiniStack answers 403."""
        deny = self._actions.access_denied_response

        def deny_with_400(service: str, *args: Any, **named: Any) -> Answer:  # noqa: ANN401  MiniStack's own
            status, headers, body = deny(service, *args, **named)
            return (400 if service in _JSON_SERVICES else status), headers, body

        self._actions.access_denied_response = deny_with_400


def _environment(config: SandboxConfig) -> dict[str, str]:
    return {
        "AUTH": "true",
        "SERVICES": ",".join(sorted(SERVICES)),
        "MINISTACK_ACCOUNT_ID": config.account_id,
        "MINISTACK_REGION": config.region,
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(config.port),
        "LOG_LEVEL": "ERROR",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "MINISTACK_AUTOCREATE_AWS_MANAGED": "0",
    }


def _datetime_by(clock: SandboxClock) -> type[real_datetime.datetime]:
    class Moment(real_datetime.datetime):
        @classmethod
        def now(cls, tz: real_datetime.tzinfo | None = None) -> "Moment":
            return cls.fromtimestamp(clock.timestamp(), tz)

    return Moment
