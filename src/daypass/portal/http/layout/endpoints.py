"""The way in to pages: cookie, permission, CSRF, and a thread for the domain's code."""

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
    """A request of whoever it is, before anything of it is believed."""

    address: str
    request_id: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Form
    preferences: Preferences
    session: str
    """The sign-in cookie, as it came; empty where there is none."""
    device: str
    """What says that this browser has signed in before."""
    visit: str
    """What this browser's forms stand on before there is a sign-in; empty at the first page."""
    here: str
    """Path and query."""
    place: RouteInfo
    back: str
    """The page on which a form stood."""
    wants_page: bool
    """Whether a page is wanted; script and programs want JSON."""
    log_fields: dict[str, str]
    """More fields for the log line of the request."""


@dataclass(frozen=True, slots=True)
class PageVisit:
    """A request for a page, of a known caller."""

    caller: Caller
    frame: PageLayout
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Form
    cookie: str
    """The sign-in cookie; a form that is good for one purpose only makes its token of it."""
    device: str
    """What says that this browser has signed in before."""
    wants_page: bool
    """Whether a page is wanted; script and programs want JSON."""


Page = Callable[[PageVisit], Response]
OpenPage = Callable[[AnonymousRequest], Response]
SignedIn = Callable[[str], tuple[ApiToken, User]]
"""Who a sign-in cookie stands for; raises `Unauthenticated` or `SignInAgain`."""


@dataclass(frozen=True, slots=True)
class PageEndpoints:
    """What the pages of all doors share."""

    door: Channel
    signed_in: SignedIn
    frames: PageLayouts
    addresses: ClientAddresses
    pools: ThreadPools
    origin: str
    """Our own, which is the only one that forms may come from."""
    confirmations: Reauthentication
    doorkeeper: Authorizer

    def page(self, permission: Permission, handler: Page, *, calls_aws: bool = False) -> "PageEndpoint":
        """The endpoint of a page, by GET, for those who have *permission*; *calls_aws* chooses its pool."""
        show = partial(self._show, permission, handler)
        return PageEndpoint(self, permission, show, is_form=False, calls_aws=calls_aws)

    def act(self, permission: Permission, handler: Page, *, calls_aws: bool = False) -> "PageEndpoint":
        """The endpoint of a form, by POST; what another site sends never comes this far."""
        act = partial(self._act, permission, handler)
        return PageEndpoint(self, permission, act, is_form=True, calls_aws=calls_aws)

    def upload(self, permission: Permission, handler: Page, largest: int) -> "PageEndpoint":
        """The same for a form with a file, which is not read before it is known who sends it."""
        admit, act = partial(self._admit, permission), partial(self._act, permission, handler)
        return PageEndpoint(self, permission, act, is_form=True, upload=Upload(admit, largest))

    def open_page(self, handler: OpenPage) -> "PageEndpoint":
        """The endpoint of a page for anybody."""
        return PageEndpoint(self, Permission.ANYBODY, handler, is_form=False)

    def open_act(self, handler: OpenPage) -> "PageEndpoint":
        """The endpoint of a form for anybody; its token stands on the visit's cookie."""
        return PageEndpoint(self, Permission.ANYBODY, partial(self._open_act, handler), is_form=True)

    def _admit(self, permission: Permission, stranger: AnonymousRequest) -> None:
        self._visit(permission, stranger)

    def _show(self, permission: Permission, handler: Page, stranger: AnonymousRequest) -> Response:
        return handler(self._visit(permission, stranger))

    def _act(self, permission: Permission, handler: Page, stranger: AnonymousRequest) -> Response:
        visit = self._visit(permission, stranger)
        check_token(stranger.session, stranger.form.raw(FIELD))
        try:
            return handler(visit)
        except ReauthenticationRequired as refusal:
            waiting = DeferredForm.of(stranger.here, stranger.form)
            if not (stranger.wants_page and waiting.can_wait):
                raise
            theme = stranger.preferences.theme
            return self.confirmations.ask(
                visit.caller, stranger.session, theme, stranger.back, waiting=waiting, refusal=refusal
            )

    @staticmethod
    def _open_act(handler: OpenPage, stranger: AnonymousRequest) -> Response:
        check_token(stranger.visit, stranger.form.raw(FIELD))
        return handler(stranger)

    def _visit(self, permission: Permission, stranger: AnonymousRequest) -> PageVisit:
        if not stranger.session:
            raise Unauthenticated("You are not signed in.")
        token, user = self.signed_in(stranger.session)
        fields = stranger.log_fields
        fields["user"] = user.username
        caller = Caller(user, token, self.door, stranger.address, stranger.request_id, fields)
        self.doorkeeper.authorize(permission, caller, stranger.place)
        path = stranger.here.partition("?")[0]
        csrf = csrf_token(stranger.session)
        frame = self.frames.of(caller, stranger.preferences, path, stranger.here, csrf)
        return PageVisit(
            caller=caller,
            frame=frame,
            path=stranger.path,
            query=stranger.query,
            form=stranger.form,
            cookie=stranger.session,
            device=stranger.device,
            wants_page=stranger.wants_page,
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """What a form with a file has to pass before it is read."""

    admit: Callable[[AnonymousRequest], None]
    largest: int


class PageEndpoint:
    """An endpoint that shows a page or takes a form; one thread does all of it."""

    def __init__(
        self,
        entrance: PageEndpoints,
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
        self._entrance = entrance
        self._pool = entrance.pools.aws if calls_aws else entrance.pools.local
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        """Answer a request, or raise the refusal."""
        form = Form({})
        if self.is_form:
            check_sender(request.headers, self._entrance.origin)
            form = await self._read(request)
        return await self._pool.run(
            partial(self._answer, self._stranger(request, form), accepts_gzip(request.headers))
        )

    def _answer(self, stranger: AnonymousRequest, can_be_packed: bool) -> Response:
        response = self._handler(stranger)
        # What a form is answered with may hold a secret that is shown once.
        return compressed(response) if can_be_packed and not self.is_form else response

    async def _read(self, request: Request) -> Form:
        if self._upload is None:
            return read_form(request, await read_body(request))
        await self._pool.run(partial(self._upload.admit, self._stranger(request, Form({}))))
        return await read_upload(request, self._upload.largest)

    def _stranger(self, request: Request, form: Form) -> AnonymousRequest:
        cookies = request.cookies
        query = request.url.query
        return AnonymousRequest(
            address=self._entrance.addresses.of(request),
            request_id=request.scope[REQUEST_ID],
            path=request.path_params,
            query=request.query_params,
            form=form,
            preferences=Preferences.of(cookies),
            session=cookies.get(SESSION, ""),
            device=cookies.get(DEVICE, ""),
            visit=cookies.get(VISIT, ""),
            here=f"{request.url.path}?{query}" if query else request.url.path,
            place=RouteInfo.of(request),
            back=referring_path(request.headers.get("referer", ""), self._entrance.origin),
            wants_page=wants_page(request),
            log_fields=request.scope.get(LOG_FIELDS, {}),
        )
