"""The rights of tenants' roles after deletions that fail, run concurrently, or lose the database or AWS."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from daypass.portal.access.model import Caller
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.admin.transactions import ChangeExecutor
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR, Event
from daypass.portal.errors import (
    AuditUnavailable,
    AwsUnavailable,
    InvalidRequest,
    PortalError,
    PreconditionFailed,
    TenantNotFound,
)
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.unit_of_work import UnitOfWork
from daypass.portal.tenants.model import Tenant
from tests.fakes import FakeClock, nothing_happens
from tests.fixtures.database import PostgresServer
from tests.fixtures.proxy import Proxy, proxied
from tests.portal.admin.conftest import ACCOUNT, REGION, RULES, Administration

OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/other"
PROD_ROLE = RULES.own("prod01")
SILENT = AwsUnavailable("AWS did not answer.")
Hook = Callable[[], object]


@dataclass
class Iam:
    """The rights of the roles that the portal created. Hooks run once, as concurrent requests."""

    has_rights: dict[str, bool] = field(default_factory=dict)
    before_empty: Hook = nothing_happens
    after_empty: Hook = nothing_happens
    before_restore: Hook = nothing_happens
    after_make: Hook = nothing_happens

    def make(self, tenant: Tenant) -> None:
        self.has_rights[tenant.target.role_arn] = True
        self._run("after_make")

    def empty(self, tenant: Tenant) -> bool:
        self._run("before_empty")
        is_ours = tenant.target.role_arn in self.has_rights
        if is_ours:
            self.has_rights[tenant.target.role_arn] = False
        self._run("after_empty")
        return is_ours

    def restore(self, tenant: Tenant) -> bool:
        self._run("before_restore")
        if self.has_rights.get(tenant.target.role_arn, True):
            return False
        self.has_rights[tenant.target.role_arn] = True
        return True

    def _run(self, name: str) -> None:
        hook: Hook = getattr(self, name)
        setattr(self, name, nothing_happens)
        hook()


@pytest.fixture
def iam() -> Iam:
    return Iam()


@pytest.fixture
def tenants(administration: Administration, iam: Iam) -> Tenants:
    """Tenants with prod01, whose role the portal created."""
    made = Tenants(administration.tenants.executor, RULES, iam)
    made.create("prod01", REGION, OPERATOR)
    return made


def failing(fault: Exception) -> Hook:
    def fail() -> None:
        raise fault

    return fail


def is_there(tenants: Tenants) -> bool:
    try:
        tenants.find("prod01")
    except TenantNotFound:
        return False
    return True


def test_a_refused_deletion_restores_the_role_of_a_concurrently_changed_tenant(
    tenants: Tenants, administration: Administration, iam: Iam, alice: Caller
) -> None:
    loaded = tenants.find("prod01").version
    iam.after_empty = lambda: tenants.update("prod01", alice, region="eu-west-1")

    with pytest.raises(PreconditionFailed):
        tenants.delete("prod01", alice, loaded)

    assert is_there(tenants)
    assert iam.has_rights == {PROD_ROLE: True}
    assert [event[1:3] for event in administration.events("role.restore")] == [(PROD_ROLE, "done")]


def test_the_later_of_two_concurrent_deletions_does_not_restore_the_role(
    tenants: Tenants, iam: Iam, alice: Caller
) -> None:
    iam.before_empty = lambda: tenants.delete("prod01", alice)

    with pytest.raises(TenantNotFound):
        tenants.delete("prod01", alice)

    assert iam.has_rights == {PROD_ROLE: False}


def test_a_deletion_that_commits_while_another_restores_the_role_leaves_it_empty(
    tenants: Tenants, iam: Iam, alice: Caller
) -> None:
    loaded = tenants.find("prod01").version
    iam.after_empty = lambda: tenants.update("prod01", alice, region="eu-west-1")
    iam.before_restore = lambda: tenants.delete("prod01", alice)

    with pytest.raises(PreconditionFailed):
        tenants.delete("prod01", alice, loaded)

    assert not is_there(tenants)
    assert iam.has_rights == {PROD_ROLE: False}


def test_rights_restored_by_another_deletion_before_the_commit_are_removed_again(
    tenants: Tenants, iam: Iam, alice: Caller
) -> None:
    iam.after_empty = lambda: iam.restore(tenants.find("prod01").tenant)

    assert tenants.delete("prod01", alice) == ""

    assert iam.has_rights == {PROD_ROLE: False}


@pytest.mark.parametrize("role_arn", [None, PROD_ROLE])
def test_a_late_deletion_does_not_empty_the_role_of_a_recreated_tenant(
    tenants: Tenants, iam: Iam, alice: Caller, role_arn: str | None
) -> None:
    def replace_it() -> None:
        tenants.delete("prod01", alice)
        tenants.create("prod01", REGION, alice, role_arn=role_arn)

    iam.before_empty = replace_it

    with pytest.raises(TenantNotFound):
        tenants.delete("prod01", alice)

    assert is_there(tenants)
    assert iam.has_rights == {PROD_ROLE: True}


def test_a_role_emptied_while_its_tenant_is_recreated_is_restored(
    tenants: Tenants, iam: Iam, alice: Caller
) -> None:
    former = tenants.find("prod01").tenant
    tenants.delete("prod01", alice)
    iam.after_make = lambda: iam.empty(former)

    tenants.create("prod01", REGION, alice)

    assert iam.has_rights == {PROD_ROLE: True}


def test_a_failed_creation_does_not_revive_sessions_of_a_former_tenant(
    tenants: Tenants, iam: Iam, alice: Caller
) -> None:
    tenants.delete("prod01", alice)
    iam.after_make = lambda: tenants.create("prod01", REGION, alice, role_arn=OTHER_ROLE)

    with pytest.raises(InvalidRequest):
        tenants.create("prod01", REGION, alice)

    assert tenants.find("prod01").tenant.target.role_arn == OTHER_ROLE
    assert iam.has_rights == {PROD_ROLE: False}


def test_after_concurrent_deletions_and_a_creation_a_role_has_rights_if_its_tenant_exists(
    tenants: Tenants, iam: Iam
) -> None:
    start = Barrier(4)

    def run(act: Hook) -> None:
        start.wait(60)
        with suppress(PortalError):
            act()

    def delete() -> None:
        tenants.delete("prod01", OPERATOR)

    def replace_it() -> None:
        delete()
        tenants.create("prod01", REGION, OPERATOR)

    threads = [Thread(target=run, args=(act,)) for act in (delete, replace_it, delete, replace_it)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert iam.has_rights[PROD_ROLE] == is_there(tenants)


def test_a_deletion_is_refused_if_the_tenants_role_changed_concurrently(
    tenants: Tenants, iam: Iam, alice: Caller
) -> None:
    iam.after_empty = lambda: tenants.update("prod01", alice, role_arn=OTHER_ROLE)

    with pytest.raises(PreconditionFailed, match="role of “prod01” was changed"):
        tenants.delete("prod01", alice)

    assert tenants.find("prod01").tenant.target.role_arn == OTHER_ROLE


@pytest.mark.parametrize("is_update", [False, True])
def test_an_emptied_role_is_restored_when_a_tenant_names_its_arn(
    tenants: Tenants, iam: Iam, alice: Caller, is_update: bool
) -> None:
    tenants.delete("prod01", alice)
    assert iam.has_rights == {PROD_ROLE: False}

    if is_update:
        tenants.create("prod01", REGION, alice, role_arn=OTHER_ROLE)
        tenants.update("prod01", alice, role_arn=PROD_ROLE)
    else:
        tenants.create("prod01", REGION, alice, role_arn=PROD_ROLE)

    assert iam.has_rights == {PROD_ROLE: True}


def test_a_tenant_with_an_existing_role_is_created_without_aws(
    tenants: Tenants, iam: Iam, alice: Caller
) -> None:
    tenants.delete("prod01", alice)
    iam.before_restore = failing(SILENT)

    tenants.create("prod01", REGION, alice, role_arn=PROD_ROLE)

    assert is_there(tenants)


def test_an_emptying_that_timed_out_but_took_effect_is_undone_if_the_tenant_stays(
    tenants: Tenants, iam: Iam, alice: Caller
) -> None:
    loaded = tenants.find("prod01").version

    def time_out() -> None:
        tenants.update("prod01", alice, region="eu-west-1")
        raise SILENT

    iam.after_empty = time_out

    with pytest.raises(PreconditionFailed):
        tenants.delete("prod01", alice, loaded)

    assert iam.has_rights == {PROD_ROLE: True}


def test_a_refused_deletion_warns_if_the_role_could_not_be_restored(
    tenants: Tenants, administration: Administration, iam: Iam, alice: Caller
) -> None:
    loaded = tenants.find("prod01").version
    iam.after_empty = lambda: tenants.update("prod01", alice, region="eu-west-1")
    iam.before_restore = failing(SILENT)

    with pytest.raises(PreconditionFailed, match=f"The role {PROD_ROLE} may have no rights now"):
        tenants.delete("prod01", alice, loaded)

    (_, subject, outcome, detail) = administration.events("role.restore")[-1]
    assert (subject, outcome, detail["reason"]) == (PROD_ROLE, "failed", SILENT.reason)
    assert tenants.delete("prod01", alice) == ""


@pytest.mark.usefixtures("tenants")
def test_a_role_is_restored_if_its_emptying_cannot_be_recorded(
    administration: Administration, iam: Iam, alice: Caller, tmp_path: Path
) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/without-schema.db")) as unusable:
        executor = replace(
            administration.tenants.executor, committer=Committer(unusable, administration.clock)
        )
        with pytest.raises(AuditUnavailable):
            Tenants(executor, RULES, iam).delete("prod01", alice)

    assert iam.has_rights == {PROD_ROLE: True}


class FaultyCommitter(Committer):
    """The real units of work with faults around and inside the transactions of one action."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, FakeClock())
        self.action = "tenant.delete"
        self.before: Hook = nothing_happens
        self.inside: Hook = nothing_happens
        self.after: Hook = nothing_happens

    def commit_unit(self, unit: UnitOfWork[Event]) -> None:
        """Commit, and raise the faults."""

        def check(connection: Connection) -> PortalError | None:
            self.inside()
            return None if unit.precondition is None else unit.precondition(connection)

        if all(event.action != self.action for event in unit.records):
            return super().commit_unit(unit)
        self.before()
        try:
            return super().commit_unit(replace(unit, precondition=check))
        finally:
            self.after()


