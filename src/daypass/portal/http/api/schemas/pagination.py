"""The parameters and the answer that every paginated list has."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from daypass.portal.storage.pagination import PageRequest


class PageQuery(BaseModel):
    """The query parameters of a paginated list."""

    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[
        str | None, Field(max_length=500, description="The `next_cursor` of the previous page.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="The maximum number of results.")] = 100

    @property
    def page_request(self) -> PageRequest:
        """The requested page."""
        return PageRequest(self.cursor, self.limit)


class Paged(BaseModel):
    """A page of results."""

    next_cursor: Annotated[
        str | None, Field(description="The `cursor` of the next page, or null on the last page.")
    ]
