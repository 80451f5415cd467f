"""Which version a change is made to: `ETag` on what is shown, `If-Match` on what is changed."""

from starlette.responses import Response

from daypass.portal.admin.model import Version
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.problems import VersionNeeded

_TO_CHANGE = "To change, send If-Match with the ETag that you were shown, or If-Match: * to overwrite."


def tagged(response: Response, version: Version) -> Response:
    """The same answer, with the version of what it shows."""
    response.headers["ETag"] = f'"{version}"'
    return response


def expected(call: ApiRequest) -> Version | None:
    """Return the version that `If-Match` names (RFC 9110, section 13.1.1), or None for `*`.

    Raises `VersionNeeded` without the header, so that a caller overwrites no change that they never saw.
    """
    stated = call.headers.get("if-match")
    if stated is None:
        raise VersionNeeded(f"A precondition is missing. {_TO_CHANGE}")
    return None if stated.strip() == "*" else Version(stated.strip().removeprefix('"').removesuffix('"'))


def expected_or_none(call: ApiRequest) -> Version | None:
    """Return the same for a call that also creates; `If-None-Match: *` is the version of what is absent."""
    if call.headers.get("if-none-match", "").strip() == "*":
        return Version("")
    if "if-match" not in call.headers:
        raise VersionNeeded(f"A precondition is missing. To create, send If-None-Match: *. {_TO_CHANGE}")
    return expected(call)
