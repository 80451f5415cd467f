"""HTTP errors: the only table from `PortalError` classes to status codes, and their format per channel."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daypass.portal.errors import (
    AccessDenied,
    AccountRefused,
    AlreadyExists,
    AuditUnavailable,
    AuthenticationTooOld,
    AwsMisconfigured,
    AwsNotAllowed,
    AwsPolicyRefused,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
    BreakGlassProtected,
    ConsentTooFast,
    EventNotFound,
    GroupNotFound,
    GroupReadOnly,
    GroupsClaimInvalid,
    HasPermissionSet,
    InsufficientScope,
    InvalidDuration,
    InvalidRequest,
    IssuerUnreachable,
    JitDisabled,
    LastAdministrator,
    LastSignInMethod,
    LogoutReplayed,
    MembershipNotFound,
    MetadataNotFound,
    OAuthRefused,
    Overloaded,
    PermissionSetInUse,
    PermissionSetNotFound,
    PortalError,
    PreconditionFailed,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReauthenticationRequired,
    RequestExpired,
    ResourceNotFound,
    RoleNotFound,
    ScimProviderNotFound,
    ScimRefused,
    ScimTokenLimit,
    SettingNotFound,
    SignInAgain,
    SignInFailed,
    StorageUnavailable,
    TenantNotFound,
    TokenNotFound,
    TooManyAttempts,
    Unauthenticated,
    UserNotFound,
    WorkloadRuleNotFound,
)
from daypass.portal.identity.reauthentication import RECENT

REQUEST_ID = "daypass.request_id"
REFUSAL = "daypass.refusal"
LOG_FIELDS = "daypass.log_fields"
CHANNEL = "daypass.channel"
"""Keys in the ASGI scope: the request id, the error it was answered with, additional log fields, and the name
of the channel."""


class NotJson(InvalidRequest):
    """The body is not valid JSON."""


class BadRequest(InvalidRequest):
    """The request violates HTTP."""


class BodyTooLarge(InvalidRequest):
    """The body is larger than the limit."""


class VersionNeeded(PortalError):
    """The precondition is missing: `If-Match` to change, or `If-None-Match: *` where the call creates."""

    code = "version_needed"


class NotFound(PortalError):
    """There is no resource at this address."""

    code = "not_found"


class MethodNotAllowed(PortalError):
    """The resource at this address does not support this method."""

    code = "method_not_allowed"


class Internal(PortalError):
    """An internal error; the details are in the portal's log only."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__(
            "An internal error occurred. The portal's operator can find it in the log by the request id."
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
    AccountRefused: HTTPStatus.FORBIDDEN,
    # The sign-in is refused for good: another try would give the same.
    GroupsClaimInvalid: HTTPStatus.FORBIDDEN,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    # Not 401: a client would discard a token that is valid, and start another sign-in.
    ReauthenticationRequired: HTTPStatus.FORBIDDEN,
    AuthenticationTooOld: HTTPStatus.FORBIDDEN,
    OAuthRefused: HTTPStatus.BAD_REQUEST,
    ScimRefused: HTTPStatus.BAD_REQUEST,
    ProviderRefused: HTTPStatus.FORBIDDEN,
    ProviderUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    LogoutReplayed: HTTPStatus.BAD_REQUEST,
    RequestExpired: HTTPStatus.GONE,
    ConsentTooFast: HTTPStatus.CONFLICT,
    AccessDenied: HTTPStatus.FORBIDDEN,
    InsufficientScope: HTTPStatus.FORBIDDEN,
    JitDisabled: HTTPStatus.FORBIDDEN,
    TenantNotFound: HTTPStatus.NOT_FOUND,
    ResourceNotFound: HTTPStatus.NOT_FOUND,
    UserNotFound: HTTPStatus.NOT_FOUND,
    MembershipNotFound: HTTPStatus.NOT_FOUND,
    PermissionSetNotFound: HTTPStatus.NOT_FOUND,
    WorkloadRuleNotFound: HTTPStatus.NOT_FOUND,
    ScimProviderNotFound: HTTPStatus.NOT_FOUND,
    ScimTokenLimit: HTTPStatus.CONFLICT,
    GroupNotFound: HTTPStatus.NOT_FOUND,
    GroupReadOnly: HTTPStatus.CONFLICT,
    SettingNotFound: HTTPStatus.NOT_FOUND,
    MetadataNotFound: HTTPStatus.NOT_FOUND,
    TokenNotFound: HTTPStatus.NOT_FOUND,
    EventNotFound: HTTPStatus.NOT_FOUND,
    AlreadyExists: HTTPStatus.CONFLICT,
    LastAdministrator: HTTPStatus.CONFLICT,
    BreakGlassProtected: HTTPStatus.CONFLICT,
    LastSignInMethod: HTTPStatus.CONFLICT,
    PermissionSetInUse: HTTPStatus.CONFLICT,
    HasPermissionSet: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    VersionNeeded: HTTPStatus.PRECONDITION_REQUIRED,
    NotFound: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    AuditUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    # Errors that only a change in AWS repairs are 502. Those that may pass by themselves are 503, which has
    # Retry-After.
    AwsRefused: HTTPStatus.BAD_GATEWAY,
    AwsTrustRefused: HTTPStatus.BAD_GATEWAY,
    AwsPolicyRefused: HTTPStatus.BAD_GATEWAY,
    AwsNotAllowed: HTTPStatus.BAD_GATEWAY,
    RoleNotFound: HTTPStatus.BAD_GATEWAY,
    IssuerUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    AwsThrottled: HTTPStatus.SERVICE_UNAVAILABLE,
    AwsUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    AwsMisconfigured: HTTPStatus.INTERNAL_SERVER_ERROR,
    Internal: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="daypass"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "2"},
}

