"""A small portal of test pages behind the real page endpoints, and a browser that sends any request."""

import asyncio
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message

from daypass.portal.access.model import Channel
from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.audit.committer import Committer
from daypass.portal.errors import AccessDenied, SignInAgain, Unauthenticated
from daypass.portal.http.core.authentication import ClientAddresses, Permission
from daypass.portal.http.core.authorization import Authorizer
from daypass.portal.http.core.dispatcher import make_channel_app
from daypass.portal.http.core.middleware import RequestMiddleware
from daypass.portal.http.core.routing import exact
from daypass.portal.http.core.threadpool import ThreadPools
from daypass.portal.http.layout.assets import Assets
from daypass.portal.http.layout.cookies import SESSION, VISIT
from daypass.portal.http.layout.csrf import csrf_token
from daypass.portal.http.layout.endpoints import BrowserRequest, PageEndpoints, PageVisit
from daypass.portal.http.layout.errors import ErrorPages
from daypass.portal.http.layout.page_layout import PageLayouts
from daypass.portal.http.layout.reauthentication import Reauthentication
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer, Templates
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId
from daypass.portal.identity.passkeys.challenges import Challenges
from daypass.portal.identity.passkeys.model import RelyingParty
from daypass.portal.identity.passkeys.service import Passkeys
from daypass.portal.identity.providers.local_password import LocalPasswords
from daypass.portal.identity.providers.registry import IdentityProviders
from daypass.portal.storage.engine import Database
from tests.fakes import NOON, FakeClock

ORIGIN = "https://portal.example"
AWS = "https://signin.aws.example"
COOKIE = "the-cookie-of-dana"
SIGNED_IN = f"{SESSION}={COOKIE}"
VISIT_COOKIE = f"{VISIT}=somebody"
DANA = User(UserId("d" * 32), "dana@example.com", Role.USER)


def find(cookie: str) -> tuple[ApiToken, User]:
    """Resolve Dana's session cookie, as the session store would."""
    if cookie == "ended":
        raise SignInAgain("Your sign-in has ended. Sign in again.")
    if cookie != COOKIE:
        raise Unauthenticated("You are not signed in.")
    token = ApiToken(TokenId("t" * 32), TokenKind.TEMPORARY, "", DANA.id, NOON, NOON, NOON)
    return token, DANA


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        """The body, decompressed."""
        is_compressed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if is_compressed else self.body).decode()


@dataclass(frozen=True, slots=True)
class Browser:
    """Sends requests as a browser would, without following redirects."""

    app: ASGIApp

    def get(self, address: str, cookies: str = SIGNED_IN, **headers: str) -> Answer:
        """Request a page."""
        return self._ask("GET", address, {"cookie": cookies, **headers}, b"")

    def post(
        self,
        address: str,
        form: dict[str, str],
        cookies: str = SIGNED_IN,
        *,
        origin: str | None = ORIGIN,
        site: str | None = "same-origin",
        **headers: str,
    ) -> Answer:
        """Submit a form, by default as one of our own pages does; None omits a header."""
        given = {
            "cookie": cookies,
            "origin": origin,
            "sec_fetch_site": site,
            "content_type": "application/x-www-form-urlencoded",
            **headers,
        }
        sent = {name: value for name, value in given.items() if value is not None}
        return self._ask("POST", address, sent, urlencode(form).encode())

    def _ask(self, method: str, address: str, headers: dict[str, str], body: bytes) -> Answer:
        path, _, query = address.partition("?")
        sent = {"accept": "text/html", "host": "portal.example", **headers}
        if body:
            sent["content-length"] = str(len(body))
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": path,
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()],
            "client": ("203.0.113.7", 50000),
            "server": ("portal.example", 443),
        }
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        async def exchange() -> None:
            await self.app(scope, receive, send)

        asyncio.run(exchange())
        return Answer(
            messages[0]["status"],
            Headers(raw=messages[0]["headers"]),
            b"".join(message["body"] for message in messages[1:]),
        )


def _refuse(_visit: PageVisit) -> Response:
    raise AccessDenied("This is <not> yours.")


def _crash(_visit: PageVisit) -> Response:
    raise RuntimeError("a secret of the portal's")


def _routes(pages: PageRenderer, endpoints: PageEndpoints, assets: Assets) -> Starlette:
    user, page = Permission.USER, object()

    def shown(visit: PageVisit) -> Response:
        return pages.show(visit.layout, "layout/page.html", page)

    def done(visit: PageVisit) -> Response:
        return redirect("/page", f"Did {visit.form.get('what')}.")

    def opened(request: BrowserRequest) -> Response:
        return PlainTextResponse(csrf_token(request.visit_cookie))

    routes = [
        exact("GET", "/page", endpoints.page(user, shown)),
        exact("POST", "/page", endpoints.form(user, done)),
        exact("POST", "/shown", endpoints.form(user, shown)),
        exact("GET", "/admin", endpoints.page(Permission.ADMINISTRATOR, shown)),
        exact("GET", "/refused", endpoints.page(user, _refuse)),
        exact("GET", "/crash", endpoints.page(user, _crash)),
        exact("GET", "/open", endpoints.open_page(opened)),
        exact("POST", "/open", endpoints.open_form(lambda _: PlainTextResponse("done"))),
        *assets.routes(),
    ]
    return make_channel_app(routes, ErrorPages(pages, ORIGIN))


@pytest.fixture(scope="session")
def assets() -> Assets:
    """The real static files."""
    return Assets()


@pytest.fixture(scope="session")
def pages(assets: Assets) -> PageRenderer:
    """A renderer with the templates of the layout."""
    return PageRenderer(Templates(assets, ()), (AWS,))


@pytest.fixture
def browser(sqlite_template: Path, assets: Assets, pages: PageRenderer) -> Iterator[Browser]:
    """A browser at the test pages."""
    database, pools = Database(f"sqlite:///{sqlite_template}"), ThreadPools.sized(2)
    frames = PageLayouts(VisibleTenants(database, FakeClock()), FakeClock())
    committer = Committer(database, FakeClock())
    providers = IdentityProviders((LocalPasswords(database, committer, FakeClock()),))
    passkeys = Passkeys(Challenges(database, committer, FakeClock(), RelyingParty(ORIGIN)))
    endpoints = PageEndpoints(
        channel=Channel.WEB,
        signed_in=find,
        layouts=frames,
        addresses=ClientAddresses(),
        pools=pools,
        origin=ORIGIN,
        reauthentication=Reauthentication(pages, providers, passkeys),
        authorizer=Authorizer(lambda _event: None, FakeClock()),
    )
    yield Browser(RequestMiddleware(_routes(pages, endpoints, assets)))
    pools.close()
    committer.close()
    database.close()