@dataclass(frozen=True, slots=True)
class Distant:
    """Tenants over a connection to PostgreSQL that can be interrupted."""

    tenants: Tenants
    committer: FaultyCommitter
    proxy: Proxy


@contextmanager
def distant(server: PostgresServer, url: str, iam: Iam) -> Iterator[Distant]:
    with proxied(server, url) as (proxy, proxied_url):
        database = Database(proxied_url, connections=4, patience=timedelta(seconds=1.5))
        with closing(database), closing(FaultyCommitter(database)) as committer:
            tenants = Tenants(ChangeExecutor(database, committer, FakeClock()), RULES, iam)
            tenants.create("prod01", REGION, OPERATOR)
            yield Distant(tenants, committer, proxy)


def test_a_deletion_committed_without_confirmation_does_not_restore_the_role(
    postgres: PostgresServer, postgres_url: str, iam: Iam
) -> None:
    with distant(postgres, postgres_url, iam) as far:
        far.committer.inside = lambda: far.proxy.withhold_answer_to(b"COMMIT")

        with pytest.raises(AuditUnavailable):
            far.tenants.delete("prod01", OPERATOR)

        assert far.proxy.swallowed.is_set()
        assert not is_there(far.tenants)
    assert iam.has_rights == {PROD_ROLE: False}


