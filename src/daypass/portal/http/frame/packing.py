"""Pages as small as they go. What nobody may guess of a page reads differently each time: see `csrf`."""

import gzip

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

_LEVEL = 5
_WORTH_IT = 1024


def takes_packed(headers: Headers) -> bool:
    """Whether whoever asks can unpack gzip."""
    return "gzip" in headers.get("accept-encoding", "")


def packed(response: Response) -> Response:
    """The same answer, with its body packed where it is a page."""
    if isinstance(response, HTMLResponse) and len(response.body) >= _WORTH_IT:
        response.body = gzip.compress(response.body, _LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
        response.headers["Vary"] = "Accept-Encoding"
    return response
