"""The API call about the AWS resources of a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, WithJsonSchema
from starlette.responses import Response

from daypass.portal.access.session_names import printable
from daypass.portal.errors import AuditUnavailable, InvalidRequest, TenantNotFound
from daypass.portal.http.api.codec import answer_with, read_query
from daypass.portal.http.api.operation import OF_AWS, Operation
from daypass.portal.http.api.schema import Moment, Paged, PageQuery, TenantRef
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.services import Services
from daypass.portal.inventory.console import console_path
from daypass.portal.inventory.kinds import ResourceKind
from daypass.portal.inventory.model import Listing, Resource
from daypass.portal.inventory.search import count, page_of, search
from daypass.portal.inventory.service import Inventory


class ResourcesQuery(PageQuery):
    """The query parameters of the list of a tenant's resources."""

    search: Annotated[
        str,
        Field(max_length=200, description="Only resources with all these words in ARN, kind or tags."),
    ] = ""
    kind: Annotated[
        str | None,
        Field(description="Only resources of this kind, such as `s3-bucket`."),
        WithJsonSchema({"type": "string", "pattern": "^[a-z0-9-]+$"}),
    ] = None
    # The cursor is an ARN, so it may be longer than those of other lists.
    cursor: Annotated[
        str | None, Field(max_length=2048, description="The `next_cursor` of the previous page.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="The maximum number of results.")] = 50
    refresh: Annotated[
        bool, Field(description="Whether to read from AWS again instead of using the one-minute cache.")
    ] = False


class ResourceRead(BaseModel):
    """An AWS resource that a tenant owns."""

    arn: str
    kind: Annotated[str, Field(description="The name of the kind, such as `s3-bucket`.")]
    label: Annotated[str, Field(description="The display name of the kind.")]
    name: str
    region: str
    tags: dict[str, str]
    destination: Annotated[
        str, Field(description="The `destination` for `POST /sessions` that opens it in the AWS console.")
    ]


class ResourceList(Paged):
    """A page of a tenant's resources, sorted by kind and ARN."""

    tenant: TenantRef
    resources: list[ResourceRead]
    total: Annotated[int, Field(description="The number of resources on all pages.")]
    kinds: Annotated[dict[str, int], Field(description="The number of resources on all pages, by kind.")]
    read_at: Annotated[
        Moment, Field(description="The time of the read from AWS. Listings are cached for one minute.")
    ]
    complete: Annotated[
        bool, Field(description="Whether all resources were read. False for a very large tenant.")
    ]


@dataclass(frozen=True, slots=True)
class Resources:
    """The handler of calls about AWS resources."""

    inventory: Inventory

    def list_of_tenant(self, request: ApiRequest) -> Response:
        """Return a page of a tenant's resources."""
        query = read_query(ResourcesQuery, dict(request.query))
        listing = self.inventory.listing(request.caller, request.path["tenant"], is_fresh=query.refresh)
        matches = search(listing.resources, query.search, self._kind(query.kind))
        page = page_of(self.inventory.kinds, matches, query.page_request)
        answer = ResourceList(
            tenant=TenantRef(id=listing.tenant.id, name=listing.tenant.name),
            resources=[_represent(listing, resource) for resource in page.records],
            total=len(matches),
            kinds={kind.name: number for kind, number in count(matches).items()},
            read_at=listing.read_at,
            complete=listing.is_complete,
            next_cursor=page.next_cursor,
        )
        return answer_with(answer)

    def _kind(self, name: str | None) -> ResourceKind | None:
        kind = None if name is None else self.inventory.kinds.find(name)
        if kind is None and name is not None:
            raise InvalidRequest(
                f"There is no kind “{printable(name, 40)}”. The kinds are "
                f"{', '.join(self.inventory.kinds.names)}."
            )
        return kind


def _represent(listing: Listing, resource: Resource) -> ResourceRead:
    named = resource.named
    return ResourceRead(
        arn=resource.arn,
        kind=resource.kind.name,
        label=resource.kind.label,
        name=resource.name,
        region=named.region or listing.tenant.target.region,
        tags=dict(resource.tags),
        destination=console_path(named, listing.tenant.target.region),
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operation."""
    return [
        Operation(
            method="GET",
            path="/tenants/{tenant}/resources",
            name="resources",
            summary="List AWS resources of a tenant",
            permission=Permission.USER,
            handler=Resources(services.inventory).list_of_tenant,
            query=ResourcesQuery,
            answer=ResourceList,
            refusals=(TenantNotFound, InvalidRequest, AuditUnavailable, *OF_AWS),
        )
    ]
