"""The API calls about the caller's AWS sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.access.duration import parse_duration
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import (
    IssuanceRecord,
    IssuedSession,
    Purpose,
    SessionRequest,
)
from daypass.portal.access.sessions import SessionHistory
from daypass.portal.errors import (
    AccessDenied,
    AuditUnavailable,
    AuthenticationTooOld,
    InsufficientScope,
    InvalidDuration,
    InvalidRequest,
    JitDisabled,
    PermissionSetNotFound,
    TenantNotFound,
)
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.operation import OF_AWS, Operation
from daypass.portal.http.api.schema import TenantRef, UserRef
from daypass.portal.http.api.sessions import schemas
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.duration_text import cap, cap_note
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.problems import NotJson
from daypass.portal.http.services import Services
from daypass.portal.identity.scopes import Scope, requested_scope

_SECOND = timedelta(seconds=1)

CONSOLE_LINK_LIFE = timedelta(minutes=15)
"""The time for which AWS accepts a console link; the link is a secret until then."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The handlers of calls about AWS sessions."""

    history: SessionHistory
    issuer: Issuer

    def create(self, request: ApiRequest) -> Response:
        """Issue an AWS session."""
        body = read_body(schemas.SessionCreate, request.body)
        issued = self.issuer.issue(request.caller, _ask(body))
        answer = _session(issued, Purpose(body.purpose))
        # The fields of the other purpose are absent and not null, so that a client cannot take null for keys.
        return answer_with(answer, HTTPStatus.CREATED, exclude_unset=True)

    def list_own(self, request: ApiRequest) -> Response:
        """Return a page of the caller's sessions, newest first."""
        query = read_query(schemas.SessionsQuery, dict(request.query))
        page = self.history.page(request.caller.user, query.page_request)
        sessions = [represent_session(record) for record in page.records]
        answer = schemas.SessionList(sessions=sessions, next_cursor=page.next_cursor)
        return answer_with(answer)


def _ask(body: schemas.SessionCreate) -> SessionRequest:
    purpose = Purpose(body.purpose)
    if body.destination is not None and not purpose.wants_console:
        raise InvalidRequest("“destination” requires the purpose “console”.")
    return SessionRequest(
        scope=_scope(body),
        duration=None if body.duration is None else parse_duration(str(body.duration)),
        purpose=purpose,
        destination=body.destination,
        reason=body.reason,
        permission_set=body.permission_set,
    )


def _scope(body: schemas.SessionCreate) -> Scope:
    if body.admin == (body.tenant is not None):
        raise InvalidRequest("Send either a “tenant” or “admin”: true, not both.")
    return requested_scope(body.tenant)


def _session(issued: IssuedSession, purpose: Purpose) -> schemas.Session:
    tenant, validity = issued.tenant, issued.validity
    session = schemas.Session(
        id=issued.id,
        scope="admin" if tenant is None else "tenant",
        tenant=None if tenant is None else TenantRef(id=tenant.id, name=tenant.name),
        role_arn=issued.role_arn,
        region=issued.region,
        account_id=issued.account_id,
        user=UserRef(id=issued.user.id, username=issued.user.username),
        session_name=issued.session_name,
        access=issued.access,
        permission_set=issued.permission_set.name,
        issued_at=issued.issued_at,
        expires_at=issued.expires_at,
        validity=validity.duration // _SECOND,
        limits=[
            schemas.LimitRead(
                source=limit.source,
                label=limit.label,
                seconds=limit.duration // _SECOND,
                decided=limit is validity.deciding_limit,
            )
            for limit in validity.limits
        ],
        capped_by=cap(validity),
        note=cap_note(validity),
    )
    return _with_secrets(session, issued, purpose)


def _with_secrets(session: schemas.Session, issued: IssuedSession, purpose: Purpose) -> schemas.Session:
    """Return the session with the secrets of its purpose only."""
    if purpose is Purpose.KEYS:
        keys = issued.credentials
        session.credentials = schemas.Keys(
            access_key_id=keys.access_key_id,
            secret_access_key=keys.secret_access_key.reveal(),
            session_token=keys.session_token.reveal(),
        )
    elif issued.console_url is not None:
        session.console_url = issued.console_url.reveal()
        # AWS's limit, counted from the session's start, since the link is made after it: never too late.
        session.console_url_expires_at = issued.issued_at + CONSOLE_LINK_LIFE
    return session


def represent_session(record: IssuanceRecord) -> schemas.SessionRecord:
    """Return the API's representation of a session record."""
    return schemas.SessionRecord(
        id=record.id,
        scope="admin" if record.is_admin else "tenant",
        tenant=record.tenant_name,
        role_arn=record.role_arn,
        state=record.state,
        asked_at=record.asked_at,
        expires_at=record.expires_at,
        validity=record.validity // _SECOND,
        limit=record.decided_by,
        door=record.channel,
        purpose=record.purpose,
        reason=record.reason,
        address=record.address,
        access_key_id=record.access_key_id,
        permission_set=record.permission_set,
        session_tags=dict(record.session_tags),
        workload_rule=record.workload_rule,
        limited_by_rule=record.is_limited_by_rule,
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    sessions = Sessions(services.history, services.issuer)
    return [
        Operation(
            method="POST",
            path="/sessions",
            name="createSession",
            summary="Create an AWS session, with access keys or a console sign-in link",
            permission=Permission.SESSION,
            handler=sessions.create,
            body=schemas.SessionCreate,
            answer=schemas.Session,
            status=HTTPStatus.CREATED,
            refusals=(
                AccessDenied,
                InsufficientScope,
                AuthenticationTooOld,
                JitDisabled,
                TenantNotFound,
                PermissionSetNotFound,
                InvalidRequest,
                NotJson,
                InvalidDuration,
                AuditUnavailable,
                *OF_AWS,
            ),
        ),
        Operation(
            method="GET",
            path="/sessions",
            name="sessions",
            summary="List sessions of the caller",
            permission=Permission.USER,
            handler=sessions.list_own,
            query=schemas.SessionsQuery,
            answer=schemas.SessionList,
            refusals=(InvalidRequest,),
        ),
    ]
