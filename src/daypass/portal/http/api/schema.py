"""Base classes and types that the schemas of several resources share."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)

from daypass.portal.storage.pagination import PageRequest

Moment = Annotated[
    datetime,
    # An offset instead of Z, which `datetime.fromisoformat` of Python 3.10 cannot parse.
    PlainSerializer(lambda at: at.isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-24T15:00:00+00:00"]}),
]
"""A timestamp in UTC, to the second, with the offset +00:00."""


Version = Annotated[
    str, Field(description="The version, also sent as `ETag`. Send it as `If-Match` to update or delete.")
]


def example(**values: JsonValue) -> ConfigDict:
    """Return the configuration of a request body, with an example for the reference."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [values]})


class RequestBody(BaseModel):
    """A request body: unknown fields are rejected, and types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class UserRef(BaseModel):
    """A user."""

    id: str
    username: str


class TenantRef(BaseModel):
    """A tenant."""

    id: str
    name: str


class Paged(BaseModel):
    """A page of results."""

    next_cursor: Annotated[
        str | None, Field(description="The `cursor` of the next page, or null on the last page.")
    ]


class PageQuery(BaseModel):
    """The query parameters of a paginated list."""

    # Not strict as bodies are, because every value in a query is text.
    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[
        str | None, Field(max_length=500, description="The `next_cursor` of the previous page.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="The maximum number of results.")] = 100

    @property
    def page_request(self) -> PageRequest:
        """The requested page."""
        return PageRequest(self.cursor, self.limit)


class PeopleQuery(PageQuery):
    """The query parameters of a list of users or members."""

    search: Annotated[str, Field(max_length=255, description="Part of the username.")] = ""


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("time out of range") from error


AskedMoment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A timestamp in a query; it must have a time zone."""


class WhenQuery(PageQuery):
    """The query parameters of a list filtered by user, tenant and time."""

    user: Annotated[
        str | None, Field(max_length=255, description="Only results for this user, by username or id.")
    ] = None
    tenant: Annotated[
        str | None, Field(max_length=255, description="Only results for this tenant, by name or id.")
    ] = None
    since: Annotated[AskedMoment | None, Field(description="Only results at or after this time.")] = None
    until: Annotated[AskedMoment | None, Field(description="Only results before this time.")] = None
