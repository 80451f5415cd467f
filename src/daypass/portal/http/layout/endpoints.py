"""Endpoints of pages: authentication by cookie, permission, CSRF protection, and a worker thread.

The order of the checks is the same for every form: the origin of the sender, the body, the session, the
permission, the CSRF token; then the handler, which may demand reauthentication.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from daypass.portal.access.model import Caller, Channel
from daypass.portal.errors import ReauthenticationRequired, Unauthenticated
from daypass.portal.http.core.authentication import ClientAddresses, Permission
from daypass.portal.http.core.authorization import Authorizer, RouteInfo
from daypass.portal.http.core.endpoints import read_body
from daypass.portal.http.core.problems import LOG_FIELDS, REQUEST_ID
from daypass.portal.http.core.threadpool import ThreadPool, ThreadPools
from daypass.portal.http.layout.compression import accepts_gzip, compressed
from daypass.portal.http.layout.cookies import ATTEMPT, DEVICE, PENDING, RECOVERY, SESSION, VISIT, Preferences
from daypass.portal.http.layout.csrf import FIELD, check_sender, check_token, csrf_token
from daypass.portal.http.layout.forms import Form, read_form, read_upload, wants_page
from daypass.portal.http.layout.page_layout import PageLayout, PageLayouts
from daypass.portal.http.layout.reauthentication import DeferredForm, Reauthentication
from daypass.portal.http.layout.redirects import referring_path
from daypass.portal.identity.model import ApiToken, User


@dataclass(frozen=True, slots=True)
class BrowserRequest:
    """A request of a browser: nothing in it is verified."""

    request: Request
    form: Form
    """The submitted form; empty for a page."""
    address: str
    """The address of the client."""

    @property
    def path(self) -> Mapping[str, str]:
        """The path parameters by name."""
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters by name."""
        return self.request.query_params

    @property
    def current_path(self) -> str:
        """Path and query."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def request_id(self) -> str:
        """The id of the request in the log."""
        return str(self.request.scope[REQUEST_ID])

    @property
    def preferences(self) -> Preferences:
        """The choices of the user that cookies hold, such as the theme."""
        return Preferences.of(self.request.cookies)

    @property
    def session_cookie(self) -> str:
        """The session cookie, from which CSRF tokens are made; empty if there is none."""
        return self.request.cookies.get(SESSION, "")

    @property
    def device_cookie(self) -> str:
        """The cookie that marks a browser in which the user has signed in before."""
        return self.request.cookies.get(DEVICE, "")

    @property
    def visit_cookie(self) -> str:
        """The cookie from which CSRF tokens are made before sign-in; empty at the first page."""
        return self.request.cookies.get(VISIT, "")

    @property
    def attempt_cookie(self) -> str:
        """The id of the sign-in at an identity provider that the browser is at; empty if there is none."""
        return self.request.cookies.get(ATTEMPT, "")

    @property
    def pending_cookie(self) -> str:
        """The handle of a sign-in whose password is proved; empty if there is none."""
        return self.request.cookies.get(PENDING, "")

    @property
    def recovery_cookie(self) -> str:
        """The secret of the recovery link that the user followed; empty if there is none."""
        return self.request.cookies.get(RECOVERY, "")

    @property
    def wants_page(self) -> bool:
        """Whether the client wants HTML; scripts and programs want JSON."""
        return wants_page(self.request)


@dataclass(frozen=True, slots=True)
class PageVisit(BrowserRequest):
    """A request of a browser whose user is authenticated and authorized."""

    caller: Caller
    layout: PageLayout


Page = Callable[[PageVisit], Response]
OpenPage = Callable[[BrowserRequest], Response]
SessionLookup = Callable[[str], tuple[ApiToken, User]]
"""Resolves a session cookie to its token and user; raises `Unauthenticated` or `SignInAgain`."""


@dataclass(frozen=True, slots=True)
class PageEndpoints:
    """Makes the endpoints of the pages of one channel."""

    channel: Channel
    signed_in: SessionLookup
    layouts: PageLayouts
    addresses: ClientAddresses
    pools: ThreadPools
    origin: str
    """The portal's own origin, the only one that forms are accepted from."""
    reauthentication: Reauthentication
    authorizer: Authorizer

    def page(
        self,
        permission: Permission,
        handler: Page,
        *,
        calls_aws: bool = False,
        pool: ThreadPool | None = None,
    ) -> "PageEndpoint":
        """Return the endpoint of a page (GET) that requires *permission*.

        *calls_aws* selects its thread pool, unless *pool* is one for requests that wait for something else.
        """
        authorized = self._authorized(permission, handler)
        return PageEndpoint(self, permission, authorized, calls_aws=calls_aws, pool=pool)

    def form(
        self,
        permission: Permission,
        handler: Page,
        *,
        calls_aws: bool = False,
        pool: ThreadPool | None = None,
    ) -> "FormEndpoint":
        """Return the endpoint of a form (POST); the handler runs only after the CSRF checks."""
        protected = self._protected(permission, handler)
        return FormEndpoint(self, permission, protected, calls_aws=calls_aws, pool=pool)

    def upload(self, permission: Permission, handler: Page, largest: int) -> "UploadEndpoint":
        """Return the endpoint of a form with a file, read only after authorization, up to *largest* bytes."""
        return UploadEndpoint(self, permission, self._protected(permission, handler), largest)

    def open_page(self, handler: OpenPage, pool: ThreadPool | None = None) -> "PageEndpoint":
        """Return the endpoint of a page that needs no sign-in; *pool* replaces the one for local requests."""
        return PageEndpoint(self, Permission.PUBLIC, handler, pool=pool)

    def open_form(self, handler: OpenPage) -> "FormEndpoint":
        """Return the endpoint of a form that needs no sign-in; its CSRF token is of the visit cookie."""

        def submit(request: BrowserRequest) -> Response:
            check_token(request.visit_cookie, request.form.raw(FIELD))
            return handler(request)

        return FormEndpoint(self, Permission.PUBLIC, submit)

    def visit(self, permission: Permission, request: BrowserRequest) -> PageVisit:
        """Authenticate and authorize; raises `Unauthenticated`, `SignInAgain` or `AccessDenied`."""
        if not request.session_cookie:
            raise Unauthenticated("You are not signed in.")
        token, user = self.signed_in(request.session_cookie)
        fields = request.request.scope.get(LOG_FIELDS, {})
        fields |= {"user": user.username, "token_kind": token.kind.value}
        caller = Caller(user, token, self.channel, request.address, request.request_id, fields)
        self.authorizer.authorize(permission, caller, RouteInfo.of(request.request))
        layout = self.layouts.of(
            caller,
            request.preferences,
            request.request.url.path,
            request.current_path,
            csrf_token(request.session_cookie),
        )
        return PageVisit(request.request, request.form, request.address, caller, layout)

    def _authorized(self, permission: Permission, handler: Page) -> OpenPage:
        """Let *handler* run only for users with *permission*."""
        return lambda request: handler(self.visit(permission, request))

    def _protected(self, permission: Permission, handler: Page) -> OpenPage:
        """Let *handler* act only on forms of the portal's own pages, and carry them over reauthentication."""

        def submit(visit: PageVisit) -> Response:
            check_token(visit.session_cookie, visit.form.raw(FIELD))
            return self._reauthenticated(handler, visit)

        return self._authorized(permission, submit)

    def _reauthenticated(self, handler: Page, visit: PageVisit) -> Response:
        """Return the answer of *handler*, or the page that asks for the password and holds the form."""
        try:
            return handler(visit)
        except ReauthenticationRequired as refusal:
            waiting = DeferredForm.of(visit.current_path, visit.form)
            if not (visit.wants_page and waiting.can_wait):
                raise
            # The page that the form was on, for a user who cancels.
            back = referring_path(visit.request.headers.get("referer", ""), self.origin)
            return self.reauthentication.ask(
                visit.caller,
                visit.session_cookie,
                visit.layout.theme,
                back,
                waiting=waiting,
                refusal=refusal,
            )


