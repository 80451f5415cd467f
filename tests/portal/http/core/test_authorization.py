"""Refused attempts on administrative routes are audited: once per interval, token and route template."""

from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from daypass.portal.access.model import Caller, Channel
from daypass.portal.audit.event import Event
from daypass.portal.errors import AccessDenied, AuditUnavailable
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.authorization import Authorizer, RouteInfo
from daypass.portal.http.core.dispatcher import make_channel_app
from daypass.portal.http.core.problems import problem
from daypass.portal.http.core.routing import exact
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId
from tests.fakes import NOON, FakeClock
from tests.portal.http.client import Client

DANA = User(UserId("d" * 32), "dana@example.com", Role.USER)
TOKEN = ApiToken(TokenId("t" * 32), TokenKind.TEMPORARY, "", DANA.id, NOON, NOON, NOON)
CALLER = Caller(DANA, TOKEN, Channel.API, "127.0.0.1", "request")
MEMBER = "/api/v1/tenants/{tenant}/members/{user}"


class RouteRecorder:
    """An endpoint that records the route of each request."""

    permission = Permission.PUBLIC

    def __init__(self) -> None:
        self.recorded: list[str] = []

    async def __call__(self, request: Request) -> Response:
        """Record the route."""
        self.recorded.append(RouteInfo.of(request).route)
        return Response()


def test_the_route_template_is_the_same_for_all_parameter_values() -> None:
    recorder = RouteRecorder()
    client = Client(make_channel_app([exact("GET", MEMBER, recorder)], problem))
    members = [("dev01", "dana"), ("abc", "xabc"), ("xabc", "abc"), ("q", "q"), ("user", "tenant")]
    for tenant, user in members:
        assert client.get(MEMBER.format(tenant=tenant, user=user)).status == 200

    assert recorder.recorded == [f"GET {MEMBER}"] * len(members)


def test_a_refusal_that_could_not_be_audited_is_audited_the_next_time() -> None:
    recorded: list[Event] = []
    is_out = True

    def record(event: Event) -> None:
        if is_out:
            raise AuditUnavailable("The portal cannot write its record now.")
        recorded.append(event)

    doorkeeper = Authorizer(record, FakeClock())
    place = RouteInfo("GET", "/api/v1/users", "/api/v1/users")
    with pytest.raises(AuditUnavailable):
        doorkeeper.authorize(Permission.ADMINISTRATOR, CALLER, place)
    is_out = False
    for _ in range(3):
        with pytest.raises(AccessDenied):
            doorkeeper.authorize(Permission.ADMINISTRATOR, CALLER, place)

    assert len(recorded) == 1


def test_a_refusal_after_the_clock_was_set_back_is_audited() -> None:
    recorded: list[Event] = []
    clock = FakeClock()
    doorkeeper = Authorizer(recorded.append, clock)
    for _ in range(2):
        with pytest.raises(AccessDenied):
            doorkeeper.authorize(
                Permission.ADMINISTRATOR, CALLER, RouteInfo("GET", "/api/v1/users", "/api/v1/users")
            )
        clock.move(-timedelta(hours=1))

    assert len(recorded) == 2
