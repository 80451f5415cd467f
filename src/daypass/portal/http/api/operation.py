"""An API operation: its route and its OpenAPI description in one place, so that they cannot disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from pydantic import BaseModel
from starlette.routing import BaseRoute

from daypass.portal.errors import (
    AwsMisconfigured,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
    Overloaded,
    PortalError,
    SignInAgain,
    StorageUnavailable,
    Unauthenticated,
)
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiEndpoints, Handler
from daypass.portal.http.core.problems import BodyTooLarge, Internal
from daypass.portal.http.core.routing import exact

OF_AWS = (AwsRefused, AwsTrustRefused, AwsThrottled, AwsUnavailable, AwsMisconfigured)
"""The errors of operations that call AWS."""

_ALWAYS = (Unauthenticated, SignInAgain, BodyTooLarge, Overloaded, StorageUnavailable, Internal)


class Condition(StrEnum):
    """The precondition that an operation requires."""

    CHANGE = "change"
    """`If-Match`: the version last read, or `*`."""
    PUT = "put"
    """The same, or `If-None-Match: *` to create."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    method: str
    path: str
    name: str
    summary: str
    permission: Permission
    handler: Handler
    answer: type[BaseModel] | None
    """The model of the answer's body; None for an empty body."""
    status: HTTPStatus = HTTPStatus.OK
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    refusals: tuple[type[PortalError], ...] = ()
    condition: Condition | None = None
    has_version: bool = False
    """Whether the answer has an `ETag`; see also `shows_version`."""
    waits_for_aws: bool = False
    """Whether the operation waits for AWS although an error of AWS does not fail it."""
    warning: str = ""
    """The description of the header `Daypass-Warning`, if the answer can have one."""

    @property
    def every_refusal(self) -> Sequence[type[PortalError]]:
        """The errors of this operation, and those that every operation can return."""
        return tuple(dict.fromkeys((*self.refusals, *_ALWAYS)))

    @property
    def calls_aws(self) -> bool:
        """Whether the operation may wait for AWS; always true if an error of AWS can fail it."""
        return self.waits_for_aws or any(kind in OF_AWS for kind in self.refusals)

    @property
    def described_path(self) -> str:
        """The path in OpenAPI's syntax."""
        return self.path.replace(":path}", "}")

    @property
    def shows_version(self) -> bool:
        """Whether the answer has an `ETag`: also after an update, but not after a deletion."""
        return self.has_version or (self.condition is not None and self.answer is not None)

    def route(self, endpoints: ApiEndpoints) -> BaseRoute:
        """Return the route that serves the operation."""
        endpoint = endpoints.endpoint(self.permission, self.handler, calls_aws=self.calls_aws)
        return exact(self.method, self.path, endpoint)
