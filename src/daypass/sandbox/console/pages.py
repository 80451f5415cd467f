"""The pages of the sandbox's console: the signed-in identity and the resources that it can open."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from daypass.sandbox.config import SandboxConfig
from daypass.sandbox.console.federation import CONSOLE_COOKIE, CONSOLE_PATH
from daypass.sandbox.console.inventory import Inventory, OpenedResources, Opening
from daypass.sandbox.console.signin import ConsoleSession, SigninService
from daypass.sandbox.console.urls import OTHER, ConsolePage, Kind

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_STYLESHEET = Path(__file__).parent / "templates" / "style.css"
KIND_NAMES = {
    Kind.BUCKET: ("S3 bucket", "S3 buckets"),
    Kind.TABLE: ("DynamoDB table", "DynamoDB tables"),
    Kind.QUEUE: ("SQS queue", "SQS queues"),
    Kind.TOPIC: ("SNS topic", "SNS topics"),
    Kind.STREAM: ("Kinesis stream", "Kinesis streams"),
    Kind.API: ("API Gateway API", "API Gateway APIs"),
    Kind.FUNCTION: ("Lambda function", "Lambda functions"),
    Kind.LOG_GROUP: ("log group", "Log groups"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """The data of a template."""

    title: str
    session: ConsoleSession | None = None
    region: str = ""
    now: datetime | None = None
    resources: tuple[OpenedResources, ...] = ()
    opening: Opening | None = None
    link: str = ""
    """The path of a page that only the real console has."""

    @property
    def minutes_left(self) -> int:
        """Whole minutes until the session ends."""
        if self.session is None or self.now is None:
            return 0
        return int((self.session.ends_at - self.now).total_seconds() // 60)


class Console:
    """The console's pages, for signed-in browsers."""

    def __init__(self, config: SandboxConfig, signin: SigninService, inventory: Inventory) -> None:
        self._config = config
        self._signin = signin
        self._inventory = inventory
        self._templates = Environment(
            loader=PackageLoader("daypass.sandbox.console", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
        )
        self._templates.globals["kind_names"] = KIND_NAMES

    def routes(self) -> list[Route]:
        """Return the routes of the console."""
        return [
            Route(f"{CONSOLE_PATH}/style.css", self._style, methods=["GET"]),
            Route(f"{CONSOLE_PATH}/sign-out", self._sign_out, methods=["POST"]),
            Route(f"{CONSOLE_PATH}/{{kind}}/{{name:path}}", self._resource, methods=["GET"]),
            Route(f"{CONSOLE_PATH}/", self._overview, methods=["GET"]),
        ]

    async def _overview(self, request: Request) -> Response:
        session = self._session(request)
        if session is None:
            return self._signed_out()
        # In a thread, because the inventory calls this same server and waits for its answers.
        resources = await run_in_threadpool(self._inventory.accessible_resources, session)
        return self._page("overview.html", "Overview", session, resources=tuple(resources))

    async def _resource(self, request: Request) -> Response:
        session = self._session(request)
        if session is None:
            return self._signed_out()
        if request.path_params["kind"] == OTHER:
            return self._render(
                "other.html", Page("A page of the AWS console", link=request.path_params["name"])
            )
        try:
            kind = Kind(request.path_params["kind"])
        except ValueError:
            return self._render("missing.html", Page("Page not found"), 404)
        target = ConsolePage(kind, request.path_params["name"])
        opening = await run_in_threadpool(self._inventory.open, session, target)
        return self._page("resource.html", target.name, session, opening=opening)

    async def _sign_out(self, request: Request) -> Response:
        self._signin.sign_out(request.cookies.get(CONSOLE_COOKIE, ""))
        response = RedirectResponse(f"{CONSOLE_PATH}/", 303, _HEADERS)
        response.delete_cookie(CONSOLE_COOKIE, path=CONSOLE_PATH)
        return response

    async def _style(self, _request: Request) -> Response:
        return FileResponse(_STYLESHEET, headers={"X-Content-Type-Options": "nosniff"})

    def _session(self, request: Request) -> ConsoleSession | None:
        return self._signin.signed_in(request.cookies.get(CONSOLE_COOKIE, ""))

    def _signed_out(self) -> Response:
        return self._render("signed-out.html", Page("You are signed out"), 403)

    def _page(
        self,
        template: str,
        title: str,
        session: ConsoleSession,
        *,
        resources: tuple[OpenedResources, ...] = (),
        opening: Opening | None = None,
    ) -> Response:
        page = Page(title, session, self._config.region, self._signin.clock.now(), resources, opening)
        return self._render(template, page)

    def _render(self, template: str, page: Page, status: int = 200) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(page=page), status, _HEADERS)
