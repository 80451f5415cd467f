"""Every page of the portal."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.endpoints import Page, PageEndpoints
from daypass.portal.http.layout.redirects import CONFIRM, HOME, SIGN_IN
from daypass.portal.http.pages.console_access import ConsoleAccess
from daypass.portal.http.pages.profile import ProfilePages
from daypass.portal.http.pages.resources import GO, RESOURCES, ResourcePages
from daypass.portal.http.pages.sessions import SessionPages
from daypass.portal.http.pages.sign_in import SignInPages
from daypass.portal.http.pages.tenant_choice import TenantChoice
from daypass.portal.http.pages.tokens import TokenPages


class EntryPages:
    """The address without a path."""

    permission = Permission.ANYBODY

    async def __call__(self, _request: Request) -> Response:
        """Lead to the profile."""
        return RedirectResponse(HOME, 303)


@dataclass(frozen=True, slots=True)
class PageHandlers:
    """All that the routes lead to."""

    sign_in: SignInPages
    tenant: TenantChoice
    profile: ProfilePages
    sessions: SessionPages
    tokens: TokenPages
    ways: ConsoleAccess
    resources: ResourcePages


def page_routes(entrance: PageEndpoints, web: PageHandlers) -> list[BaseRoute]:
    """The routes of all pages."""

    def show(path: str, page: Page, *, calls_aws: bool = False) -> BaseRoute:
        return exact("GET", path, entrance.page(Permission.USER, page, calls_aws=calls_aws))

    def act(path: str, page: Page, *, calls_aws: bool = False) -> BaseRoute:
        return exact("POST", path, entrance.act(Permission.USER, page, calls_aws=calls_aws))

    return [
        exact("GET", "/", EntryPages()),
        exact("GET", SIGN_IN, entrance.open_page(web.sign_in.show)),
        exact("POST", SIGN_IN, entrance.open_act(web.sign_in.sign_in)),
        show(CONFIRM, web.sign_in.show_confirm),
        act(CONFIRM, web.sign_in.confirm),
        act("/sign-out", web.sign_in.sign_out),
        act("/tenant", web.tenant.choose),
        show("/tenant/offers", web.tenant.offers),
        show("/profile", web.profile.show),
        show("/sessions", web.sessions.show),
        act("/console", web.ways.console, calls_aws=True),
        act("/console-url", web.ways.console_link, calls_aws=True),
        act("/credentials", web.ways.credentials, calls_aws=True),
        act("/tokens", web.tokens.add_permanent),
        act("/tokens/temporary", web.tokens.show_temporary),
        act("/tokens/revoke", web.tokens.revoke),
        show(RESOURCES, web.resources.listed, calls_aws=True),
        act(f"{RESOURCES}/refresh", web.resources.refresh, calls_aws=True),
        act(f"{RESOURCES}/console", web.resources.console, calls_aws=True),
        show(GO, web.resources.show, calls_aws=True),
    ]
