"""A call of our API: what serves it and what its description says, in one place, so that neither lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel
from starlette.routing import BaseRoute

from daypass.portal.errors import (
    Overloaded,
    PortalError,
    SignInAgain,
    StorageUnavailable,
    Unauthenticated,
)
from daypass.portal.http.caller import Permission
from daypass.portal.http.doorway import Entrance, Handler
from daypass.portal.http.problems import BodyTooLarge, Internal
from daypass.portal.http.route import exact

_ALWAYS = (Unauthenticated, SignInAgain, BodyTooLarge, Overloaded, StorageUnavailable, Internal)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    method: str
    path: str
    name: str
    summary: str
    permission: Permission
    handler: Handler
    answer: type[BaseModel]
    status: HTTPStatus = HTTPStatus.OK
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    refusals: tuple[type[PortalError], ...] = ()

    @property
    def every_refusal(self) -> Sequence[type[PortalError]]:
        """The refusals of this call, and those that every call can meet."""
        return (*self.refusals, *_ALWAYS)

    def route(self, entrance: Entrance) -> BaseRoute:
        """What serves it."""
        return exact(self.method, self.path, entrance.admit(self.permission, self.handler))
