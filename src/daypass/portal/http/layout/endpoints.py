"""Endpoints of pages: authentication by cookie, permission, CSRF protection, and a worker thread."""

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
from daypass.portal.http.core.threadpool import ThreadPools
from daypass.portal.http.layout.compression import accepts_gzip, compressed
from daypass.portal.http.layout.cookies import DEVICE, SESSION, VISIT, Preferences
from daypass.portal.http.layout.csrf import FIELD, check_sender, check_token, csrf_token
from daypass.portal.http.layout.forms import Form, read_form, read_upload, wants_page
from daypass.portal.http.layout.page_layout import PageLayout, PageLayouts
from daypass.portal.http.layout.reauthentication import DeferredForm, Reauthentication
from daypass.portal.http.layout.redirects import referring_path
from daypass.portal.identity.model import ApiToken, User


@dataclass(frozen=True, slots=True)
class AnonymousRequest:
    """A request before authentication: nothing in it is verified yet."""

    address: str
    request_id: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Form
    preferences: Preferences
    session: str
    """The session cookie as sent; empty if there is none."""
    device: str
    """The device cookie, which marks a browser in which the user has signed in before."""
    visit: str
    """The key of this browser's CSRF tokens before sign-in; empty at the first page."""
    current_path: str
    """Path and query."""
    route: RouteInfo
    back: str
    """The page that the form was on."""
    wants_page: bool
    """Whether the client wants HTML; scripts and programs want JSON."""
    log_fields: dict[str, str]
    """Additional fields for the log line of the request."""


@dataclass(frozen=True, slots=True)
class PageVisit:
    """An authenticated request for a page."""

    caller: Caller
    layout: PageLayout
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Form
    cookie: str
    """The session cookie, from which CSRF tokens for one purpose are made."""
    device: str
    """The device cookie, which marks a browser in which the user has signed in before."""
    wants_page: bool
    """Whether the client wants HTML; scripts and programs want JSON."""


