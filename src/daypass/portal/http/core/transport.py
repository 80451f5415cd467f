"""Transport security: HSTS, and a single Host header per request."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daypass.common.origins import is_loopback
from daypass.portal.http.core.problems import REFUSAL, BadRequest, problem, status_of

HSTS = "max-age=63072000"
"""Two years, as browsers' preload lists require. No subdomains: other services may own those."""

_HEADER = (b"strict-transport-security", HSTS.encode())


class Transport:
    """Middleware that adds HSTS (RFC 6797) to every answer, if the public URL is HTTPS and not loopback.

    A request with two Host headers is refused (RFC 9112, section 3.2), as a proxy may use the other one.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        # On loopback the header would apply to every other server on localhost.
        self._adds_hsts = public_url.startswith("https://") and not is_loopback(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts = sum(name == b"host" for name, _ in scope["headers"])
        app = _refuse_two_hosts if hosts > 1 else self._app
        if not self._adds_hsts:
            await app(scope, receive, send)
            return

        async def send_with_hsts(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _HEADER]
            await send(message)

        await app(scope, receive, send_with_hsts)


async def _refuse_two_hosts(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = BadRequest("The request has more than one Host header. Send one.")
    scope[REFUSAL] = refusal
    response = problem(refusal, status_of(refusal), Request(scope))
    await response(scope, receive, send)
