"""Optimistic concurrency control: versions as `ETag`, preconditions as `If-Match` and `If-None-Match`."""

from starlette.responses import Response

from daypass.portal.admin.model import Version
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.problems import VersionNeeded

_TO_CHANGE = "To update, send If-Match with the ETag of the last read, or If-Match: * to overwrite."


def tagged(response: Response, version: Version) -> Response:
    """Return *response* with *version* as its `ETag`."""
    response.headers["ETag"] = f'"{version}"'
    return response


def expected(request: ApiRequest) -> Version | None:
    """Return the version that `If-Match` names (RFC 9110, section 13.1.1), or None for `*`.

    Raises `VersionNeeded` without the header, so that callers do not overwrite changes they have not seen.
    """
    header = request.headers.get("if-match")
    if header is None:
        raise VersionNeeded(f"A precondition is missing. {_TO_CHANGE}")
    return None if header.strip() == "*" else Version(header.strip().removeprefix('"').removesuffix('"'))


def expected_or_none(request: ApiRequest) -> Version | None:
    """Return the expected version of a call that may also create: empty for `If-None-Match: *`."""
    if request.headers.get("if-none-match", "").strip() == "*":
        return Version("")
    if "if-match" not in request.headers:
        raise VersionNeeded(f"A precondition is missing. To create, send If-None-Match: *. {_TO_CHANGE}")
    return expected(request)
