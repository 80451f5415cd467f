"""Refused attempts on administrative routes are audited: once per interval, token and route template."""

from datetime import timedelta

import pytest

from daypass.portal.access.model import Caller, Channel
from daypass.portal.audit.event import Event
from daypass.portal.errors import AccessDenied, AuditUnavailable
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.authorization import Authorizer, RouteInfo
from daypass.portal.identity.model import ApiToken, Role, TokenId, TokenKind, User, UserId
from tests.fakes import NOON, FakeClock

DANA = User(UserId("d" * 32), "dana@example.com", Role.USER)
TOKEN = ApiToken(TokenId("t" * 32), TokenKind.TEMPORARY, "", DANA.id, NOON, NOON, NOON)
CALLER = Caller(DANA, TOKEN, Channel.API, "127.0.0.1", "request")
MEMBER = "/api/v1/tenants/{tenant}/members/{user}"


@pytest.mark.parametrize(
    ("tenant", "user"), [("dev01", "dana"), ("abc", "xabc"), ("xabc", "abc"), ("q", "q"), ("user", "tenant")]
)
def test_the_route_template_is_the_same_for_all_parameter_values(tenant: str, user: str) -> None:
    path = MEMBER.format(tenant=tenant, user=user)

    assert RouteInfo("GET", path, {"tenant": tenant, "user": user}).route == f"GET {MEMBER}"


def test_a_refusal_that_could_not_be_audited_is_audited_the_next_time() -> None:
    recorded: list[Event] = []
    is_out = True

    def record(event: Event) -> None:
        if is_out:
            raise AuditUnavailable("The portal cannot write its record now.")
        recorded.append(event)

    doorkeeper = Authorizer(record, FakeClock())
    place = RouteInfo("GET", "/api/v1/users", {})
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
            doorkeeper.authorize(Permission.ADMINISTRATOR, CALLER, RouteInfo("GET", "/api/v1/users", {}))
        clock.move(-timedelta(hours=1))

    assert len(recorded) == 2
