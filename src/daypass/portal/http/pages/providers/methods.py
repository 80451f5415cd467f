"""The page *Sign-in methods* of a user: link and unlink accounts at identity providers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.errors import InvalidRequest, LastSignInMethod, PortalError
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.providers.redirects import ProviderRedirects, keep_attempt
from daypass.portal.http.services import Services
from daypass.portal.identity.external.links import ExternalLinks, SignInMethods
from daypass.portal.identity.external.model import ExternalIdentity
from daypass.portal.identity.providers.base import RedirectProvider
from daypass.portal.identity.providers.registry import IdentityProviders

ADDRESS = "/sign-in-methods"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account at an identity provider, as pages show it."""

    title: str
    """The provider's name for users."""
    name: str
    """The e-mail address or username there; empty if the provider told none."""
    provider: str
    issuer: str
    subject: str
    linked_at: datetime
    last_used_at: datetime | None
    is_usable: bool
    """Whether the operator still configures the provider with this issuer."""


@dataclass(frozen=True, slots=True)
class SignInMethodsPage:
    """The data of the page."""

    has_password: bool
    accepts_passwords: bool
    is_break_glass: bool
    accounts: Sequence[AccountRow]
    providers: Sequence[tuple[str, str]]
    """Name and title of the providers whose accounts can be linked."""
    error: str


@dataclass(frozen=True, slots=True)
class LinkAtProviderPage:
    """The data of the page that leads to the provider whose account is linked."""

    url: str
    label: str
    back: str


@dataclass(frozen=True, slots=True)
class SignInMethodsPages:
    """Handlers of the page."""

    pages: PageRenderer
    links: ExternalLinks
    redirects: ProviderRedirects
    providers: IdentityProviders

    def show(self, visit: PageVisit) -> Response:
        """Show the user's sign-in methods."""
        return self._show(visit)

    def link(self, visit: PageVisit) -> Response:
        """Lead to the provider whose account the user wants to link."""
        name = visit.form.get("provider")
        provider = next((p for p in self.providers if p.name == name), None)
        if not isinstance(provider, RedirectProvider):
            raise InvalidRequest("This portal has no such identity provider. Select one of the list.")
        url, cookie = self.redirects.to_link(provider, visit, ADDRESS)
        # A page with a link, because form-action forbids a redirect to another site. It also keeps another
        # site from linking its own account: nothing begins without this form.
        page = LinkAtProviderPage(url, provider.label, ADDRESS)
        response = self.pages.show_alone("pages/link-at-provider.html", page, theme=visit.layout.theme)
        keep_attempt(response, cookie)
        return response

    def unlink(self, visit: PageVisit) -> Response:
        """Unlink an account of the user."""
        form, caller = visit.form, visit.caller
        try:
            self.links.unlink(
                form.raw("provider"),
                form.raw("issuer"),
                form.raw("subject"),
                caller.user,
                caller.token,
                caller.request_id,
            )
        except (InvalidRequest, LastSignInMethod) as refusal:
            return self._show(visit, refusal)
        return redirect(ADDRESS, "The account is unlinked.")

    def _show(self, visit: PageVisit, refusal: PortalError | None = None) -> Response:
        methods, user = self.links.methods, visit.caller.user
        is_break_glass = self.links.is_break_glass(user)
        page = SignInMethodsPage(
            has_password=self.links.has_password(user),
            accepts_passwords=methods.accepts_passwords,
            is_break_glass=is_break_glass,
            accounts=account_rows(self.links.list_for(user), methods),
            providers=() if is_break_glass else provider_choices(methods),
            error="" if refusal is None else refusal.reason,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        return self.pages.show(visit.layout, "pages/sign-in-methods.html", page, status)


def account_rows(identities: Sequence[ExternalIdentity], methods: SignInMethods) -> Sequence[AccountRow]:
    """Return accounts as pages show them."""
    titles = dict(provider_choices(methods))
    return [
        AccountRow(
            title=titles.get(identity.provider, identity.provider),
            name=identity.email or identity.username,
            provider=identity.provider,
            issuer=identity.issuer,
            subject=identity.subject,
            linked_at=identity.linked_at,
            last_used_at=identity.last_used_at,
            is_usable=methods.can_use(identity),
        )
        for identity in identities
    ]


def provider_choices(methods: SignInMethods) -> Sequence[tuple[str, str]]:
    """Return name and title of each provider, for a list of choices."""
    return [(config.name, config.title) for config in methods.providers]


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    user = services.page_routes(Permission.USER)
    pages = SignInMethodsPages(
        services.pages, services.external_links, ProviderRedirects.of(services), services.providers
    )
    return [
        user.page(ADDRESS, pages.show),
        user.form(f"{ADDRESS}/link", pages.link, pool=services.pools.providers),
        user.form(f"{ADDRESS}/unlink", pages.unlink),
    ]