@pytest.mark.parametrize("action", ["tenant.create", "tenant.update"])
def test_an_emptied_role_is_restored_if_a_tenant_that_names_its_arn_was_not_confirmed(
    postgres: PostgresServer, postgres_url: str, iam: Iam, action: str
) -> None:
    with distant(postgres, postgres_url, iam) as far:
        far.tenants.delete("prod01", OPERATOR)
        far.tenants.create("prod02", REGION, OPERATOR, role_arn=OTHER_ROLE)
        far.committer.action = action
        far.committer.inside = lambda: far.proxy.withhold_answer_to(b"COMMIT")

        with pytest.raises(AuditUnavailable):
            if action == "tenant.create":
                far.tenants.create("prod01", REGION, OPERATOR, role_arn=PROD_ROLE)
            else:
                far.tenants.update("prod02", OPERATOR, role_arn=PROD_ROLE)

        assert far.proxy.swallowed.is_set()
        far.committer.inside = nothing_happens
        holder = "prod01" if action == "tenant.create" else "prod02"
        assert far.tenants.find(holder).tenant.target.role_arn == PROD_ROLE
    assert iam.has_rights == {PROD_ROLE: True}


def test_an_update_that_never_reached_the_database_leaves_the_role_it_names(
    postgres: PostgresServer, postgres_url: str, iam: Iam
) -> None:
    with distant(postgres, postgres_url, iam) as far:
        far.tenants.update("prod01", OPERATOR, role_arn=OTHER_ROLE)
        far.committer.action = "tenant.update"
        far.committer.before, far.committer.after = far.proxy.vanish, far.proxy.come_back

        with pytest.raises(AuditUnavailable):
            far.tenants.update("prod01", OPERATOR, role_arn=PROD_ROLE)

        assert far.tenants.find("prod01").tenant.target.role_arn == OTHER_ROLE
    # Sessions from before the first update still use it.
    assert iam.has_rights == {PROD_ROLE: True}


def test_a_deletion_that_never_reached_the_database_restores_the_role(
    postgres: PostgresServer, postgres_url: str, iam: Iam
) -> None:
    with distant(postgres, postgres_url, iam) as far:
        far.committer.before, far.committer.after = far.proxy.vanish, far.proxy.come_back

        with pytest.raises(AuditUnavailable):
            far.tenants.delete("prod01", OPERATOR)

        assert is_there(far.tenants)
    assert iam.has_rights == {PROD_ROLE: True}


def test_a_deletion_without_a_database_leaves_the_role_empty_and_says_so(
    postgres: PostgresServer, postgres_url: str, iam: Iam
) -> None:
    with distant(postgres, postgres_url, iam) as far:
        far.committer.before = far.proxy.vanish

        with pytest.raises(AuditUnavailable, match="may have no rights now"):
            far.tenants.delete("prod01", OPERATOR)
        assert iam.has_rights == {PROD_ROLE: False}

        far.proxy.come_back()
        far.committer.before = nothing_happens
        assert far.tenants.delete("prod01", OPERATOR) == ""
