"""AWS Resources: the list of the selected tenant's resources, a page for each, and its console link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from itertools import groupby
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.access.model import Caller
from daypass.portal.access.tenants import VisibleTenants, access_of
from daypass.portal.errors import AwsError, PortalError
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.cookies import TENANT, set_persistent_cookie
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect, safe_path
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.console_access import ConsoleAccess
from daypass.portal.http.services import Services
from daypass.portal.identity.scopes import Scope
from daypass.portal.inventory.console import console_path
from daypass.portal.inventory.kinds import ResourceKind, ResourceKinds
from daypass.portal.inventory.model import Listing, Resource
from daypass.portal.inventory.search import count, page_of, search
from daypass.portal.inventory.service import Inventory
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Tenant

RESOURCES = "/resources"
GO = "/go"

_SHOWS = (25, 50, 100)
_LONGEST_SEARCH = 200
_TABS = ("Tags", "Details")


@dataclass(frozen=True, slots=True)
class Group:
    """The resources of one kind on a page of the list."""

    kind: ResourceKind
    total: int
    """The number of them on all pages."""
    rows: Sequence[tuple[Resource, str]]
    """The resources, each with the address of its page."""


@dataclass(frozen=True, slots=True)
class KindLink:
    """A link that filters the list by one kind."""

    label: str
    address: str
    total: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class ResourceQuery:
    """The filter and page of the list that a URL requests."""

    search: str
    kind: ResourceKind | None
    show: int
    cursor: str | None

    @classmethod
    def of(cls, query: Mapping[str, str], kinds: ResourceKinds) -> "ResourceQuery":
        """Read it from *query*; an invalid value counts as unset."""
        show = query.get("show", "")
        return cls(
            search=query.get("search", "").strip()[:_LONGEST_SEARCH],
            kind=kinds.find(query.get("kind", "")),
            show=next((number for number in _SHOWS if str(number) == show), _SHOWS[0]),
            cursor=query.get("after") or None,
        )

    def address(self, **changed: object) -> str:
        """Return the address of the list with some parameters *changed*."""
        parameters = {
            "search": self.search,
            "kind": self.kind,
            "show": None if self.show == _SHOWS[0] else self.show,
        } | changed
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"{RESOURCES}?{query}" if query else RESOURCES


@dataclass(frozen=True, slots=True)
class ResourcesPage:
    """The data of the list."""

    query: ResourceQuery
    shows: Sequence[int]
    listing: Listing | None
    """None if the user has no tenant or the call to AWS failed."""
    refusal: str
    """The reason why the call to AWS failed, and the remedy; empty if it did not."""
    kinds: Sequence[KindLink]
    groups: Sequence[Group]
    total: int
    shown: int
    """The number of resources on this page."""
    first: str
    following: str
    no_console: str
    """The reason why there is no **Console** button; empty if there is one."""
    unavailable_kinds: Sequence[ResourceKind]
    """The kinds on this page without a button, because the tenant's role may not open them."""
    excluded_kinds: Sequence[ResourceKind]
    """The kinds on this page without a button, because an Administrator limited the tenant's services."""


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """The data of the page of one resource."""

    resource: Resource
    region: str
    link: str
    """The permanent link to the page."""
    address: str
    tab: str
    tabs: Sequence[tuple[str, str]]
    no_console: str
    is_unavailable: bool
    """Whether the tenant's role may not open the resource's console page."""
    is_excluded: bool
    """Whether an Administrator limited the tenant to other services."""
    now: datetime


