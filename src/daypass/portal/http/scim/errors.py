"""The error format of SCIM (RFC 7644, section 3.12)."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from daypass.portal.errors import AlreadyExists, InvalidRequest, PortalError, ScimRefused
from daypass.portal.http.core.problems import BodyTooLarge, NotJson
from daypass.portal.http.scim.documents import document

_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def scim_error(refusal: PortalError, status: HTTPStatus, _request: Request) -> Response:
    """Return an error in the format of SCIM, whose status is a string."""
    # SCIM knows 400 for a request that cannot be taken, and the other channels answer 422.
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    # RFC 7644, section 3.12, has the status as a string.
    content = {"schemas": [_ERROR], "status": str(status.value), "detail": refusal.reason}
    if kind := _scim_type(refusal):
        content["scimType"] = kind
    return document(content, status)


def _scim_type(refusal: PortalError) -> str:
    if isinstance(refusal, ScimRefused):
        return refusal.scim_type
    if isinstance(refusal, AlreadyExists):
        return "uniqueness"
    if isinstance(refusal, NotJson):
        return "invalidSyntax"
    if isinstance(refusal, InvalidRequest) and not isinstance(refusal, BodyTooLarge):
        return "invalidValue"
    return ""
