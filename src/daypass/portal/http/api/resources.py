"""The API call about the AWS resources of a tenant."""

from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.http.api.schemas import member
from daypass.portal.http.api.schemas.member import answer_with
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.inventory.console import console_path
from daypass.portal.inventory.model import Listing, Resource
from daypass.portal.inventory.search import count, page_of, search
from daypass.portal.inventory.service import Inventory


@dataclass(frozen=True, slots=True)
class Resources:
    """The handler of calls about AWS resources."""

    inventory: Inventory

    def list_of_tenant(self, request: ApiRequest) -> Response:
        """Return a page of a tenant's resources."""
        query = member.read_query(member.ResourcesQuery, dict(request.query))
        listing = self.inventory.listing(request.caller, request.path["tenant"], is_fresh=query.refresh)
        matches = search(listing.resources, query.search, query.kind)
        page = page_of(matches, query.page_request)
        answer = member.ResourceList(
            tenant=member.TenantRef(id=listing.tenant.id, name=listing.tenant.name),
            resources=[_represent(listing, resource) for resource in page.records],
            total=len(matches),
            kinds=dict(count(matches)),
            read_at=listing.read_at,
            complete=listing.is_complete,
            next_cursor=page.next_cursor,
        )
        return answer_with(answer)


def _represent(listing: Listing, resource: Resource) -> member.ResourceRead:
    named = resource.named
    return member.ResourceRead(
        arn=resource.arn,
        kind=resource.kind,
        label=resource.kind.label,
        name=resource.name,
        region=named.region or listing.tenant.region,
        tags=dict(resource.tags),
        destination=console_path(named, listing.tenant.region),
    )
