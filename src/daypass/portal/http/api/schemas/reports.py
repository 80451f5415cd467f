"""The schemas of all users' sessions, the audit log and the overview."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from daypass.portal.access.model import Channel, State
from daypass.portal.http.api.schemas.admin import TokenRecord
from daypass.portal.http.api.schemas.member import Moment, SessionRecord
from daypass.portal.http.api.schemas.pagination import Paged, PageQuery


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


class EverySessionsQuery(WhenQuery):
    """The query parameters of the list of all users' sessions."""

    state: Annotated[State | None, Field(description="Only sessions in this state.")] = None
    door: Annotated[Channel | None, Field(description="Only sessions requested through this channel.")] = None
    live: Annotated[bool, Field(description="Whether to return only sessions that have not expired.")] = False


class EverySessionRecord(SessionRecord):
    """A session or an attempt to get one, with its user."""

    username: str
    failure: Annotated[str | None, Field(description="The reason why no session was issued, or null.")]


class EverySessionPage(Paged):
    """A page of all users' sessions, newest first."""

    sessions: list[EverySessionRecord]


class AuditQuery(WhenQuery):
    """The query parameters of the audit log."""

    action: Annotated[
        str | None,
        Field(max_length=64, description="Only events with this action.", examples=["user.update"]),
    ] = None
    outcome: Annotated[str | None, Field(max_length=16, description="Only events with this outcome.")] = None
    subject: Annotated[
        str | None, Field(max_length=1000, description="Only events with exactly this subject.")
    ] = None
    request_id: Annotated[
        str | None, Field(max_length=32, description="Only events of the request with this id.")
    ] = None


class AuditEvent(BaseModel):
    """An audit event."""

    id: str
    at: Moment
    action: str
    actor: str
    actor_id: str | None
    tenant_id: str | None
    subject: str
    outcome: str
    detail: dict[str, Any]
    request_id: str
    hash: Annotated[
        str, Field(description="The hash of this event and the previous event's hash, in hexadecimal.")
    ]


class AuditPage(Paged):
    """A page of audit events, newest first."""

    events: list[AuditEvent]


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