@dataclass(frozen=True, slots=True)
class ResourcePages:
    """Handlers of the list, of the page of one resource, and of its console link."""

    pages: PageRenderer
    tenants: VisibleTenants
    inventory: Inventory
    console_access: ConsoleAccess
    public_url: str

    def listed(self, visit: PageVisit) -> Response:
        """Show the resources of the selected tenant."""
        return self._listed(visit, self._query(visit.query))

    def refresh(self, visit: PageVisit) -> Response:
        """Read the list from AWS again, and redirect to the same page of it."""
        # The form carries the address of the list with its search, so that reading again does not lose it.
        address = safe_path(visit.form.raw("next"), RESOURCES)
        if visit.layout.tenant is not None:
            try:
                self.inventory.listing(visit.caller, visit.layout.tenant.id, is_fresh=True)
            # Shown within the page, because the user can select another tenant there.
            except AwsError as refusal:
                return self._listed(visit, self._query(dict(parse_qsl(urlsplit(address).query))), refusal)
        return redirect(address)

    def show(self, visit: PageVisit) -> Response:
        """Show a resource by its ARN, in whichever of the user's tenants; selects that tenant."""
        arn, layout = visit.query.get("arn", "").strip(), visit.layout
        selected_id = "" if layout.tenant is None else layout.tenant.id
        tenant, resource = self.inventory.owner(visit.caller, arn, likely=selected_id)
        tenant_access = self.tenants.find(visit.caller.user, tenant.id)
        if tenant_access is not None:
            access = access_of(visit.caller.user, tenant_access)
            # Selecting another tenant on this page leads to that tenant's list, not back to this resource.
            layout = replace(layout, tenant=tenant, access=access, path=RESOURCES, address=RESOURCES)
        tab = visit.query.get("tab", "")
        address = _address(resource)
        page = ResourcePage(
            resource=resource,
            region=resource.named.region or tenant.target.region,
            link=f"{self.public_url}{address}",
            address=address,
            tab=tab if tab in _TABS else _TABS[0],
            tabs=[(text, address if text == _TABS[0] else f"{address}&tab={text}") for text in _TABS],
            no_console=self._no_console(visit.caller, tenant, layout.now),
            is_unavailable=self._is_unavailable(resource.kind, tenant),
            is_excluded=resource.kind in self.inventory.excluded_kinds(tenant),
            now=layout.now,
        )
        response = self.pages.show(layout, "pages/resource.html", page)
        if tenant.id != selected_id:
            set_persistent_cookie(response, TENANT, tenant.id)
        return response

    def console(self, visit: PageVisit) -> Response:
        """Redirect to a resource in the AWS console; the destination is derived from its ARN alone."""
        tenant, resource = self.inventory.resource(
            visit.caller, visit.form.get("tenant"), visit.form.get("arn")
        )
        return self.console_access.redirect_to_console(
            visit, Scope.of_tenant(tenant.id), console_path(resource.named, tenant.target.region)
        )

    def _listed(self, visit: PageVisit, query: ResourceQuery, refusal: PortalError | None = None) -> Response:
        tenant, listing = visit.layout.tenant, None
        if tenant is not None and refusal is None:
            try:
                listing = self.inventory.listing(visit.caller, tenant.id)
            except AwsError as error:
                refusal = error
        page = self._page(visit, query, listing, refusal)
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        return self.pages.show(visit.layout, "pages/resources.html", page, status)

    def _page(
        self, visit: PageVisit, query: ResourceQuery, listing: Listing | None, refusal: PortalError | None
    ) -> ResourcesPage:
        resources = () if listing is None else listing.resources
        matching = search(resources, query.search)
        # The links of the kinds show the numbers of the search without the kind, so there are two results.
        filtered = search(matching, kind=query.kind)
        page = page_of(self.inventory.kinds, filtered, PageRequest(query.cursor, query.show))
        groups = _groups(page.records, count(filtered))
        return ResourcesPage(
            query=query,
            shows=_SHOWS,
            listing=listing,
            refusal="" if refusal is None else refusal.reason,
            kinds=_kinds(query, matching),
            groups=groups,
            total=len(filtered),
            shown=len(page.records),
            first=query.address() if query.cursor else "",
            following=query.address(after=page.next_cursor) if page.next_cursor else "",
            no_console=""
            if listing is None
            else self._no_console(visit.caller, listing.tenant, visit.layout.now),
            unavailable_kinds=()
            if listing is None
            else [group.kind for group in groups if self._is_unavailable(group.kind, listing.tenant)],
            excluded_kinds=() if listing is None else self._excluded(groups, listing.tenant),
        )

    def _excluded(self, groups: Sequence[Group], tenant: Tenant) -> Sequence[ResourceKind]:
        excluded = self.inventory.excluded_kinds(tenant)
        return [group.kind for group in groups if group.kind in excluded]

    def _is_unavailable(self, kind: ResourceKind, tenant: Tenant) -> bool:
        return kind.needs_shared_fence and self.inventory.has_inline_fence(tenant)

    def _query(self, query: Mapping[str, str]) -> ResourceQuery:
        return ResourceQuery.of(query, self.inventory.kinds)

    def _no_console(self, caller: Caller, tenant: Tenant, now: datetime) -> str:
        refusal = self.tenants.find_session_refusal(caller, tenant, now)
        return "" if refusal is None else refusal.reason


def _kinds(query: ResourceQuery, matching: Sequence[Resource]) -> Sequence[KindLink]:
    every = KindLink("All", query.address(kind=None), len(matching), query.kind is None)
    return [
        every,
        *(
            KindLink(kind.plural, query.address(kind=kind), number, query.kind == kind)
            for kind, number in count(matching).items()
        ),
    ]


def _groups(shown: Sequence[Resource], totals: Mapping[ResourceKind, int]) -> Sequence[Group]:
    grouped = groupby(shown, key=lambda resource: resource.kind)
    return [
        Group(kind, totals[kind], [(resource, _address(resource)) for resource in resources])
        for kind, resources in grouped
    ]


def _address(resource: Resource) -> str:
    # Colons and slashes have no meaning in a query; unescaped, the ARN stays readable.
    return f"{GO}?arn={quote(resource.arn, safe=':/')}"


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    resources = ResourcePages(
        pages=services.pages,
        tenants=services.tenants,
        inventory=services.inventory,
        console_access=ConsoleAccess(services.pages, services.issuer),
        public_url=services.config.public_url,
    )
    user = services.page_routes(Permission.USER)
    return [
        user.page(RESOURCES, resources.listed, calls_aws=True),
        user.form(f"{RESOURCES}/refresh", resources.refresh, calls_aws=True),
        user.form(f"{RESOURCES}/console", resources.console, calls_aws=True),
        user.page(GO, resources.show, calls_aws=True),
    ]
