"""Which version a change is made to: `ETag` on what is shown, `If-Match` on what is changed."""

from starlette.responses import Response

from daypass.portal.admin.model import Version
from daypass.portal.http.doorway import Call
from daypass.portal.http.problems import VersionNeeded


def tagged(response: Response, version: Version) -> Response:
    """The same answer, with the version of what it shows."""
    response.headers["ETag"] = f'"{version}"'
    return response


def expected(call: Call) -> Version | None:
    """The version that a change is to be made to; None takes whatever is there (`*`).

    Raises `VersionNeeded` where nothing is said, so that nobody writes over what they never saw.
    """
    stated = call.headers.get("if-match")
    if stated is None:
        raise VersionNeeded("Say what this is a change of: the ETag that came with it, as If-Match.")
    return None if stated.strip() == "*" else Version(stated.strip().removeprefix('"').removesuffix('"'))


def expected_or_none(call: Call) -> Version | None:
    """The same for what may be made anew: `If-None-Match: *` says that there must be none yet."""
    if call.headers.get("if-none-match", "").strip() == "*":
        return Version("")
    return expected(call)