Page = Callable[[PageVisit], Response]
OpenPage = Callable[[AnonymousRequest], Response]
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

    def page(self, permission: Permission, handler: Page, *, calls_aws: bool = False) -> "PageEndpoint":
        """Return the endpoint of a page (GET) that requires *permission*; *calls_aws* selects its pool."""
        show = partial(self._show, permission, handler)
        return PageEndpoint(self, permission, show, is_form=False, calls_aws=calls_aws)

    def form(self, permission: Permission, handler: Page, *, calls_aws: bool = False) -> "PageEndpoint":
        """Return the endpoint of a form (POST); the handler runs only after the CSRF checks."""
        act = partial(self._act, permission, handler)
        return PageEndpoint(self, permission, act, is_form=True, calls_aws=calls_aws)

    def upload(self, permission: Permission, handler: Page, largest: int) -> "PageEndpoint":
        """Return the endpoint of a form with a file, read only after authorization, up to *largest* bytes."""
        admit, act = partial(self._admit, permission), partial(self._act, permission, handler)
        return PageEndpoint(self, permission, act, is_form=True, upload=Upload(admit, largest))

    def open_page(self, handler: OpenPage) -> "PageEndpoint":
        """Return the endpoint of a page that needs no sign-in."""
        return PageEndpoint(self, Permission.PUBLIC, handler, is_form=False)

    def open_form(self, handler: OpenPage) -> "PageEndpoint":
        """Return the endpoint of a form that needs no sign-in; its CSRF token is of the visit cookie."""
        return PageEndpoint(self, Permission.PUBLIC, partial(self._open_act, handler), is_form=True)

    def _admit(self, permission: Permission, anonymous: AnonymousRequest) -> None:
        self._visit(permission, anonymous)

    def _show(self, permission: Permission, handler: Page, anonymous: AnonymousRequest) -> Response:
        return handler(self._visit(permission, anonymous))

    def _act(self, permission: Permission, handler: Page, anonymous: AnonymousRequest) -> Response:
        visit = self._visit(permission, anonymous)
        check_token(anonymous.session, anonymous.form.raw(FIELD))
        try:
            return handler(visit)
        except ReauthenticationRequired as refusal:
            waiting = DeferredForm.of(anonymous.current_path, anonymous.form)
            if not (anonymous.wants_page and waiting.can_wait):
                raise
            theme = anonymous.preferences.theme
            return self.reauthentication.ask(
                visit.caller, anonymous.session, theme, anonymous.back, waiting=waiting, refusal=refusal
            )

    @staticmethod
    def _open_act(handler: OpenPage, anonymous: AnonymousRequest) -> Response:
        check_token(anonymous.visit, anonymous.form.raw(FIELD))
        return handler(anonymous)

    def _visit(self, permission: Permission, anonymous: AnonymousRequest) -> PageVisit:
        if not anonymous.session:
            raise Unauthenticated("You are not signed in.")
        token, user = self.signed_in(anonymous.session)
        fields = anonymous.log_fields
        fields["user"] = user.username
        caller = Caller(user, token, self.channel, anonymous.address, anonymous.request_id, fields)
        self.authorizer.authorize(permission, caller, anonymous.route)
        path = anonymous.current_path.partition("?")[0]
        csrf = csrf_token(anonymous.session)
        frame = self.layouts.of(caller, anonymous.preferences, path, anonymous.current_path, csrf)
        return PageVisit(
            caller=caller,
            layout=frame,
            path=anonymous.path,
            query=anonymous.query,
            form=anonymous.form,
            cookie=anonymous.session,
            device=anonymous.device,
            wants_page=anonymous.wants_page,
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """The authorization check and the size limit of a form with a file."""

    admit: Callable[[AnonymousRequest], None]
    largest: int


class PageEndpoint:
    """The endpoint of a page or a form; its handler runs in one worker thread."""

    def __init__(
        self,
        endpoints: PageEndpoints,
        permission: Permission,
        handler: OpenPage,
        *,
        is_form: bool,
        calls_aws: bool = False,
        upload: Upload | None = None,
    ) -> None:
        self.permission = permission
        self.is_form = is_form
        self._upload = upload
        self._endpoints = endpoints
        self._pool = endpoints.pools.aws if calls_aws else endpoints.pools.local
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        """Answer a request; raises `PortalError` if it is refused."""
        form = Form({})
        if self.is_form:
            check_sender(request.headers, self._endpoints.origin)
            form = await self._read(request)
        return await self._pool.run(
            partial(self._answer, self._anonymous(request, form), accepts_gzip(request.headers))
        )

    def _answer(self, anonymous: AnonymousRequest, accepts_compression: bool) -> Response:
        response = self._handler(anonymous)
        # Answers to forms are never compressed: they may contain a secret that is shown once.
        return compressed(response) if accepts_compression and not self.is_form else response

    async def _read(self, request: Request) -> Form:
        if self._upload is None:
            return read_form(request, await read_body(request))
        await self._pool.run(partial(self._upload.admit, self._anonymous(request, Form({}))))
        return await read_upload(request, self._upload.largest)

    def _anonymous(self, request: Request, form: Form) -> AnonymousRequest:
        cookies = request.cookies
        query = request.url.query
        return AnonymousRequest(
            address=self._endpoints.addresses.of(request),
            request_id=request.scope[REQUEST_ID],
            path=request.path_params,
            query=request.query_params,
            form=form,
            preferences=Preferences.of(cookies),
            session=cookies.get(SESSION, ""),
            device=cookies.get(DEVICE, ""),
            visit=cookies.get(VISIT, ""),
            current_path=f"{request.url.path}?{query}" if query else request.url.path,
            route=RouteInfo.of(request),
            back=referring_path(request.headers.get("referer", ""), self._endpoints.origin),
            wants_page=wants_page(request),
            log_fields=request.scope.get(LOG_FIELDS, {}),
        )
