"""Everybody's sessions, the record and the overview, for Administrators."""

import json
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response

from daypass.portal.access.store import IssuanceRecord
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.overview import Overview
from daypass.portal.admin.reporting.reports import SessionFilter
from daypass.portal.admin.reporting.store.events import RecordedEvent
from daypass.portal.clock import Clock
from daypass.portal.http.api.schemas import admin as wire
from daypass.portal.http.api.schemas.member import answer_with, read_query
from daypass.portal.http.api.sessions import session_record
from daypass.portal.http.api.tokens import token_facts
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.storage.pagination import PageRequest

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Records:
    """The calls about what happened."""

    all_: Administration
    clock: Clock

    def sessions(self, call: ApiRequest) -> Response:
        """A page of everybody's sessions."""
        asked = read_query(wire.EverySessionsQuery, dict(call.query))
        page = self.all_.records.sessions(
            SessionFilter(asked.user, asked.tenant, asked.since, asked.until),
            PageRequest(asked.cursor, asked.limit),
            state=asked.state,
            door=asked.door,
            live_at=self.clock() if asked.live else None,
        ).each(_session)
        answer = wire.EverySessionPage(sessions=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def events(self, call: ApiRequest) -> Response:
        """A page of the record."""
        asked = read_query(wire.AuditQuery, dict(call.query))
        page = self.all_.records.events(
            SessionFilter(asked.user, asked.tenant, asked.since, asked.until),
            PageRequest(asked.cursor, asked.limit),
            action=asked.action,
            outcome=asked.outcome,
            subject=asked.subject,
            request_id=asked.request_id,
        ).each(_event)
        answer = wire.AuditPage(events=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def event(self, call: ApiRequest) -> Response:
        """One event in full."""
        return answer_with(_event(self.all_.records.event(call.path["event"])))

    def overview(self, _call: ApiRequest) -> Response:
        """How things stand."""
        return answer_with(_overview(self.all_.overviews.read()))


def _session(record: IssuanceRecord) -> wire.EverySessionRecord:
    own = session_record(record).model_dump()
    return wire.EverySessionRecord(**own, username=record.username, failure=record.failure)


def _event(event: RecordedEvent) -> wire.AuditEvent:
    return wire.AuditEvent(
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


def _overview(seen: Overview) -> wire.OverviewRead:
    return wire.OverviewRead(
        live=seen.live,
        live_by_tenant=dict(seen.live_by_tenant),
        live_by_user=dict(seen.live_by_user),
        days=[
            wire.DayRead(date=day.date, issued=day.issued, refused=day.refused, failed=day.failed)
            for day in seen.days
        ],
        refusals=dict(seen.refusals),
        ending_tokens=[token_facts(token) for token in seen.ending_tokens],
        capped=[
            wire.CappedTenantRead(
                tenant=one.tenant, validity=one.validity // _SECOND, maximum=one.maximum // _SECOND
            )
            for one in seen.capped
        ],
    )
