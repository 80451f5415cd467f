"""Changes on one replica are serialized with the release of credentials on another."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from daypass.portal.access.model import Channel, SessionRequest
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AccessDenied, JitDisabled, PortalError, TenantNotFound
from daypass.portal.identity.model import User
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.settings.registry import DISABLE_NON_ADMIN_JIT, ENABLE_ADMIN_JIT_ON_UI, TENANT_VALIDITY
from daypass.portal.settings.setting import Setting
from daypass.portal.storage.engine import Database
from tests.portal.access.conftest import ADMIN, DANA, PROD, Rig, build
from tests.portal.admin.conftest import Administration, open_administration
from tests.portal.storage.blocked import start_blocked
from tests.portal.watched_committer import WatchedCommitter
from tests.settings import put_text


@dataclass(frozen=True, slots=True)
class Replicas:
    """Two replicas: one releases credentials, the other makes an administrative change."""

    rig: Rig
    releasing: WatchedCommitter
    administration: Administration
    changing: WatchedCommitter


@pytest.fixture
def replicas(postgres_url: str) -> Iterator[Replicas]:
    here, there = Database(postgres_url), Database(postgres_url)
    releasing, changing = WatchedCommitter(here), WatchedCommitter(there)
    for rig in build(here):
        rig.issuer = rig.issuer_with(releasing)
        rig.set(ENABLE_ADMIN_JIT_ON_UI, "true")
        yield Replicas(rig, releasing, open_administration(there, changing, rig.clock), changing)
    for log in (releasing, changing):
        log.close()
    for database in (here, there):
        database.close()


def put(setting: Setting[Any], value: str, tenant: str | None = None) -> Callable[[Administration], object]:
    return lambda all_: put_text(all_.settings, tenant, setting.type, setting.key, value, OPERATOR)


DEV01, ADMIN_ACCESS = SessionRequest(Scope.of_tenant("dev01")), SessionRequest(ADMIN_SCOPE)

changes = pytest.mark.parametrize(
    ("user", "ask", "change", "refusal"),
    [
        (DANA, DEV01, put(DISABLE_NON_ADMIN_JIT, "true"), JitDisabled),
        (ADMIN, ADMIN_ACCESS, put(ENABLE_ADMIN_JIT_ON_UI, "false"), JitDisabled),
        (DANA, DEV01, put(TENANT_VALIDITY, "1800", "dev01"), AccessDenied),
        (ADMIN, DEV01, lambda all_: all_.tenants.delete("dev01", OPERATOR), TenantNotFound),
        (
            DANA,
            DEV01,
            lambda all_: all_.tenants.update("dev01", OPERATOR, role_arn=PROD.target.role_arn + "-2"),
            AccessDenied,
        ),
    ],
)


@changes
def test_a_change_waits_for_a_release_on_another_replica(
    replicas: Replicas,
    user: User,
    ask: SessionRequest,
    change: Callable[[Administration], object],
    refusal: type[PortalError],  # noqa: ARG001  the other test's
) -> None:
    begun: list[threading.Thread] = []

    def administer() -> None:
        begun.append(start_blocked(lambda: change(replicas.administration), replicas.rig.database))

    replicas.releasing.meanwhile = administer
    replicas.rig.issue(user, ask, channel=Channel.WEB)
    begun[0].join()

    assert replicas.rig.states() == ["issued"]


@changes
def test_a_release_waits_for_a_change_on_another_replica_and_is_refused(
    replicas: Replicas,
    user: User,
    ask: SessionRequest,
    change: Callable[[Administration], object],
    refusal: type[PortalError],
) -> None:
    outcomes: list[object] = []

    def release() -> None:
        try:
            outcomes.append(replicas.rig.issue(user, ask, channel=Channel.WEB))
        except PortalError as error:
            outcomes.append(type(error))

    begun: list[threading.Thread] = []
    replicas.changing.meanwhile = lambda: begun.append(start_blocked(release, replicas.rig.database))
    change(replicas.administration)
    begun[0].join()

    assert outcomes == [refusal]
    assert replicas.rig.states() == ["failed"]
