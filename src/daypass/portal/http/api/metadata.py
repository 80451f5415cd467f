"""What is noted about tenants, for Administrators."""

from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MetadataRecord
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.schemas import metadata as wire
from daypass.portal.http.api.schemas.admin import PageQuery
from daypass.portal.http.api.schemas.member import answer_with, read_body, read_query
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.storage.pagination import PageRequest


@dataclass(frozen=True, slots=True)
class Metadata:
    """The calls about it."""

    all_: Administration

    def listed(self, call: ApiRequest) -> Response:
        """All about a tenant."""
        found = self.all_.metadata.of(call.path["tenant"])
        return answer_with(wire.MetadataList(metadata=[_facts(one) for one in found]))

    def of_tenants(self, call: ApiRequest) -> Response:
        """A page of what is noted about any tenant."""
        asked = read_query(PageQuery, dict(call.query))
        page = self.all_.metadata.of_tenants(PageRequest(asked.cursor, asked.limit)).each(_facts)
        return answer_with(wire.MetadataPage(metadata=list(page.records), next_cursor=page.next_cursor))

    def shown(self, call: ApiRequest) -> Response:
        """One note."""
        return _note(self.all_.metadata.find(call.path["tenant"], call.path["key"]))

    def put(self, call: ApiRequest) -> Response:
        """Write one."""
        asked = read_body(wire.MetadataWrite, call.body)
        tenant, key = call.path["tenant"], call.path["key"]
        return _note(
            self.all_.metadata.put(
                tenant, key, asked.metadata_kind, asked.value, call.caller, expected_or_none(call)
            )
        )

    def removed(self, call: ApiRequest) -> Response:
        """Take one away."""
        self.all_.metadata.remove(call.path["tenant"], call.path["key"], call.caller, expected(call))
        return answer_nothing()


def _note(record: MetadataRecord) -> Response:
    return tagged(answer_with(_facts(record)), record.version)


def _facts(record: MetadataRecord) -> wire.MetadataRead:
    return wire.MetadataRead(
        tenant=record.tenant,
        key=record.key,
        kind=record.kind,
        value=record.value,
        changed_at=record.updated_at,
        changed_by=record.changed_by,
        version=record.version,
    )
