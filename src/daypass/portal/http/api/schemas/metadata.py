"""The schemas of tenant metadata."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from daypass.portal.admin.model import MetadataKind
from daypass.portal.http.api.schemas.admin import Version, example
from daypass.portal.http.api.schemas.member import Moment, RequestBody
from daypass.portal.http.api.schemas.pagination import Paged


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
