"""The profile: the user's tenant, tokens and sessions, and the JIT menu."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from daypass.common.duration_text import format_duration
from daypass.portal.access.issue import Issuer
from daypass.portal.access.sessions import SessionHistory
from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.errors import JitDisabled, PortalError
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.duration_text import cap_reason, reason
from daypass.portal.http.core.routing import exact
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import HOME
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.access_contacts import AccessContacts
from daypass.portal.http.pages.session_rows import SessionRow, rows
from daypass.portal.http.pages.set_words import in_words, options
from daypass.portal.http.pages.token_kinds import LABELS
from daypass.portal.http.pages.workstation import Workstation, Workstations
from daypass.portal.http.services import Services
from daypass.portal.identity.external.links import SignInMethods
from daypass.portal.identity.model import ApiToken, TokenKind, User
from daypass.portal.identity.passkeys.model import PASSKEY_METHODS
from daypass.portal.identity.personal_tokens import PersonalTokens
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import ENABLE_ADMIN_JIT_ON_UI
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Tenant

_SHOWN_ACTIVE = 10
_LATEST_SESSIONS = PageRequest(limit=5)

_ACTIVE_KINDS = (TokenKind.BROWSER, TokenKind.APPROVAL, TokenKind.REFRESH, TokenKind.TEMPORARY)
"""The kinds of tokens listed under *My sign-ins*."""


@dataclass(frozen=True, slots=True)
class MenuSection:
    """A section of the JIT menu: the actions for one scope."""

    name: str
    fields: Mapping[str, str]
    """The form fields that select this scope."""
    summary: str
    """A sentence on the session's length and access."""
    because: str
    capped: str
    """The reason why the session is shorter than configured; empty if it is not."""
    workstation: Workstation
    sets: Sequence[tuple[str, str]] = ()
    """The permission sets that the user may choose from; empty if there is no choice."""
    chosen: str = ""
    """The name of the set that the session gets."""
    group: str = ""
    """The name of the group that gives the access; empty if it is the user's own."""
    ends_at: datetime | None = None
    """The time from which the access is gone; None if it has no end."""


@dataclass(frozen=True, slots=True)
class ActiveCredential:
    """A credential of the user that is active now: a browser session, an application, a temporary token."""

    token: ApiToken
    kind: str
    name: str
    method: str
    """How the user signed in: with a password, or at which identity provider; empty if it is no sign-in."""
    is_current: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """The data of the profile."""

    tenant: MenuSection | None
    admin: MenuSection | None
    is_admin_off: bool
    """Whether the user is an Administrator but the flag disables admin access on the pages."""
    refusal: str
    """The reason why no session for the tenant can be issued; empty if one can."""
    is_disabled: bool
    """Whether the reason is that JIT access is off."""
    requested_set: str
    """The permission set that the user chose; empty for their own."""
    administrators: Sequence[str]
    """The contacts for access, other than the user."""
    permanent: Sequence[ApiToken]
    active: Sequence[ActiveCredential]
    """The newest ones, or all if the query has `all`."""
    active_count: int
    sessions: Sequence[SessionRow]
    error: str
    created: tuple[ApiToken, str] | None = field(repr=False)
    """A token that was just created, and its text, which is shown only once."""


