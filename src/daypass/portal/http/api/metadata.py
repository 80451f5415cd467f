"""The API calls about tenant metadata, for Administrators."""

from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MetadataRecord
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.schemas import metadata as schemas
from daypass.portal.http.api.schemas.member import answer_with, read_body, read_query
from daypass.portal.http.api.schemas.pagination import PageQuery
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing


@dataclass(frozen=True, slots=True)
class Metadata:
    """The handlers of calls about tenant metadata."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return all metadata of a tenant."""
        records = self.administration.metadata.of(request.path["tenant"])
        return answer_with(schemas.MetadataList(metadata=[_represent(record) for record in records]))

    def of_tenants(self, request: ApiRequest) -> Response:
        """Return a page of the metadata of all tenants."""
        query = read_query(PageQuery, dict(request.query))
        page = self.administration.metadata.of_tenants(query.page_request).map(_represent)
        return answer_with(schemas.MetadataPage(metadata=list(page.records), next_cursor=page.next_cursor))

    def show(self, request: ApiRequest) -> Response:
        """Return one metadata entry."""
        return _note(self.administration.metadata.find(request.path["tenant"], request.path["key"]))

    def put(self, request: ApiRequest) -> Response:
        """Create or update a metadata entry."""
        body = read_body(schemas.MetadataWrite, request.body)
        tenant, key = request.path["tenant"], request.path["key"]
        return _note(
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


def _note(record: MetadataRecord) -> Response:
    return tagged(answer_with(_represent(record)), record.version)


def _represent(record: MetadataRecord) -> schemas.MetadataRead:
    return schemas.MetadataRead(
        tenant=record.tenant,
        key=record.key,
        kind=record.kind,
        value=record.value,
        changed_at=record.updated_at,
        changed_by=record.changed_by,
        version=record.version,
    )