# The challenge of RFC 9470, section 3. The status stays 403: with 401, a client would discard its token.
_STEP_UP = (
    'Bearer realm="daypass", error="insufficient_user_authentication", '
    'error_description="A more recent authentication is required", max_age="{}"'
)

ErrorRenderer = Callable[[PortalError, HTTPStatus, Request], Response]
"""Builds the answer for an error, its status and the request."""

Handler = Callable[[Request, Exception], Awaitable[Response]]


def problem(refusal: PortalError, status: HTTPStatus, request: Request) -> Response:
    """Return the error format of the API: problem details (RFC 9457)."""
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
    """Return the error format that the legacy clients display."""
    return JSONResponse({"Message": refusal.reason}, status)


def status_of(refusal: PortalError) -> HTTPStatus:
    """Return the status of an error's class or of its closest base class in the table."""
    return next(STATUSES[kind] for kind in type(refusal).__mro__ if kind in STATUSES)


Absence = Callable[[str], str]
"""Returns the error text for an unknown path."""


def nothing_here(_path: str) -> str:
    """Return the same text for every path."""
    return "There is nothing at this address."


def handlers(form: ErrorRenderer, absence: Absence = nothing_here) -> Mapping[Any, Handler]:
    """Return the exception handlers of a channel; *absence* gives the text for an unknown path."""

    def answer(request: Request, refusal: PortalError) -> Response:
        request.scope[REFUSAL] = refusal
        status = status_of(refusal)
        response = form(refusal, status, request)
        response.headers.update(_HEADERS.get(status, {}))
        if isinstance(refusal, ReauthenticationRequired):
            max_age = refusal.max_age if isinstance(refusal, AuthenticationTooOld) else RECENT
            response.headers["WWW-Authenticate"] = _STEP_UP.format(max_age // timedelta(seconds=1))
        return response

    async def portal_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, PortalError)  # noqa: S101  registered for this class only
        return answer(request, error)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  registered for this class only
        if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return answer(request, NotFound(absence(request.scope["path"])))
        response = answer(request, MethodNotAllowed(f"This address does not support {request.method}."))
        # Starlette's error has the header Allow, which a 405 must have (RFC 9110, section 15.5.6).
        response.headers.update(error.headers or {})
        return response

    async def internal_error(request: Request, _error: Exception) -> Response:
        # The error itself is not repeated, since its text may contain a secret. The middleware logs it.
        return answer(request, Internal())

    return {PortalError: portal_error, HTTPException: http_error, Exception: internal_error}
