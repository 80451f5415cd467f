"""What reaches MiniStack: signed requests for the services we serve, and nothing else.

MiniStack has doors of its own beside AWS's (reset, health, configuration, sign-in pages, host names of
other services). None of them asks for a signature, and none may be open here.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.types import Scope

from daypass.sandbox.ministack import SERVICES, Answer, MiniStack, Params

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=[^/,\s]+/\d{8}/[^/,\s]+/([^/,\s]+)/aws4_request")
_QUERY_CREDENTIAL = re.compile(r"[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
# No bucket and no API of AWS is named like these.
_MINISTACK_PATH = re.compile(r"//?(_.*|health|ready|latest/.*|oauth2/.*|\.well-known/.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """The parts of a request to AWS that decide where it goes."""

    method: str
    path: str
    headers: dict[str, str]
    query: Params

    @classmethod
    def of(cls, scope: Scope) -> "ApiRequest":
        """Read *scope* once."""
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], scope["path"], headers, query)

    @property
    def signed_service(self) -> str | None:
        """The service that the signature names, if there is one signature and it is SigV4."""
        signed = _CREDENTIAL.match(self.headers.get("authorization", ""))
        queries = self.query.get("X-Amz-Credential", [])
        in_query = _QUERY_CREDENTIAL.fullmatch(queries[0]) if len(queries) == 1 else None
        if (signed is None) == (in_query is None):
            return None
        if in_query and "X-Amz-Signature" not in self.query:
            return None
        return (signed or in_query).group(1)  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides what is let through."""

    port: int
    ministack: MiniStack

    def refusal(self, request: ApiRequest) -> Answer | None:
        """What a request gets that does not pass, or None."""
        # Other host names are routes to other services in MiniStack, and rebinding in a browser.
        if request.headers.get("host") not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
            return 421, {"Content-Type": "text/plain"}, b"The sandbox answers only to its own address.\n"
        if _MINISTACK_PATH.fullmatch(request.path):
            return 404, {"Content-Type": "text/plain"}, b"Not found.\n"
        routed = self.ministack.service(request.method, request.path, request.headers, request.query)
        signed = request.signed_service
        if signed is None:
            return self.ministack.unsigned_error(routed, request.headers)
        if signed not in SERVICES or routed not in SERVICES:
            return 400, {"Content-Type": "text/plain"}, f"The sandbox does not serve {signed}.\n".encode()
        return None