@dataclass(frozen=True, slots=True)
class ProfilePages:
    """Handlers of the profile."""

    pages: PageRenderer
    history: SessionHistory
    contacts: AccessContacts
    settings: SettingsReader
    issuer: Issuer
    tenants: VisibleTenants
    own: PersonalTokens
    workstations: Workstations
    methods: SignInMethods

    @classmethod
    def of(cls, services: Services) -> "ProfilePages":
        """Return the handlers; the forms of the profile use them too."""
        config = services.config
        return cls(
            pages=services.pages,
            history=services.history,
            contacts=AccessContacts.of(services),
            settings=services.settings,
            issuer=services.issuer,
            tenants=services.tenants,
            own=PersonalTokens(services.identity),
            workstations=Workstations(
                config.public_url, services.release, services.accounts.default.region, config.aws.endpoint_url
            ),
            methods=services.sign_in_methods,
        )

    def show(self, visit: PageVisit) -> Response:
        """Show the profile."""
        return self.show_with(visit, HTTPStatus.OK)

    def show_with(
        self,
        visit: PageVisit,
        status: HTTPStatus,
        *,
        error: str = "",
        created: tuple[ApiToken, str] | None = None,
    ) -> Response:
        """Show the profile with the result of one of its forms: an error or a new token."""
        user, layout = visit.caller.user, visit.layout
        tenant, refusal = self._tenant_section(visit)
        admin = self._admin_section(visit)
        is_admin_on = self.settings.effective().get(ENABLE_ADMIN_JIT_ON_UI)
        contacts = self.contacts.for_user_of(visit.caller.token.provider)
        tokens = self.own.list_own(user)
        titles = {config.name: config.title for config in self.methods.providers}
        active = [
            _active(token, visit.caller.token, titles) for token in tokens if token.kind in _ACTIVE_KINDS
        ][::-1]
        # The current session comes first, so that it is shown however old it is.
        active.sort(key=lambda credential: not credential.is_current)
        page = ProfilePage(
            tenant=tenant,
            admin=admin,
            is_admin_off=user.is_administrator and not is_admin_on,
            refusal="" if refusal is None else refusal.reason,
            is_disabled=isinstance(refusal, JitDisabled),
            requested_set=visit.query.get("permission_set", ""),
            administrators=[name for name in contacts if name != user.username],
            permanent=[token for token in tokens if token.kind is TokenKind.PERMANENT],
            active=active if "all" in visit.query else active[:_SHOWN_ACTIVE],
            active_count=len(active),
            sessions=rows(self.history.page(user, _LATEST_SESSIONS).records, layout.now),
            error=error,
            created=created,
        )
        return self.pages.show(layout, "pages/profile.html", page, status)

    def _tenant_section(self, visit: PageVisit) -> tuple[MenuSection | None, PortalError | None]:
        tenant = visit.layout.tenant
        if tenant is None:
            return None, None
        requested = visit.query.get("permission_set") or None
        asked = {} if requested is None else {"permission_set": requested}
        workstation = self.workstations.tenant(tenant.name, tenant.target.region, requested)
        scope, fields = Scope.of_tenant(tenant.id), {"tenant": tenant.id, **asked}
        try:
            section = self._section(visit, scope, tenant.name, fields, workstation)
        except PortalError as refusal:
            return None, refusal
        return replace(section, sets=self._sets(visit.caller.user, tenant)), None

    def _sets(self, user: User, tenant: Tenant) -> Sequence[tuple[str, str]]:
        access = self.tenants.find(user, tenant.id)
        found = [] if access is None else self.tenants.requestable_sets(user, access)
        return options(found) if len(found) > 1 else []

    def _admin_section(self, visit: PageVisit) -> MenuSection | None:
        if not visit.caller.user.is_administrator:
            return None
        try:
            # The page has no section for access that the user cannot get. If the flag is the reason,
            # `is_admin_off` tells it.
            return self._section(visit, ADMIN_SCOPE, "admin", {"scope": "admin"}, self.workstations.admin())
        except PortalError:
            return None

    def _section(
        self, visit: PageVisit, scope: Scope, name: str, fields: Mapping[str, str], workstation: Workstation
    ) -> MenuSection:
        plan = self.issuer.preview(visit.caller, scope, fields.get("permission_set"))
        length, access = format_duration(plan.validity.duration), in_words(plan.permission_set)
        return MenuSection(
            name=name,
            fields=fields,
            summary=f"{length} in {name}, with {access}.",
            because=reason(plan.validity.deciding_limit.source, is_admin=scope.is_admin),
            capped=cap_reason(plan.validity, is_admin=scope.is_admin),
            workstation=workstation,
            chosen=plan.permission_set.name,
            group="" if plan.entitlement.group is None else plan.entitlement.group.name,
            ends_at=plan.entitlement.ends_at,
        )


class RootRedirect:
    """The endpoint of the root path."""

    permission = Permission.PUBLIC

    async def __call__(self, _request: Request) -> Response:
        """Redirect to the profile."""
        return RedirectResponse(HOME, 303)


def _active(token: ApiToken, current: ApiToken, titles: Mapping[str, str]) -> ActiveCredential:
    return ActiveCredential(
        token=token,
        kind=LABELS[token.kind],
        # A CLI is listed by the computer's name, because its application is always the same.
        name=token.name if token.kind is TokenKind.REFRESH else token.application or token.name,
        method=_method(token, titles),
        is_current=token.id == current.id,
        since=token.created_at,
    )


def _method(token: ApiToken, titles: Mapping[str, str]) -> str:
    """Return how a browser session began, and whether a passkey was shown; empty for other tokens."""
    if token.provider is not None:
        # Its own methods may be any word, and the page shows the name that the operator gave it.
        return titles.get(token.provider, token.provider)
    if token.kind is not TokenKind.BROWSER:
        return ""
    methods = (token.authentication_methods or "").split()
    return "Password" if PASSKEY_METHODS.isdisjoint(methods) else "Password and passkey"


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    user = services.page_routes(Permission.USER)
    return [exact("GET", "/", RootRedirect()), user.page(HOME, ProfilePages.of(services).show)]
