"""The deletion of a tenant: its answer on every channel, and its time limit."""

import socket
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from urllib.parse import unquote, urlencode

import pytest

from daypass.portal.errors import AwsError, AwsThrottled, RoleNotFound
from daypass.portal.http.core.threadpool import PATIENCE
from daypass.portal.http.layout.cookies import NOTICE, SESSION
from daypass.portal.http.layout.csrf import FIELD, csrf_token
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.roles import RoleState
from tests.portal.aws.conftest import roles_at
from tests.portal.http.client import Answer, Client
from tests.portal.http.oauth.test_endpoints import Browser
from tests.portal.http.world import ADMIN, DATA, PUBLIC_URL, World
from tests.portal.http.world import world as make_world


@dataclass(slots=True)
class FakeRoles:
    """A fake IAM in which the portal created every tenant's role."""

    refusal: AwsError | None = None
    emptied: list[str] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def read(self, role_arn: str) -> RoleState:
        """Refuse."""
        raise RoleNotFound(f"There is no role {role_arn}.")

    def set_maximum(self, role_arn: str, maximum: timedelta) -> None:
        """Refuse."""
        raise RoleNotFound(f"There is no role {role_arn} of {maximum}.")

    def set_services(self, role_arn: str, services: Collection[str] | None) -> None:
        """Refuse."""
        raise RoleNotFound(f"There is no role {role_arn} of {services}.")

    def make(self, tenant: Tenant) -> None:
        """Do nothing; the role exists."""

    def empty(self, tenant: Tenant) -> bool:
        """Record the call, or raise the configured error."""
        self.threads.add(threading.current_thread().name.rpartition("_")[0])
        if self.refusal is not None:
            raise self.refusal
        self.emptied.append(tenant.name)
        return True

    def restore(self, tenant: Tenant) -> bool:
        """Restore the role's permissions."""
        if tenant.name not in self.emptied:
            return False
        self.emptied.remove(tenant.name)
        return True


def through_the_api(world: World) -> Answer:
    path = f"/api/v1/tenants/{DATA.id}"
    return world.client().send("DELETE", path, world.tokens[ADMIN], headers=[("If-Match", "*")])


def through_the_legacy_api(world: World) -> Answer:
    return world.client().send("POST", f"/admin/DeleteTenant/{DATA.id}", world.tokens[ADMIN])


def on_the_page(world: World) -> Answer:
    browser = Browser(world, ADMIN)
    form = {"id": DATA.id, "typed": DATA.name, FIELD: csrf_token(browser.cookie)}
    headers = [
        ("Cookie", f"{SESSION}={browser.cookie}"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", PUBLIC_URL),
    ]
    path = "/administrator/delete-tenant"
    return world.client().send("POST", path, headers=headers, body=urlencode(form).encode())


Delete = Callable[[World], Answer]
CHANNELS = pytest.mark.parametrize("delete", [through_the_api, through_the_legacy_api, on_the_page])


def is_there(world: World) -> bool:
    return world.client().get(f"/api/v1/tenants/{DATA.id}", world.tokens[ADMIN]).status == 200


@pytest.fixture
def roles() -> FakeRoles:
    return FakeRoles()


@pytest.fixture
def world(sqlite_url: str, roles: FakeRoles) -> Iterator[World]:
    with make_world(sqlite_url, roles=roles) as new:
        yield new


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The URL of an AWS that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@CHANNELS
def test_a_deletion_uses_the_thread_pool_for_aws(world: World, roles: FakeRoles, delete: Delete) -> None:
    assert delete(world).status < 400

    assert roles.threads == {"portal-aws"}
    assert not is_there(world)


def test_a_tenant_is_deleted_within_the_time_limit_while_aws_does_not_answer(
    sqlite_url: str, silent_url: str
) -> None:
    roles = roles_at(silent_url)
    with make_world(sqlite_url, roles=roles) as world:
        start = monotonic()
        answer = through_the_api(world)

        assert answer.status == 204, answer.body
        assert monotonic() - start < PATIENCE.total_seconds()
        assert not is_there(world)


REASON = "AWS asks for a pause before it can empty the role."


@CHANNELS
@pytest.mark.parametrize("reason", ["", REASON])
def test_a_deletion_warns_if_the_role_kept_its_permissions(
    world: World, roles: FakeRoles, delete: Delete, reason: str
) -> None:
    roles.refusal = AwsThrottled(reason) if reason else None

    answer = delete(world)

    warning = f"Live sessions keep their rights until they end: {reason}" if reason else None
    if delete is on_the_page:
        (cookie,) = (value for name, value in answer.headers if name == "set-cookie" and NOTICE in value)
        notice = unquote(cookie.partition("=")[2].partition(";")[0])
        assert notice == f"data01 is deleted. Its resources in AWS are not deleted. {warning or ''}".strip()
    else:
        status, body = (204, b"") if delete is through_the_api else (200, b"null")
        assert (answer.status, answer.body) == (status, body)
        assert answer.header("daypass-warning") == warning
    events = (
        world.client().get("/api/v1/audit", world.tokens[ADMIN], query="action=role.empty").json["events"]
    )
    assert [(one["outcome"], one["detail"].get("reason", "")) for one in events] == [
        ("failed" if reason else "done", reason)
    ]
    assert not is_there(world)


def test_a_warning_is_a_single_header_line(world: World, roles: FakeRoles) -> None:
    roles.refusal = AwsThrottled("AWS refused (x\r\nSet-Cookie: a=b\t“é”).")

    warning = through_the_api(world).header("daypass-warning") or ""

    assert warning.isascii()
    assert warning.isprintable()
    assert warning.endswith("AWS refused (x  Set-Cookie: a=b ???).")


def test_the_openapi_document_has_the_warning_header(still_client: Client) -> None:
    paths = still_client.get("/api/v1/openapi.json").json["paths"]

    headers = paths["/api/v1/tenants/{tenant}"]["delete"]["responses"]["204"]["headers"]
    assert headers["Daypass-Warning"]["schema"] == {"type": "string"}
