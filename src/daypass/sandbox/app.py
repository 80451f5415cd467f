"""The sandbox's composition root: its own routes first, then MiniStack behind the gate."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daypass.sandbox.clock import SandboxClock
from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.console.federation import CONSOLE_PATH, FEDERATION_PATH, Federation
from daypass.sandbox.console.inventory import Inventory
from daypass.sandbox.console.pages import Console
from daypass.sandbox.console.signin import SigninService
from daypass.sandbox.control_api import CONTROL_PREFIX, ControlApi
from daypass.sandbox.faults import FaultKind, Faults, answer_of, break_connection
from daypass.sandbox.iam_limits import IamLimits
from daypass.sandbox.ministack.gate import ApiRequest, Gate
from daypass.sandbox.ministack.server import Answer, MiniStack
from daypass.sandbox.sts import SecurityTokens

_OWN_PATHS = (f"{CONTROL_PREFIX}/", f"{CONSOLE_PATH}/")


def make_app(config: SandboxConfig) -> ASGIApp:
    """Return the sandbox as an ASGI application. MiniStack allows at most one per process."""
    clock, faults = SandboxClock(), Faults()
    ministack = MiniStack(config, clock)
    ministack.replace_handler("sts", SecurityTokens(ministack, clock, faults).before)
    ministack.replace_handler("iam", IamLimits(ministack).before)
    control = ControlApi(config, clock, faults)
    aws = Aws(ministack, Gate(ministack), control)
    signin = SigninService(ministack, clock)
    federation = Federation(config, signin, faults, control.calls)
    console = Console(config, signin, Inventory(config))
    own = Starlette(routes=[*control.routes(), *federation.routes(), *console.routes()])
    return Router(own, aws, config.port)


class Router:
    """Routes requests to the sandbox's own pages and control API, or to the AWS API."""

    def __init__(self, own: ASGIApp, aws: ASGIApp, port: int) -> None:
        self._hosts = (f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode())
        self._own = own
        self._aws = aws

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; other ASGI scopes, such as websockets, are ignored."""
        if scope["type"] != "http":
            return
        # Other host names select other services in MiniStack, and would allow DNS rebinding.
        if dict(scope["headers"]).get(b"host") not in self._hosts:
            misdirected = PlainTextResponse("The sandbox answers only to its own address.\n", 421)
            await misdirected(scope, receive, send)
            return
        is_own = scope["path"].startswith(_OWN_PATHS) or scope["path"] == FEDERATION_PATH
        await (self._own if is_own else self._aws)(scope, receive, send)


class Aws:
    """The AWS API: counts calls, injects faults, and passes the rest to MiniStack."""

    def __init__(self, ministack: MiniStack, gate: Gate, control: ControlApi) -> None:
        self._ministack = ministack
        self._gate = gate
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request to the AWS API."""
        # The action of the query protocol is in the body, and the decisions below need it.
        body = await Request(scope, receive).body()
        request = ApiRequest.of(scope, body)
        refusal = self._gate.refusal(request)
        if refusal is not None:
            await _response(refusal)(scope, receive, send)
            return
        name = self._ministack.action(request.method, request.path, request.headers, request.params, body)
        # Counted before faults, so that retries of a failed call are visible.
        self._control.calls[name] += 1
        service = request.signed_service or ""
        fault = await self._control.faults.strike(service, name.partition(":")[2])
        if fault is None:
            await self._ministack.asgi(scope, _replay(body), send)
        elif fault.kind is FaultKind.RESET:
            break_connection(scope)
        else:
            answer = answer_of(fault, service, request.headers, self._ministack)
            await _response(answer)(scope, receive, send)


def _replay(body: bytes) -> Receive:
    """Return a receive channel that replays a body that was read already."""
    # ASGI delivers a body once, and MiniStack reads it again.
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _response(answer: Answer) -> Response:
    status, headers, body = answer
    return Response(body, status, headers)
