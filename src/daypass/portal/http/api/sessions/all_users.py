"""The API call about the sessions of all users, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from daypass.portal.access.model import Channel, IssuanceRecord, State
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.reporting.reports import SessionFilter
from daypass.portal.clock import Clock
from daypass.portal.http.api.codec import answer_with, read_query
from daypass.portal.http.api.operation import Operation
from daypass.portal.http.api.schema import Paged, WhenQuery
from daypass.portal.http.api.sessions.handlers import represent_session
from daypass.portal.http.api.sessions.schemas import SessionRecord
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.services import Services


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


@dataclass(frozen=True, slots=True)
class AllSessions:
    """The handler of the call about the sessions of all users."""

    administration: Administration
    clock: Clock

    def list_all(self, request: ApiRequest) -> Response:
        """Return a page of all users' sessions."""
        query = read_query(EverySessionsQuery, dict(request.query))
        page = self.administration.records.sessions(
            SessionFilter(query.user, query.tenant, query.since, query.until),
            query.page_request,
            state=query.state,
            door=query.door,
            live_at=self.clock() if query.live else None,
        ).map(_session)
        answer = EverySessionPage(sessions=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)


def _session(record: IssuanceRecord) -> EverySessionRecord:
    fields = represent_session(record).model_dump()
    return EverySessionRecord(**fields, username=record.username, failure=record.failure)


def operations(services: Services) -> Sequence[Operation]:
    """Return the operation."""
    return [
        Operation(
            method="GET",
            path="/sessions/all",
            name="allSessions",
            summary="List sessions of all users",
            permission=Permission.ADMINISTRATOR,
            handler=AllSessions(services.administration, services.clock).list_all,
            query=EverySessionsQuery,
            answer=EverySessionPage,
        )
    ]
