"""The routes of the pages outside *Administrator*."""

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
    """The root path."""

    permission = Permission.PUBLIC

    async def __call__(self, _request: Request) -> Response:
        """Redirect to the profile."""
        return RedirectResponse(HOME, 303)


@dataclass(frozen=True, slots=True)
class PageHandlers:
    """The handlers of the routes."""

    sign_in: SignInPages
    tenant: TenantChoice
    profile: ProfilePages
    sessions: SessionPages
    tokens: TokenPages
    console_access: ConsoleAccess
    resources: ResourcePages


def page_routes(endpoints: PageEndpoints, handlers: PageHandlers) -> list[BaseRoute]:
    """Return the routes of these pages."""

    def show(path: str, page: Page, *, calls_aws: bool = False) -> BaseRoute:
        return exact("GET", path, endpoints.page(Permission.USER, page, calls_aws=calls_aws))

    def act(path: str, page: Page, *, calls_aws: bool = False) -> BaseRoute:
        return exact("POST", path, endpoints.form(Permission.USER, page, calls_aws=calls_aws))

    return [
        exact("GET", "/", EntryPages()),
        exact("GET", SIGN_IN, endpoints.open_page(handlers.sign_in.show)),
        exact("POST", SIGN_IN, endpoints.open_form(handlers.sign_in.sign_in)),
        show(CONFIRM, handlers.sign_in.show_confirm),
        act(CONFIRM, handlers.sign_in.confirm),
        act("/sign-out", handlers.sign_in.sign_out),
        act("/tenant", handlers.tenant.choose),
        show("/tenant/offers", handlers.tenant.offers),
        show("/profile", handlers.profile.show),
        show("/sessions", handlers.sessions.show),
        act("/console", handlers.console_access.console, calls_aws=True),
        act("/console-url", handlers.console_access.console_link, calls_aws=True),
        act("/credentials", handlers.console_access.credentials, calls_aws=True),
        act("/tokens", handlers.tokens.add_permanent),
        act("/tokens/temporary", handlers.tokens.show_temporary),
        act("/tokens/revoke", handlers.tokens.revoke),
        show(RESOURCES, handlers.resources.listed, calls_aws=True),
        act(f"{RESOURCES}/refresh", handlers.resources.refresh, calls_aws=True),
        act(f"{RESOURCES}/console", handlers.resources.console, calls_aws=True),
        show(GO, handlers.resources.show, calls_aws=True),
    ]
