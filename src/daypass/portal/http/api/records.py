"""The API calls about all users' sessions, the audit log and the overview, for Administrators."""

import json
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response

from daypass.portal.access.model import IssuanceRecord
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.model import RecordedEvent
from daypass.portal.admin.reporting.overview import Overview
from daypass.portal.admin.reporting.reports import SessionFilter
from daypass.portal.clock import Clock
from daypass.portal.http.api.schemas import reports as schemas
from daypass.portal.http.api.schemas.member import answer_with, read_query
from daypass.portal.http.api.sessions import represent_session
from daypass.portal.http.api.tokens import represent_token
from daypass.portal.http.core.endpoints import ApiRequest

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Records:
    """The handlers of calls about sessions, audit events and the overview."""

    administration: Administration
    clock: Clock

    def sessions(self, request: ApiRequest) -> Response:
        """Return a page of all users' sessions."""
        query = read_query(schemas.EverySessionsQuery, dict(request.query))
        page = self.administration.records.sessions(
            SessionFilter(query.user, query.tenant, query.since, query.until),
            query.page_request,
            state=query.state,
            door=query.door,
            live_at=self.clock() if query.live else None,
        ).map(_session)
        answer = schemas.EverySessionPage(sessions=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def events(self, request: ApiRequest) -> Response:
        """Return a page of the audit log."""
        query = read_query(schemas.AuditQuery, dict(request.query))
        page = self.administration.records.events(
            SessionFilter(query.user, query.tenant, query.since, query.until),
            query.page_request,
            action=query.action,
            outcome=query.outcome,
            subject=query.subject,
            request_id=query.request_id,
        ).map(_event)
        answer = schemas.AuditPage(events=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def event(self, request: ApiRequest) -> Response:
        """Return one audit event."""
        return answer_with(_event(self.administration.records.event(request.path["event"])))

    def overview(self, _request: ApiRequest) -> Response:
        """Return the overview."""
        return answer_with(_overview(self.administration.overviews.read()))


def _session(record: IssuanceRecord) -> schemas.EverySessionRecord:
    own = represent_session(record).model_dump()
    return schemas.EverySessionRecord(**own, username=record.username, failure=record.failure)


def _event(event: RecordedEvent) -> schemas.AuditEvent:
    return schemas.AuditEvent(
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


def _overview(seen: Overview) -> schemas.OverviewRead:
    return schemas.OverviewRead(
        live=seen.live,
        live_by_tenant=dict(seen.live_by_tenant),
        live_by_user=dict(seen.live_by_user),
        days=[
            schemas.DayRead(date=day.date, issued=day.issued, refused=day.refused, failed=day.failed)
            for day in seen.days
        ],
        refusals=dict(seen.refusals),
        ending_tokens=[represent_token(token) for token in seen.ending_tokens],
        capped=[
            schemas.CappedTenantRead(
                tenant=tenant.tenant, validity=tenant.validity // _SECOND, maximum=tenant.maximum // _SECOND
            )
            for tenant in seen.capped
        ],
    )
