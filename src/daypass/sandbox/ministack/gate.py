"""What reaches MiniStack: signed requests for the services we serve, and nothing else.

MiniStack has doors of its own beside AWS's (reset, health, configuration, sign-in pages). None of
them asks for a signature, and none may be open here.
"""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs

from starlette.types import Scope

from daypass.sandbox.ministack.server import Answer, MiniStack, Params

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=[^/,\s]+/\d{8}/[^/,\s]+/([^/,\s]+)/aws4_request")
_QUERY_CREDENTIAL = re.compile(r"[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
_SIGV2_QUERY = {"AWSAccessKeyId", "Signature", "Expires"}
# No bucket and no API of AWS is named like these.
_MINISTACK_PATH = re.compile(r"//?(_.*|health|ready|latest/.*|oauth2/.*|\.well-known/.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to AWS, as far as it says where it goes."""

    method: str
    path: str
    headers: dict[str, str]
    query: Params
    body: bytes

    @classmethod
    def of(cls, scope: Scope, body: bytes) -> Self:
        """Read *scope* once."""
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], scope["path"], headers, query, body)

    @property
    def params(self) -> Params:
        """The parameters of the query protocol, wherever they stand."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return self.query
        return parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True) | self.query

    @property
    def signed_service(self) -> str | None:
        """The service that the signature names; None without one, or with two."""
        in_header = _CREDENTIAL.match(self.headers.get("authorization", ""))
        presigned = self.query.get("X-Amz-Credential", []) if "X-Amz-Signature" in self.query else []
        found = [in_header, *map(_QUERY_CREDENTIAL.fullmatch, presigned)]
        signed = [match.group(1) for match in found if match]
        # Presigned links of S3 in the oldest regions are still signed the old way.
        if self.query.keys() >= _SIGV2_QUERY and "Action" not in self.params:
            signed.append("s3")
        return signed[0] if len(signed) == 1 else None


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides what is let through."""

    ministack: MiniStack

    def refusal(self, request: ApiRequest) -> Answer | None:
        """What a request gets that does not pass, or None."""
        if _MINISTACK_PATH.fullmatch(request.path):
            return 404, {"Content-Type": "text/plain"}, b"Not found.\n"
        routed = self.ministack.service(request.method, request.path, request.headers, request.params)
        signed = request.signed_service
        if signed is None:
            return self.ministack.unsigned_error(routed, request.headers)
        if not {signed, routed} <= self.ministack.services:
            return 400, {"Content-Type": "text/plain"}, f"The sandbox does not serve {signed}.\n".encode()
        return None
