"""What Administrators send and get of what is noted about tenants."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from daypass.portal.admin.model import MetadataKind
from daypass.portal.http.api.schemas.admin import Version, example
from daypass.portal.http.api.schemas.member import Moment, Paged, RequestBody


class MetadataRead(BaseModel):
    """A note about a tenant."""

    tenant: str
    key: str
    kind: MetadataKind
    value: str
    changed_at: Moment
    changed_by: str
    version: Version


class MetadataList(BaseModel):
    """What is noted about a tenant, by key."""

    metadata: list[MetadataRead]


class MetadataPage(Paged):
    """What is noted about any tenant, a page of it."""

    metadata: list[MetadataRead]


class MetadataWrite(RequestBody):
    """What is to be noted."""

    model_config = example(kind="url", value="https://grafana.example.com/d/dev01")

    kind: Annotated[
        Literal["text", "url", "aws_console"],
        Field(description="A url begins with https:// or http://."),
    ] = "text"
    value: Annotated[str, Field(max_length=4000)]

    @property
    def metadata_kind(self) -> MetadataKind:
        """The kind, in the domain's own type."""
        return MetadataKind(self.kind)
