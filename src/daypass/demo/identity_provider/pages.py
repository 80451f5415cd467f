"""The pages of the provider: the choice of a person, the current session, and logout."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from daypass.demo.identity_provider import authorization_request
from daypass.demo.identity_provider.authorization_request import (
    AuthorizationRequest,
    RequestRefused,
    UntrustedRequest,
    parameters,
)
from daypass.demo.identity_provider.backchannel import BackchannelLogout
from daypass.demo.identity_provider.endpoints import AUTHORIZE, LOGOUT, form_of
from daypass.demo.identity_provider.grants import ONE_FACTOR, TWO_FACTORS, Grant, Grants, ProviderSession
from daypass.demo.identity_provider.settings import Person, ProviderSettings
from daypass.demo.identity_provider.tokens import TokenSigner
from daypass.demo.output import print_text

COOKIE = "daypass_demo_provider"
_TEMPLATES = Path(__file__).parent / "templates"
_NEVER_AGAIN = timedelta(0)


@dataclass(frozen=True, slots=True)
class Page:
    """The data of a template."""

    title: str
    action: str = ""
    """The address of the page's form."""
    session: ProviderSession | None = None
    people: tuple[Person, ...] = ()
    wants_second_factor: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProviderPages:
    """Handlers of the requests that browsers send."""

    settings: ProviderSettings
    grants: Grants
    signer: TokenSigner
    backchannel: BackchannelLogout
    templates: Environment

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self._home, methods=["GET"]),
            Route(AUTHORIZE, self._authorize, methods=["GET"]),
            Route(AUTHORIZE, self._choose, methods=["POST"]),
            Route(LOGOUT, self._ask_logout, methods=["GET"]),
            Route(LOGOUT, self._logout, methods=["POST"]),
            Route("/style.css", self._style, methods=["GET"]),
        ]

    async def _home(self, request: Request) -> Response:
        return self._show("session.html", Page("Your session", LOGOUT, self._session(request)))

    async def _authorize(self, request: Request) -> Response:
        """Answer with a code if the session satisfies the request; else show the people."""
        try:
            values = parameters(request.url.query)
            authorization_request.check_client(values, self.settings.client)
        except (UntrustedRequest, RequestRefused) as refused:
            return self._refuse(str(refused))
        try:
            wanted = authorization_request.read(values)
        except RequestRefused as refused:
            return self._with_error(values, refused)
        session = self._session(request)
        if session is not None and self._satisfies(session, wanted):
            return self._with_code(wanted, session)
        if "none" in wanted.prompts:
            refusal = RequestRefused("login_required", "There is no session that satisfies the request.")
            return self._with_error(values, refusal)
        action = f"{AUTHORIZE}?{request.url.query}"
        is_wanted = TWO_FACTORS in wanted.acr_values
        page = Page("Choose a person", action, session, self.settings.people, is_wanted)
        return self._show("people.html", page)

    async def _choose(self, request: Request) -> Response:
        """Sign in as the person of the pressed button, and answer with a code."""
        try:
            self._check_origin(request)
            form = await form_of(request)
            values = parameters(request.url.query)
            authorization_request.check_client(values, self.settings.client)
        except (UntrustedRequest, RequestRefused) as refused:
            return self._refuse(str(refused))
        try:
            wanted = authorization_request.read(values)
        except RequestRefused as refused:
            return self._with_error(values, refused)
        if "cancel" in form:
            return self._with_error(values, RequestRefused("access_denied", "The user cancelled."))
        person = self.settings.person(form.get("person", ""))
        if person is None:
            return self._refuse("The form names no person of the demo.")
        cookie = await self._sign_in(request, person, TWO_FACTORS if "second_factor" in form else ONE_FACTOR)
        session = self.grants.session(cookie)
        if session is None:
            raise RuntimeError("a session that was just started has ended")
        response = self._with_code(wanted, session)
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax")
        return response

    async def _ask_logout(self, request: Request) -> Response:
        """Log out if the request proves that it comes from the client of this session; else ask."""
        try:
            values = parameters(request.url.query)
            target = self._after_logout(values)
        except (UntrustedRequest, RequestRefused) as refused:
            return self._refuse(str(refused))
        session = self._session(request)
        hint = values.get("id_token_hint", "")
        if session is not None and self.signer.sid_of(hint) != session.sid:
            # OpenID Connect RP-Initiated Logout, section 2: otherwise any site could log the user out.
            return self._show("session.html", Page("Sign out?", f"{LOGOUT}?{request.url.query}", session))
        return await self._signed_out(request, target)

    async def _logout(self, request: Request) -> Response:
        try:
            self._check_origin(request)
            target = self._after_logout(parameters(request.url.query))
        except (UntrustedRequest, RequestRefused) as refused:
            return self._refuse(str(refused))
        return await self._signed_out(request, target)

    async def _style(self, _request: Request) -> Response:
        return FileResponse(_TEMPLATES / "style.css", headers={"X-Content-Type-Options": "nosniff"})

    def _session(self, request: Request) -> ProviderSession | None:
        return self.grants.session(request.cookies.get(COOKIE, ""))

    def _satisfies(self, session: ProviderSession, wanted: AuthorizationRequest) -> bool:
        if wanted.prompts & {"login", "select_account"}:
            return False
        age = self.grants.clock() - session.authenticated_at
        # A maximum of 0 asks for an authentication now, also within the second of the last one.
        if wanted.max_age is not None and (wanted.max_age == _NEVER_AGAIN or age > wanted.max_age):
            return False
        return not wanted.acr_values or session.acr in wanted.acr_values

    async def _sign_in(self, request: Request, person: Person, acr: str) -> str:
        earlier = self._session(request)
        old_cookie = request.cookies.get(COOKIE, "")
        cookie = self.grants.start_session(person, acr, earlier)
        if earlier is not None and earlier.person != person:
            # The browser has another user now, so the portal must end the session of the earlier one.
            self.grants.end_session(old_cookie)
            await self.backchannel.send(earlier)
        else:
            self.grants.drop_cookie(old_cookie)
        print_text(f"signed in as {person.username} ({acr}), without any proof")
        return cookie

    async def _signed_out(self, request: Request, target: str | None) -> Response:
        session = self.grants.end_session(request.cookies.get(COOKIE, ""))
        if session is not None:
            await self.backchannel.send(session)
        response = (
            self._show("session.html", Page("You are signed out"))
            if target is None
            else RedirectResponse(target, 303, self._headers())
        )
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response

    def _after_logout(self, values: Mapping[str, str]) -> str | None:
        """Return the address to go to after logout, or None; raises `UntrustedRequest` for others."""
        client, wanted = self.settings.client, values.get("post_logout_redirect_uri")
        if wanted is None:
            return None
        if wanted != client.post_logout_redirect_uri or values.get("client_id", client.id) != client.id:
            raise UntrustedRequest(
                f"The address after logout is not {client.post_logout_redirect_uri}, which is registered."
            )
        return _with_query(wanted, {"state": values.get("state")})

    def _with_code(self, wanted: AuthorizationRequest, session: ProviderSession) -> Response:
        grant = Grant(
            session, wanted.redirect_uri, wanted.scopes, wanted.nonce, wanted.challenge, session.expires_at
        )
        answer = {"code": self.grants.new_code(grant), "state": wanted.state, "iss": self.settings.issuer}
        # 303, because after 307 the browser would send the provider's form to the client (RFC 9700, section
        # 4.12).
        return RedirectResponse(_with_query(wanted.redirect_uri, answer), 303, self._headers())

    def _with_error(self, values: Mapping[str, str], refused: RequestRefused) -> Response:
        answer = {
            "error": refused.code,
            "error_description": str(refused),
            "state": values.get("state"),
            "iss": self.settings.issuer,
        }
        return RedirectResponse(_with_query(values["redirect_uri"], answer), 303, self._headers())

    def _check_origin(self, request: Request) -> None:
        # Browsers send it with every form, so a form on another site cannot choose the person.
        if request.headers.get("origin") != self.settings.issuer:
            raise UntrustedRequest("The form was not sent from a page of this provider.")

    def _refuse(self, reason: str) -> Response:
        return self._show("refused.html", Page("Request refused", error=reason), 400)

    def _show(self, template: str, page: Page, status: int = 200) -> Response:
        content = self.templates.get_template(template).render(page=page)
        return HTMLResponse(content, status, self._headers())

    def _headers(self) -> dict[str, str]:
        portal = urlsplit(self.settings.client.redirect_uri)
        return {
            "Cache-Control": "no-store",
            # Chromium applies form-action also to the redirect that answers a form.
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
                f"form-action 'self' {portal.scheme}://{portal.netloc}"
            ),
            # With no-referrer, browsers would send the origin `null` with forms.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }


def page_templates() -> Environment:
    """Return the environment of the templates."""
    loader = PackageLoader("daypass.demo.identity_provider")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)


def _with_query(uri: str, values: Mapping[str, str | None]) -> str:
    query = urlencode({name: value for name, value in values.items() if value is not None})
    if not query:
        return uri
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{query}"
