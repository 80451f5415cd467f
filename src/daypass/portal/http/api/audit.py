"""The API calls about the audit log, for Administrators."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.model import RecordedEvent
from daypass.portal.admin.reporting.reports import SessionFilter
from daypass.portal.errors import EventNotFound
from daypass.portal.http.api.codec import answer_with, read_query
from daypass.portal.http.api.operation import Operation
from daypass.portal.http.api.schema import Moment, Paged, WhenQuery
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.services import Services


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


@dataclass(frozen=True, slots=True)
class AuditEvents:
    """The handlers of calls about audit events."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of the audit log."""
        query = read_query(AuditQuery, dict(request.query))
        page = self.administration.records.events(
            SessionFilter(query.user, query.tenant, query.since, query.until),
            query.page_request,
            action=query.action,
            outcome=query.outcome,
            subject=query.subject,
            request_id=query.request_id,
        ).map(_event)
        answer = AuditPage(events=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def show(self, request: ApiRequest) -> Response:
        """Return one audit event."""
        return answer_with(_event(self.administration.records.event(request.path["event"])))


def _event(event: RecordedEvent) -> AuditEvent:
    return AuditEvent(
        id=event.id,
        at=event.at,
        action=event.action,
        actor=event.actor,
        actor_id=event.actor_id,
        tenant_id=event.tenant_id,
        subject=event.subject,
        outcome=event.outcome,
        detail=json.loads(event.detail),
        request_id=event.request_id,
        hash=event.hash.hex(),
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    events = AuditEvents(services.administration)
    return [
        Operation(
            method="GET",
            path="/audit",
            name="audit",
            summary="List audit events",
            permission=Permission.ADMINISTRATOR,
            handler=events.list_all,
            query=AuditQuery,
            answer=AuditPage,
        ),
        Operation(
            method="GET",
            path="/audit/{event}",
            name="auditEvent",
            summary="Get an audit event",
            permission=Permission.ADMINISTRATOR,
            handler=events.show,
            answer=AuditEvent,
            refusals=(EventNotFound,),
            parameters={"event": "The id of the audit event."},
        ),
    ]
