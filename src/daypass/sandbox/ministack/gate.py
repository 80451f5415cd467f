"""A gate before MiniStack, which passes only signed requests for the enabled services.

MiniStack has endpoints of its own (reset, health, configuration, sign-in pages). They need no signature,
so they are blocked here.
"""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs

from starlette.types import Scope

from daypass.sandbox.ministack.authorization import UNKNOWN_OPERATION
from daypass.sandbox.ministack.server import Answer, MiniStack, Params

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=[^/,\s]+/\d{8}/[^/,\s]+/([^/,\s]+)/aws4_request")
_QUERY_CREDENTIAL = re.compile(r"[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
_SIGV2_QUERY = {"AWSAccessKeyId", "Signature", "Expires"}
# Names of AWS buckets and APIs cannot match these.
_MINISTACK_PATH = re.compile(r"//?(_.*|health|ready|latest/.*|oauth2/.*|\.well-known/.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to AWS, with the parts that determine its service and action."""

    method: str
    path: str
    headers: dict[str, str]
    query: Params
    body: bytes

    @classmethod
    def of(cls, scope: Scope, body: bytes) -> Self:
        """Return the request of an ASGI *scope*."""
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], scope["path"], headers, query, body)

    @property
    def params(self) -> Params:
        """The parameters of the query protocol, from the URL and the body."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return self.query
        return parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True) | self.query

    @property
    def signed_service(self) -> str | None:
        """The service in the signature; None without a signature, or with two."""
        in_header = _CREDENTIAL.match(self.headers.get("authorization", ""))
        presigned = self.query.get("X-Amz-Credential", []) if "X-Amz-Signature" in self.query else []
        matches = [in_header, *map(_QUERY_CREDENTIAL.fullmatch, presigned)]
        signed = [match.group(1) for match in matches if match]
        # Presigned S3 URLs in the oldest regions use signature version 2.
        if self.query.keys() >= _SIGV2_QUERY and "Action" not in self.params:
            signed.append("s3")
        return signed[0] if len(signed) == 1 else None


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides which requests reach MiniStack."""

    ministack: MiniStack

    def refusal(self, request: ApiRequest) -> Answer | None:
        """Return the error response for a blocked request, or None."""
        if _MINISTACK_PATH.fullmatch(request.path):
            return 404, {"Content-Type": "text/plain"}, b"Not found.\n"
        routed = self.ministack.service(request.method, request.path, request.headers, request.params)
        signed = request.signed_service
        if signed is None:
            return self.ministack.unsigned_error(routed, request.headers)
        # MiniStack routes by host, path and headers too, so that the service in the signature may be another
        # one.
        if not self.ministack.serves(signed, routed):
            return 400, {"Content-Type": "text/plain"}, f"The sandbox does not serve {signed}.\n".encode()
        action = self.ministack.action(
            request.method, request.path, request.headers, request.params, request.body
        )
        if action.endswith(UNKNOWN_OPERATION):
            return self.ministack.error(
                routed, 400, "UnknownOperationException", "The operation is unknown.", request.headers
            )
        return None
