"""The API calls about tenant metadata, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MetadataKind, MetadataRecord
from daypass.portal.errors import MetadataNotFound, TenantNotFound
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.operation import Condition, Operation
from daypass.portal.http.api.schema import Moment, Paged, PageQuery, RequestBody, Version, example
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services


class MetadataRead(BaseModel):
    """A metadata entry of a tenant."""

    tenant: str
    key: str
    kind: MetadataKind
    value: str
    changed_at: Moment
    changed_by: str
    version: Version


class MetadataList(BaseModel):
    """All metadata of a tenant, sorted by key."""

    metadata: list[MetadataRead]


class MetadataPage(Paged):
    """A page of the metadata of all tenants."""

    metadata: list[MetadataRead]


class MetadataWrite(RequestBody):
    """The request to create or update a metadata entry."""

    model_config = example(kind="url", value="https://grafana.example.com/d/dev01")

    kind: Annotated[
        Literal["text", "url", "aws_console"],
        Field(description="The kind of the value. A `url` begins with `https://` or `http://`."),
    ] = "text"
    value: Annotated[str, Field(max_length=4000)]

    @property
    def metadata_kind(self) -> MetadataKind:
        """The kind as the domain's type."""
        return MetadataKind(self.kind)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The handlers of calls about tenant metadata."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return all metadata of a tenant."""
        records = self.administration.metadata.of(request.path["tenant"])
        return answer_with(MetadataList(metadata=[_represent(record) for record in records]))

    def of_tenants(self, request: ApiRequest) -> Response:
        """Return a page of the metadata of all tenants."""
        query = read_query(PageQuery, dict(request.query))
        page = self.administration.metadata.of_tenants(query.page_request).map(_represent)
        return answer_with(MetadataPage(metadata=list(page.records), next_cursor=page.next_cursor))

    def show(self, request: ApiRequest) -> Response:
        """Return one metadata entry."""
        return _entry(self.administration.metadata.find(request.path["tenant"], request.path["key"]))

    def put(self, request: ApiRequest) -> Response:
        """Create or update a metadata entry."""
        body = read_body(MetadataWrite, request.body)
        tenant, key = request.path["tenant"], request.path["key"]
        return _entry(
            self.administration.metadata.put(
                tenant, key, body.metadata_kind, body.value, request.caller, expected_or_none(request)
            )
        )

    def remove(self, request: ApiRequest) -> Response:
        """Delete a metadata entry."""
        self.administration.metadata.remove(
            request.path["tenant"], request.path["key"], request.caller, expected(request)
        )
        return answer_nothing()


def _entry(record: MetadataRecord) -> Response:
    return tagged(answer_with(_represent(record)), record.version)


def _represent(record: MetadataRecord) -> MetadataRead:
    return MetadataRead(
        tenant=record.tenant,
        key=record.key,
        kind=record.kind,
        value=record.value,
        changed_at=record.updated_at,
        changed_by=record.changed_by,
        version=record.version,
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    metadata = Metadata(services.administration)
    return [
        Operation(
            method="GET",
            path="/tenant-metadata",
            name="allMetadata",
            summary="List metadata of all tenants",
            permission=Permission.ADMINISTRATOR,
            handler=metadata.of_tenants,
            query=PageQuery,
            answer=MetadataPage,
        ),
        Operation(
            method="GET",
            path="/tenants/{tenant}/metadata",
            name="metadata",
            summary="List metadata of a tenant",
            permission=Permission.ADMINISTRATOR,
            handler=metadata.list_all,
            answer=MetadataList,
            refusals=(TenantNotFound,),
        ),
        *_one_entry(metadata),
    ]


def _one_entry(metadata: Metadata) -> Sequence[Operation]:
    path, missing = "/tenants/{tenant}/metadata/{key:path}", (TenantNotFound, MetadataNotFound)
    return [
        Operation(
            method="GET",
            path=path,
            name="showMetadata",
            summary="Get a metadata entry",
            permission=Permission.ADMINISTRATOR,
            handler=metadata.show,
            answer=MetadataRead,
            has_version=True,
            refusals=missing,
        ),
        Operation(
            method="PUT",
            path=path,
            name="putMetadata",
            summary="Create or update a metadata entry",
            permission=Permission.ADMINISTRATOR,
            handler=metadata.put,
            body=MetadataWrite,
            answer=MetadataRead,
            condition=Condition.PUT,
            refusals=missing,
        ),
        Operation(
            method="DELETE",
            path=path,
            name="removeMetadata",
            summary="Delete a metadata entry",
            permission=Permission.ADMINISTRATOR,
            handler=metadata.remove,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=missing,
        ),
    ]
