"""AWS Resources: what the chosen tenant owns, one page for each thing, and the console at that very thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from itertools import groupby
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.responses import Response

from daypass.portal.access.authorization import read_context
from daypass.portal.access.model import Caller, Deny, TenantScope
from daypass.portal.errors import AwsError, PortalError
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.core.tenants import access_of, find_tenant
from daypass.portal.http.layout.cookies import TENANT, set_persistent_cookie
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.redirects import redirect, safe_path
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.console_access import ConsoleAccess
from daypass.portal.inventory.console import console_path
from daypass.portal.inventory.model import Kind, Listing, Resource
from daypass.portal.inventory.search import after, count, search
from daypass.portal.inventory.service import Inventory
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant

RESOURCES = "/resources"
GO = "/go"

_SHOWS = (25, 50, 100)
_LONGEST_SEARCH = 200
_TABS = ("Tags", "Details")


@dataclass(frozen=True, slots=True)
class Group:
    """The resources of one kind that stand on a page."""

    kind: Kind
    total: int
    """How many there are on all pages."""
    rows: Sequence[tuple[Resource, str]]
    """Each with the address of its page."""


@dataclass(frozen=True, slots=True)
class KindLink:
    """One kind to narrow the list to."""

    label: str
    address: str
    total: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class ResourceQuery:
    """Which part of the list is asked for."""

    search: str
    kind: Kind | None
    show: int
    cursor: str | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "ResourceQuery":
        """Read it; what makes no sense is as if it were not there."""
        kind, show = query.get("kind", ""), query.get("show", "")
        return cls(
            search=query.get("search", "").strip()[:_LONGEST_SEARCH],
            kind=Kind(kind) if kind in [*Kind] else None,
            show=next((number for number in _SHOWS if str(number) == show), _SHOWS[0]),
            cursor=query.get("after") or None,
        )

    def address(self, **changed: object) -> str:
        """The address of the list, otherwise than this."""
        asked = {
            "search": self.search,
            "kind": self.kind,
            "show": None if self.show == _SHOWS[0] else self.show,
        } | changed
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{RESOURCES}?{query}" if query else RESOURCES


@dataclass(frozen=True, slots=True)
class ResourcesPage:
    """What the list shows."""

    asked: ResourceQuery
    shows: Sequence[int]
    listing: Listing | None
    """None where the user has no tenant, or where AWS could not be asked."""
    refusal: str
    """What AWS said, and what to do."""
    kinds: Sequence[KindLink]
    groups: Sequence[Group]
    total: int
    shown: int
    """How many stand on this page."""
    first: str
    following: str
    no_console: str
    """Why there is no **Console**; empty where there is."""


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """What the page of one resource shows."""

    resource: Resource
    region: str
    link: str
    """What can be pasted in a ticket."""
    address: str
    tab: str
    tabs: Sequence[tuple[str, str]]
    no_console: str
    now: datetime


@dataclass(frozen=True, slots=True)
class ResourcePages:
    """The list, one page for each resource, and the way to the console."""

    pages: PageRenderer
    database: Database
    inventory: Inventory
    ways: ConsoleAccess
    public_url: str

    def listed(self, visit: PageVisit) -> Response:
        """The chosen tenant's resources."""
        return self._listed(visit, ResourceQuery.of(visit.query))

    def refresh(self, visit: PageVisit) -> Response:
        """Have AWS asked again, and come back to the same part of the list."""
        here = safe_path(visit.form.raw("next"), RESOURCES)
        if visit.frame.tenant is not None:
            try:
                self.inventory.listing(visit.caller, visit.frame.tenant.id, is_fresh=True)
            except AwsError as refusal:
                return self._listed(visit, ResourceQuery.of(dict(parse_qsl(urlsplit(here).query))), refusal)
        return redirect(here)

    def show(self, visit: PageVisit) -> Response:
        """One resource by its ARN, whichever of the reader's tenants owns it; that one is then chosen."""
        arn, frame = visit.query.get("arn", "").strip(), visit.frame
        chosen = "" if frame.tenant is None else frame.tenant.id
        tenant, resource = self.inventory.owner(visit.caller, arn, likely=chosen)
        seen = find_tenant(self.database, visit.caller.user, tenant.id)
        if seen is not None:
            access = access_of(visit.caller.user, seen)
            # Who chooses another tenant here wants to see that one's resources, and not this one again.
            frame = replace(frame, tenant=tenant, access=access, path=RESOURCES, address=RESOURCES)
        tab = visit.query.get("tab", "")
        address = _address(resource)
        page = ResourcePage(
            resource=resource,
            region=resource.named.region or tenant.region,
            link=f"{self.public_url}{address}",
            address=address,
            tab=tab if tab in _TABS else _TABS[0],
            tabs=[(text, address if text == _TABS[0] else f"{address}&tab={text}") for text in _TABS],
            no_console=self._no_console(visit.caller, tenant),
            now=frame.now,
        )
        response = self.pages.show(frame, "pages/resource.html", page)
        if tenant.id != chosen:
            set_persistent_cookie(response, TENANT, tenant.id)
        return response

    def console(self, visit: PageVisit) -> Response:
        """Lead into the AWS console at one resource; where that is, no form has a say in."""
        tenant, resource = self.inventory.resource(
            visit.caller, visit.form.get("tenant"), visit.form.get("arn")
        )
        return self.ways.lead(visit, TenantScope(tenant.id), console_path(resource.named, tenant.region))

    def _listed(self, visit: PageVisit, asked: ResourceQuery, refusal: PortalError | None = None) -> Response:
        tenant, listing = visit.frame.tenant, None
        if tenant is not None and refusal is None:
            try:
                listing = self.inventory.listing(visit.caller, tenant.id)
            except AwsError as error:
                refusal = error
        page = self._page(visit, asked, listing, refusal)
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        return self.pages.show(visit.frame, "pages/resources.html", page, status)

    def _page(
        self, visit: PageVisit, asked: ResourceQuery, listing: Listing | None, refusal: PortalError | None
    ) -> ResourcesPage:
        resources = () if listing is None else listing.resources
        matching = search(resources, asked.search)
        found = search(matching, kind=asked.kind)
        shown, cursor = after(found, asked.cursor, asked.show)
        return ResourcesPage(
            asked=asked,
            shows=_SHOWS,
            listing=listing,
            refusal="" if refusal is None else refusal.reason,
            kinds=_kinds(asked, matching),
            groups=_groups(shown, count(found)),
            total=len(found),
            shown=len(shown),
            first=asked.address() if asked.cursor else "",
            following=asked.address(after=cursor) if cursor else "",
            no_console="" if listing is None else self._no_console(visit.caller, listing.tenant),
        )

    def _no_console(self, caller: Caller, tenant: Tenant) -> str:
        with self.database.reading() as connection:
            decision = read_context(connection, caller, TenantScope(tenant.id), "").decision
        return decision.refusal.reason if isinstance(decision, Deny) else ""


def _kinds(asked: ResourceQuery, matching: Sequence[Resource]) -> Sequence[KindLink]:
    every = KindLink("All", asked.address(kind=None), len(matching), asked.kind is None)
    return [
        every,
        *(
            KindLink(kind.plural, asked.address(kind=kind), number, asked.kind is kind)
            for kind, number in count(matching).items()
        ),
    ]


def _groups(shown: Sequence[Resource], totals: Mapping[Kind, int]) -> Sequence[Group]:
    grouped = groupby(shown, key=lambda resource: resource.kind)
    return [
        Group(kind, totals[kind], [(resource, _address(resource)) for resource in resources])
        for kind, resources in grouped
    ]


def _address(resource: Resource) -> str:
    # Colons and slashes mean nothing in a query, and a person can read the ARN with them.
    return f"{GO}?arn={quote(resource.arn, safe=':/')}"