class PageEndpoint:
    """The endpoint of a page; its handler runs in one worker thread."""

    def __init__(
        self,
        endpoints: PageEndpoints,
        permission: Permission,
        handler: OpenPage,
        *,
        calls_aws: bool = False,
        pool: ThreadPool | None = None,
    ) -> None:
        self.permission = permission
        self._endpoints = endpoints
        self._pool = pool or (endpoints.pools.aws if calls_aws else endpoints.pools.local)
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        """Answer a request; raises `PortalError` if it is refused."""
        return await self._pool.run(partial(self._show, self._received(request, Form({}))))

    def _show(self, request: BrowserRequest) -> Response:
        response = self._handler(request)
        return compressed(response) if accepts_gzip(request.request.headers) else response

    def _received(self, request: Request, form: Form) -> BrowserRequest:
        return BrowserRequest(request, form, self._endpoints.addresses.of(request))


class FormEndpoint(PageEndpoint):
    """The endpoint of a form."""

    async def __call__(self, request: Request) -> Response:
        """Answer a request; raises `PortalError` if it is refused."""
        # The sender is checked first: it takes no thread, and the body of a forged form is not read.
        check_sender(request.headers, self._endpoints.origin)
        form = await self._read(request)
        # Answers to forms are never compressed: they may contain a secret that is shown once.
        return await self._pool.run(partial(self._handler, self._received(request, form)))

    async def _read(self, request: Request) -> Form:
        return read_form(request, await read_body(request))


class UploadEndpoint(FormEndpoint):
    """The endpoint of a form with a file."""

    def __init__(
        self, endpoints: PageEndpoints, permission: Permission, handler: OpenPage, largest: int
    ) -> None:
        super().__init__(endpoints, permission, handler)
        self._largest = largest

    async def _read(self, request: Request) -> Form:
        # The user is authorized before the body is read, because it may be large.
        without_form = self._received(request, Form({}))
        await self._pool.run(partial(self._endpoints.visit, self.permission, without_form))
        return await read_upload(request, self._largest)
