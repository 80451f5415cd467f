"""The JSON documents of SCIM: read strictly, and written with the media type of SCIM."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.errors import ScimRefused
from daypass.portal.http.core.problems import NotJson

MEDIA_TYPE = "application/scim+json"

Document = Mapping[str, object]


def document(content: Document, status: HTTPStatus = HTTPStatus.OK, etag: str = "") -> Response:
    """Return an answer with a document, and its ETag if it has one."""
    response = Response(json.dumps(content), status, media_type=MEDIA_TYPE)
    if etag:
        response.headers["ETag"] = etag
    return response


def parsed(body: bytes) -> dict[str, object]:
    """Return the JSON object in a body; raises `NotJson`."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson("The body is not JSON.") from error
    if not isinstance(content, dict):
        raise NotJson("The body is not a JSON object.")
    return content


def check_own_id(content: Mapping[str, object], own_id: str) -> None:
    """Raise `ScimRefused` if a resource is sent with another id.

    `id` is immutable and may be sent back as it is (RFC 7643, section 3.1).
    """
    if content.get("id", own_id) != own_id:
        raise ScimRefused("mutability", "The id cannot be changed.")
