"""Pages as small as they go. What nobody may guess of a page reads differently each time: see `csrf`."""

import gzip
import re

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

_LEVEL = 5
_WORTH_IT = 1024

_CODING = re.compile(
    r"\s*(?P<name>[^\s;]+)(?:\s*;\s*q=(?P<weight>0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*", re.ASCII
)


def accepts_gzip(headers: Headers) -> bool:
    """Whether whoever asks can unpack gzip, and would not rather have it as it is (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for coding in ",".join(headers.getlist("accept-encoding")).lower().split(","):
        # What is not understood says nothing.
        if found := _CODING.fullmatch(coding):
            weights[found["name"].removeprefix("x-")] = float(found["weight"] or 1)
    weight = weights.get("gzip", weights.get("*", 0))
    return weight > 0 and weight >= weights.get("identity", 0)


def compressed(response: Response) -> Response:
    """The same answer, with its body packed where it is a page."""
    if isinstance(response, HTMLResponse) and len(response.body) >= _WORTH_IT:
        response.body = gzip.compress(response.body, _LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
        response.headers["Vary"] = "Accept-Encoding"
    return response
