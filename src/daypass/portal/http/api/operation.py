"""A call of our API: what serves it and what its description says, in one place, so that neither lies."""

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
"""How a call can fail that asks AWS."""

_ALWAYS = (Unauthenticated, SignInAgain, BodyTooLarge, Overloaded, StorageUnavailable, Internal)


class Condition(StrEnum):
    """What a change has to say of what it changes."""

    CHANGE = "change"
    """`If-Match`: the version that was seen, or `*`."""
    PUT = "put"
    """The same, or `If-None-Match: *` for what must not be there yet."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    method: str
    path: str
    name: str
    summary: str
    permission: Permission
    handler: Handler
    answer: type[BaseModel] | None
    """None where the status says it all."""
    status: HTTPStatus = HTTPStatus.OK
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    refusals: tuple[type[PortalError], ...] = ()
    condition: Condition | None = None
    has_version: bool = False
    """Whether the answer comes with an `ETag`; what a condition was put on does, where it is still there."""
    waits_for_aws: bool = False
    """Whether the call waits for AWS though AWS cannot refuse it."""
    warning: str = ""
    """What the header `Daypass-Warning` of the answer says, if it can have one."""

    @property
    def every_refusal(self) -> Sequence[type[PortalError]]:
        """The refusals of this call, and those that every call can meet."""
        return tuple(dict.fromkeys((*self.refusals, *_ALWAYS)))

    @property
    def calls_aws(self) -> bool:
        """Whether the call may wait for AWS, which is always so if AWS can refuse it."""
        return self.waits_for_aws or any(kind in OF_AWS for kind in self.refusals)

    @property
    def described_path(self) -> str:
        """The path as OpenAPI writes it."""
        return self.path.replace(":path}", "}")

    @property
    def shows_version(self) -> bool:
        """Whether the answer comes with an `ETag`."""
        return self.has_version or (self.condition is not None and self.answer is not None)

    def route(self, entrance: ApiEndpoints) -> BaseRoute:
        """What serves it."""
        endpoint = entrance.admit(self.permission, self.handler, calls_aws=self.calls_aws)
        return exact(self.method, self.path, endpoint)
