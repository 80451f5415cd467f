"""The one place that knows what a refusal is on the wire: its status, and its form at each door."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daypass.portal.errors import (
    AccessDenied,
    AlreadyExists,
    AuditUnavailable,
    AwsMisconfigured,
    AwsNotAllowed,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
    ConsentTooFast,
    EventNotFound,
    InsufficientScope,
    InvalidDuration,
    InvalidRequest,
    JitDisabled,
    LastAdministrator,
    MembershipNotFound,
    MetadataNotFound,
    OAuthRefused,
    Overloaded,
    PortalError,
    PreconditionFailed,
    RateLimited,
    ReauthenticationRequired,
    RequestExpired,
    ResourceNotFound,
    RoleNotFound,
    SettingNotFound,
    SignInAgain,
    SignInFailed,
    StorageUnavailable,
    TenantNotFound,
    TokenNotFound,
    TooManyAttempts,
    Unauthenticated,
    UserNotFound,
)

REQUEST_ID = "daypass.request_id"
REFUSAL = "daypass.refusal"
LOG_FIELDS = "daypass.log_fields"
"""Where a request's scope keeps its id, the refusal it was answered with, and more for its log line."""


class NotJson(InvalidRequest):
    """The body is no JSON at all."""


class BadRequest(InvalidRequest):
    """The request breaks a rule of HTTP itself."""


class BodyTooLarge(InvalidRequest):
    """More was sent than anything here takes."""


class VersionNeeded(PortalError):
    """The precondition is missing: `If-Match` to change, or `If-None-Match: *` where the call creates."""

    code = "version_needed"


class NotFound(PortalError):
    """There is nothing at this address."""

    code = "not_found"


class MethodNotAllowed(PortalError):
    """There is something at this address, and it does not take this method."""

    code = "method_not_allowed"


class Internal(PortalError):
    """A fault of ours; what it was is in the log and nowhere else."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__(
            "Something went wrong in the portal. Its operator finds it in the log by the request id."
        )


STATUSES: Mapping[type[PortalError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotJson: HTTPStatus.BAD_REQUEST,
    BadRequest: HTTPStatus.BAD_REQUEST,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    InvalidDuration: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    SignInAgain: HTTPStatus.UNAUTHORIZED,
    SignInFailed: HTTPStatus.UNAUTHORIZED,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    ReauthenticationRequired: HTTPStatus.FORBIDDEN,
    OAuthRefused: HTTPStatus.BAD_REQUEST,
    RequestExpired: HTTPStatus.GONE,
    ConsentTooFast: HTTPStatus.CONFLICT,
    AccessDenied: HTTPStatus.FORBIDDEN,
    InsufficientScope: HTTPStatus.FORBIDDEN,
    JitDisabled: HTTPStatus.FORBIDDEN,
    TenantNotFound: HTTPStatus.NOT_FOUND,
    ResourceNotFound: HTTPStatus.NOT_FOUND,
    UserNotFound: HTTPStatus.NOT_FOUND,
    MembershipNotFound: HTTPStatus.NOT_FOUND,
    SettingNotFound: HTTPStatus.NOT_FOUND,
    MetadataNotFound: HTTPStatus.NOT_FOUND,
    TokenNotFound: HTTPStatus.NOT_FOUND,
    EventNotFound: HTTPStatus.NOT_FOUND,
    AlreadyExists: HTTPStatus.CONFLICT,
    LastAdministrator: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    VersionNeeded: HTTPStatus.PRECONDITION_REQUIRED,
    NotFound: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    AuditUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    AwsRefused: HTTPStatus.BAD_GATEWAY,
    AwsTrustRefused: HTTPStatus.BAD_GATEWAY,
    AwsNotAllowed: HTTPStatus.BAD_GATEWAY,
    RoleNotFound: HTTPStatus.BAD_GATEWAY,
    AwsThrottled: HTTPStatus.SERVICE_UNAVAILABLE,
    AwsUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    AwsMisconfigured: HTTPStatus.INTERNAL_SERVER_ERROR,
    Internal: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="daypass"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "2"},
}

ErrorRenderer = Callable[[PortalError, HTTPStatus, Request], Response]
"""Makes an answer of a refusal, its status and the request that was refused."""

Handler = Callable[[Request, Exception], Awaitable[Response]]


def problem(refusal: PortalError, status: HTTPStatus, request: Request) -> Response:
    """The form of our own API: problem details (RFC 9457)."""
    content = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": refusal.reason,
        "code": refusal.code,
        "request_id": request.scope[REQUEST_ID],
    }
    return JSONResponse(content, status, media_type="application/problem+json")


def message(refusal: PortalError, status: HTTPStatus, _request: Request) -> Response:
    """The form that the legacy clients show."""
    return JSONResponse({"Message": refusal.reason}, status)


def status_of(refusal: PortalError) -> HTTPStatus:
    """The status of a refusal: that of its class, or of the closest one above it."""
    return next(STATUSES[kind] for kind in type(refusal).__mro__ if kind in STATUSES)


Absence = Callable[[str], str]
"""Returns the sentence for a path that leads nowhere."""


def nothing_here(_path: str) -> str:
    """Return what is said of any such path."""
    return "There is nothing at this address."


def handlers(form: ErrorRenderer, absence: Absence = nothing_here) -> Mapping[Any, Handler]:
    """What a door does with everything that is raised behind it; *absence* explains an unknown path."""

    def answer(request: Request, refusal: PortalError) -> Response:
        request.scope[REFUSAL] = refusal
        status = status_of(refusal)
        response = form(refusal, status, request)
        response.headers.update(_HEADERS.get(status, {}))
        return response

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, PortalError)  # noqa: S101  that is what this one is called for
        return answer(request, error)

    async def nowhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  that is what this one is called for
        if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return answer(request, NotFound(absence(request.scope["path"])))
        response = answer(request, MethodNotAllowed(f"This address does not take {request.method}."))
        response.headers.update(error.headers or {})
        return response

    async def crashed(request: Request, _error: Exception) -> Response:
        return answer(request, Internal())

    return {PortalError: refused, HTTPException: nowhere, Exception: crashed}
