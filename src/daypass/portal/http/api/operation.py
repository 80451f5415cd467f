"""An API operation: its route and its OpenAPI description in one place, so that they cannot disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from pydantic import BaseModel
from starlette.routing import BaseRoute

from daypass.portal.errors import (
    AccessDenied,
    AuditUnavailable,
    AwsMisconfigured,
    AwsPolicyRefused,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
    InsufficientScope,
    InvalidRequest,
    Overloaded,
    PortalError,
    PreconditionFailed,
    ReauthenticationRequired,
    SignInAgain,
    StorageUnavailable,
    Unauthenticated,
)
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiEndpoints, Handler
from daypass.portal.http.core.problems import BodyTooLarge, Internal, NotJson, VersionNeeded
from daypass.portal.http.core.routing import exact

OF_AWS = (AwsRefused, AwsPolicyRefused, AwsTrustRefused, AwsThrottled, AwsUnavailable, AwsMisconfigured)
"""The errors of operations that call AWS."""

ROOT = "/api/v1"
"""The path that the paths of all operations are below."""

_ALWAYS = (Unauthenticated, SignInAgain, BodyTooLarge, Overloaded, StorageUnavailable, Internal)
_ADMINISTRATIVE = (AccessDenied, InsufficientScope, InvalidRequest)
_ADMINISTRATIVE_CHANGE = (NotJson, ReauthenticationRequired, PreconditionFailed, AuditUnavailable)


class Condition(StrEnum):
    """The precondition that an operation requires."""

    CHANGE = "change"
    """`If-Match`: the version last read, or `*`."""
    PUT = "put"
    """The same, or `If-None-Match: *` to create."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API."""

    method: str
    path: str
    """The path below `ROOT`, in the syntax of Starlette's routes."""
    name: str
    """The `operationId` in the OpenAPI document."""
    summary: str
    permission: Permission
    handler: Handler
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    """The model of the answer's body; None for an empty body."""
    status: HTTPStatus = HTTPStatus.OK
    refusals: tuple[type[PortalError], ...] = ()
    """The errors of this operation, in addition to those that follow from its other fields."""
    condition: Condition | None = None
    has_version: bool = False
    """Whether the answer has an `ETag`; see also `shows_version`."""
    waits_for_aws: bool = False
    """Whether the operation waits for AWS although an error of AWS does not fail it."""
    warning: str = ""
    """The description of the header `Daypass-Warning`, if the answer can have one."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The descriptions of the path parameters, except those that several resources have."""

    @property
    def every_refusal(self) -> Sequence[type[PortalError]]:
        """All errors of this operation, without repetition."""
        # Derived here, so that a new operation cannot leave out an error that its permission check can raise.
        implied: tuple[type[PortalError], ...] = ()
        if self.permission is Permission.ADMINISTRATOR:
            implied = _ADMINISTRATIVE
            if self.method != "GET":
                implied += _ADMINISTRATIVE_CHANGE
        if self.condition is not None:
            implied += (VersionNeeded,)
        return tuple(dict.fromkeys((*implied, *self.refusals, *_ALWAYS)))

    @property
    def calls_aws(self) -> bool:
        """Whether the operation may wait for AWS; always true if an error of AWS can fail it."""
        return self.waits_for_aws or any(kind in OF_AWS for kind in self.refusals)

    @property
    def described_path(self) -> str:
        """The path in OpenAPI's syntax."""
        return f"{ROOT}{self.path}".replace(":path}", "}")

    @property
    def shows_version(self) -> bool:
        """Whether the answer has an `ETag`: also after an update, but not after a deletion."""
        return self.has_version or (self.condition is not None and self.answer is not None)

    def route(self, endpoints: ApiEndpoints) -> BaseRoute:
        """Return the route that serves the operation."""
        endpoint = endpoints.endpoint(self.permission, self.handler, calls_aws=self.calls_aws)
        return exact(self.method, f"{ROOT}{self.path}", endpoint)
