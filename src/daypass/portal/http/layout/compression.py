"""Gzip compression of pages. Safe from BREACH, because CSRF tokens are masked (see `csrf`)."""

import gzip
import re

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

_LEVEL = 5
_MINIMUM_SIZE = 1024

_CODING = re.compile(
    r"\s*(?P<name>[^\s;]+)(?:\s*;\s*q=(?P<weight>0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*", re.ASCII
)


def accepts_gzip(headers: Headers) -> bool:
    """Whether the client accepts gzip and does not prefer `identity` (RFC 9110, section 12.5.3)."""
    weights: dict[str, float] = {}
    for coding in ",".join(headers.getlist("accept-encoding")).lower().split(","):
        # A malformed coding is ignored.
        if match := _CODING.fullmatch(coding):
            # RFC 9110, section 8.4.1.3: x-gzip is an old name of gzip.
            weights[match["name"].removeprefix("x-")] = float(match["weight"] or 1)
    weight = weights.get("gzip", weights.get("*", 0))
    return weight > 0 and weight >= weights.get("identity", 0)


def compressed(response: Response) -> Response:
    """Compress the body of *response* in place if it is an HTML page worth it, and return the response."""
    if isinstance(response, HTMLResponse) and len(response.body) >= _MINIMUM_SIZE:
        response.body = gzip.compress(response.body, _LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
        response.headers["Vary"] = "Accept-Encoding"
    return response
