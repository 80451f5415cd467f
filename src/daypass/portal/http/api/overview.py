"""The API call about the overview, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.overview import Overview
from daypass.portal.http.api.codec import answer_with
from daypass.portal.http.api.operation import Operation
from daypass.portal.http.api.tokens import TokenRecord, represent_token
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.services import Services

_SECOND = timedelta(seconds=1)


class DayRead(BaseModel):
    """The number of session requests on one day in UTC, by outcome."""

    date: date
    issued: int
    refused: int
    failed: int


class CappedTenantRead(BaseModel):
    """A tenant whose role allows shorter sessions than configured; durations are in seconds."""

    tenant: str
    validity: int
    maximum: int


class OverviewRead(BaseModel):
    """An overview of sessions, refusals and tokens."""

    live: Annotated[int, Field(description="The number of sessions that have not expired.")]
    live_by_tenant: Annotated[
        dict[str, int],
        Field(description="The number of live sessions by tenant; `admin` is the master role."),
    ]
    live_by_user: Annotated[dict[str, int], Field(description="The number of live sessions by username.")]
    days: Annotated[list[DayRead], Field(description="The last 30 days, oldest first.")]
    refusals: Annotated[
        dict[str, int], Field(description="The number of refusals in the last 30 days, by reason.")
    ]
    ending_tokens: Annotated[
        list[TokenRecord], Field(description="The permanent tokens that expire within 30 days.")
    ]
    capped: Annotated[
        list[CappedTenantRead], Field(description="The tenants whose role limits the session duration.")
    ]


@dataclass(frozen=True, slots=True)
class OverviewHandler:
    """The handler of the call about the overview."""

    administration: Administration

    def show(self, _request: ApiRequest) -> Response:
        """Return the overview."""
        return answer_with(_overview(self.administration.overviews.read()))


def _overview(overview: Overview) -> OverviewRead:
    return OverviewRead(
        live=overview.live,
        live_by_tenant=dict(overview.live_by_tenant),
        live_by_user=dict(overview.live_by_user),
        days=[
            DayRead(date=day.date, issued=day.issued, refused=day.refused, failed=day.failed)
            for day in overview.days
        ],
        refusals=dict(overview.refusals),
        ending_tokens=[represent_token(token) for token in overview.ending_tokens],
        capped=[
            CappedTenantRead(
                tenant=tenant.tenant, validity=tenant.validity // _SECOND, maximum=tenant.maximum // _SECOND
            )
            for tenant in overview.capped
        ],
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operation."""
    return [
        Operation(
            method="GET",
            path="/overview",
            name="overview",
            summary="Get an overview of sessions, refusals and tokens",
            permission=Permission.ADMINISTRATOR,
            handler=OverviewHandler(services.administration).show,
            answer=OverviewRead,
        )
    ]
