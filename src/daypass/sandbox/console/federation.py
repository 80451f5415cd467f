"""The federation endpoint, which exchanges keys for a sign-in token, and the token for a console session."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.console.signin import SigninRefused, SigninService
from daypass.sandbox.console.urls import NotAwsConsole, console_page_of
from daypass.sandbox.faults import FaultKind, Faults, break_connection

CONSOLE_COOKIE = "sandbox_console"
CONSOLE_PATH = "/console"
FEDERATION_PATH = "/federation"
_SERVICE = "federation"
# The address of a sign-in has the token in it.
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Federation:
    """The endpoint `/federation`, by GET or POST, with `Action=getSigninToken` or `Action=login`."""

    config: SandboxConfig
    signin: SigninService
    faults: Faults
    calls: Counter[str]

    def routes(self) -> list[Route]:
        """Return the route of the endpoint."""
        return [Route(FEDERATION_PATH, self._answer, methods=["GET", "POST"])]

    async def _answer(self, request: Request) -> Response:
        # A form is ASCII; Latin-1 decodes any other bytes without an error.
        params = _first_values(request.url.query) | _first_values((await request.body()).decode("latin-1"))
        action = params.get("Action", "")
        if response_of_fault := await self._inject_fault(request, action):
            return response_of_fault
        try:
            match action:
                case "getSigninToken":
                    return self._signin_token(params)
                case "login":
                    return self._login(params)
        except SigninRefused as refused:
            return PlainTextResponse(f"Bad Request: {refused}\n", 400, _PRIVATE)
        except NotAwsConsole:
            sentence = "Bad Request: Destination must be a page of the AWS console.\n"
            return PlainTextResponse(sentence, 400, _PRIVATE)
        return PlainTextResponse("Bad Request: Action must be getSigninToken or login.\n", 400, _PRIVATE)

    def _signin_token(self, params: dict[str, str]) -> Response:
        token = self.signin.issue_token(_keys(params.get("Session", "")), params.get("SessionDuration"))
        return JSONResponse({"SigninToken": token}, headers=_PRIVATE)

    def _login(self, params: dict[str, str]) -> Response:
        # Checked first, because an invalid destination must not consume the token.
        page = console_page_of(params.get("Destination", ""), self.config.origin)
        cookie, session = self.signin.sign_in(params.get("SigninToken", ""))
        response = RedirectResponse(page.path, 303, _PRIVATE)
        remaining = session.ends_at - self.signin.clock.now()
        # Not `Secure`, since the sandbox has no TLS.
        response.set_cookie(
            CONSOLE_COOKIE,
            cookie,
            max_age=int(remaining.total_seconds()),
            path=CONSOLE_PATH,
            httponly=True,
            # Lax, because the redirect from the portal, another site, must carry the cookie.
            samesite="lax",
        )
        return response

    async def _inject_fault(self, request: Request, action: str) -> Response | None:
        self.calls[f"{_SERVICE}:{action}"] += 1
        fault = await self.faults.strike(_SERVICE, action)
        if fault is None:
            return None
        match fault.kind:
            case FaultKind.RESET:
                break_connection(request.scope)
                return Response(status_code=500)
            case FaultKind.GARBAGE:
                return PlainTextResponse("It works!")
            case FaultKind.THROTTLE:
                return PlainTextResponse("Too Many Requests\n", 429)
        return PlainTextResponse("Internal Server Error\n", 500)


def _first_values(encoded: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(encoded, keep_blank_values=True).items()}


def _keys(session: str) -> dict[str, Any]:
    try:
        keys = json.loads(session)
    except ValueError:
        keys = None
    if not isinstance(keys, dict):
        raise SigninRefused("Session must be JSON with sessionId, sessionKey and sessionToken.")
    return keys
