"""Composition root of the sandbox: our doors first, then MiniStack behind the gate."""

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
from daypass.sandbox.ministack.gate import ApiRequest, Gate
from daypass.sandbox.ministack.server import Answer, MiniStack
from daypass.sandbox.sts import SecurityTokens

_OWN_PATHS = (f"{CONTROL_PREFIX}/", f"{CONSOLE_PATH}/")


def make_app(config: SandboxConfig) -> ASGIApp:
    """The whole sandbox as one ASGI application. One for each process, because MiniStack is one."""
    clock, faults = SandboxClock(), Faults()
    ministack = MiniStack(config, clock)
    ministack.replace_handler("sts", SecurityTokens(ministack, clock, faults).before)
    switches = ControlApi(config, clock, faults)
    aws = Aws(ministack, Gate(ministack), switches)
    desk = SigninService(ministack, clock)
    federation = Federation(config, desk, faults, switches.calls)
    console = Console(config, desk, Inventory(config))
    own = Starlette(routes=[*switches.routes(), *federation.routes(), *console.routes()])
    return Router(own, aws, config.port)


class Router:
    """Tells our own pages and switches from AWS's API."""

    def __init__(self, own: ASGIApp, aws: ASGIApp, port: int) -> None:
        self._hosts = (f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode())
        self._own = own
        self._aws = aws

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; there are no websockets here."""
        if scope["type"] != "http":
            return
        # Other host names are routes to other services in MiniStack, and rebinding in a browser.
        if dict(scope["headers"]).get(b"host") not in self._hosts:
            elsewhere = PlainTextResponse("The sandbox answers only to its own address.\n", 421)
            await elsewhere(scope, receive, send)
            return
        is_own = scope["path"].startswith(_OWN_PATHS) or scope["path"] == FEDERATION_PATH
        await (self._own if is_own else self._aws)(scope, receive, send)


class Aws:
    """AWS's API: counted, disturbed where a fault says so, and else MiniStack's."""

    def __init__(self, ministack: MiniStack, gate: Gate, switches: ControlApi) -> None:
        self._ministack = ministack
        self._gate = gate
        self._switches = switches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request to the API."""
        body = await Request(scope, receive).body()
        request = ApiRequest.of(scope, body)
        refusal = self._gate.refusal(request)
        if refusal is not None:
            await _response(refusal)(scope, receive, send)
            return
        name = self._ministack.action(request.method, request.path, request.headers, request.params, body)
        self._switches.calls[name] += 1
        service = request.signed_service or ""
        fault = await self._switches.faults.strike(service, name.partition(":")[2])
        if fault is None:
            await self._ministack.asgi(scope, _replayed(body), send)
        elif fault.kind is FaultKind.RESET:
            break_connection(scope)
        else:
            answer = answer_of(fault, service, request.headers, self._ministack)
            await _response(answer)(scope, receive, send)


def _replayed(body: bytes) -> Receive:
    """The body once more, for an application that has not read it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _response(answer: Answer) -> Response:
    status, headers, body = answer
    return Response(body, status, headers)
