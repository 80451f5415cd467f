"""Sessions with permission sets that have a role of their own: the role, its proof, and the release."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, update

from daypass.portal.access.broker import SetRole
from daypass.portal.access.model import SessionRequest
from daypass.portal.access.role_concurrency import RoleBusy, RoleConcurrency
from daypass.portal.access.store.roles import CachedRoleStore
from daypass.portal.errors import (
    AccessDenied,
    AwsError,
    AwsMisconfigured,
    AwsNotAllowed,
    AwsPolicyRefused,
    AwsRefused,
    AwsThrottled,
    AwsUnavailable,
)
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.permission_sets.model import FULL, PermissionSet
from daypass.portal.permission_sets.store import add_permission_set, change_permission_set
from daypass.portal.settings.registry import TENANT_SERVICES, TENANT_VALIDITY
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.tenants import permission_sets
from daypass.portal.tenants.model import Tenant, TenantId
from daypass.portal.tenants.store import add_tenant, change_member
from tests.fakes import NOON, nothing_happens, retargeted
from tests.portal.access.conftest import ADMIN, DANA, DEV, Rig, caller
from tests.portal.permission_sets.examples import ANALYST as OWN
from tests.portal.permission_sets.examples import OPERATOR

ROLE = "arn:aws:iam::123456789012:role/daypass-set-dev01.analyst"
PROBLEM = "The role has no permissions boundary. Run `daypass portal fence apply`."
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def own(rig: Rig) -> Rig:
    """Return a rig in which Dana has a set with a role of its own in dev01."""
    with rig.database.writing() as connection:
        add_permission_set(OWN, at=NOON).apply(connection)
        change_member(DEV.id, DANA.id, OWN).apply(connection)
    return rig


def ask(permission_set: str) -> SessionRequest:
    return SessionRequest(Scope.of_tenant("dev01"), permission_set=permission_set)


def test_the_session_is_of_the_role_of_the_set_in_the_tenant(own: Rig) -> None:
    issued = own.issue(DANA, "dev01")

    [(asked, _)] = own.broker.assumed
    assert (asked.role_arn, asked.external_id, asked.permission_set) == (ROLE, DEV.target.external_id, OWN)
    assert asked.tags["daypass:tenant"] == "dev01"
    assert own.broker.checked_roles == [
        SetRole(ROLE, DEV.target.role_arn, "dev01", DEV.target.external_id, None)
    ]
    assert (issued.role_arn, issued.region, issued.permission_set) == (ROLE, DEV.target.region, OWN)
    assert [(row["role_arn"], row["permission_set"]) for row in own.rows()] == [(ROLE, "analyst")]
    assert {row["role_arn"] for row in own.facts()} == {ROLE}
    with own.database.reading() as connection:
        of_session = audit_events.c.action == "session.issue"
        details = connection.scalars(select(audit_events.c.detail).where(of_session)).all()
    assert len(details) == 2
    assert all(ROLE in str(detail) for detail in details)


def test_the_role_is_in_the_account_and_partition_of_the_tenant_s_role() -> None:
    tenant = retargeted(DEV, role_arn="arn:aws-us-gov:iam::999999999999:role/path/duploservices-dev01")

    target = tenant.target_of(OWN)

    assert target.role_arn == "arn:aws-us-gov:iam::999999999999:role/daypass-set-dev01.analyst"
    assert (target.region, target.external_id) == (DEV.target.region, DEV.target.external_id)
    assert tenant.target_of(FULL) is tenant.target_of(OPERATOR) is tenant.target


@ON_SQLITE
def test_users_with_full_access_may_request_the_set(own: Rig) -> None:
    assert own.issue(ADMIN, ask("analyst")).role_arn == ROLE
    assert own.issue(ADMIN, "dev01").role_arn == DEV.target.role_arn
    assert len(own.broker.checked_roles) == 1


@ON_SQLITE
def test_the_services_of_the_tenant_are_part_of_what_is_checked(own: Rig) -> None:
    own.set(TENANT_SERVICES, "sqs,lambda", DEV)

    own.issue(DANA, "dev01")

    [checked] = own.broker.checked_roles
    assert set(checked.services or ()) == {"sqs", "lambda"}


@pytest.mark.parametrize(("permission_set", "is_released"), [("analyst", False), ("full", True)])
def test_a_change_of_the_services_while_aws_answered_refuses_the_release(
    own: Rig, permission_set: str, is_released: bool
) -> None:
    own.broker.during_assume = lambda: own.set(TENANT_SERVICES, "sqs", DEV)

    if is_released:
        own.issue(ADMIN, ask(permission_set))
        return
    with pytest.raises(AccessDenied, match="access has just been changed"):
        own.issue(ADMIN, ask(permission_set))
    assert own.states() == ["failed"]


def test_a_tenant_with_an_overlapping_name_that_was_added_while_aws_answered_refuses_the_release(
    own: Rig,
) -> None:
    def add() -> None:
        longer = Tenant.with_role(TenantId("x"), "dev01-x", "eu-west-1", f"{DEV.target.role_arn}-x", None)
        with own.database.writing() as connection:
            add_tenant(longer, at=NOON).apply(connection)

    own.broker.during_assume = add
    with pytest.raises(AccessDenied, match="access has just been changed"):
        own.issue(DANA, "dev01")
    assert own.states() == ["failed"]


@ON_SQLITE
def test_a_proof_ends_with_a_change_of_the_tenant_s_services(own: Rig) -> None:
    own.issue(DANA, "dev01")
    own.set(TENANT_SERVICES, "sqs", DEV)
    own.broker.set_role_problem = "The role lacks the limit."

    with pytest.raises(AwsPolicyRefused, match="failed its check"):
        own.issue(DANA, "dev01")


@ON_SQLITE
def test_tenants_of_the_account_whose_names_overlap_are_part_of_what_is_checked(own: Rig) -> None:
    own.issue(DANA, "dev01")
    here = {"dev01-x": DEV.target.role_arn, "dev01y": DEV.target.role_arn, "dev": DEV.target.role_arn}
    elsewhere = {"dev01-z": "arn:aws:iam::999999999999:role/duploservices-dev01-z"}
    with own.database.writing() as connection:
        for name, role_arn in (here | elsewhere).items():
            target = Tenant.with_role(TenantId(name), name, "eu-west-1", f"{role_arn}{name}", None)
            add_tenant(target, at=NOON).apply(connection)

    own.issue(DANA, "dev01")

    assert [list(role.overlapping) for role in own.broker.checked_roles] == [[], ["dev01-x"]]


@ON_SQLITE
def test_admin_access_has_no_such_role(own: Rig) -> None:
    with pytest.raises(AccessDenied, match="none for admin access"):
        own.issue(ADMIN, SessionRequest(ADMIN_SCOPE, permission_set="analyst"))

    assert (own.broker.assumed, own.broker.checked_roles, own.states()) == ([], [], ["denied"])


def test_a_role_with_a_problem_is_refused_until_it_is_repaired(own: Rig) -> None:
    own.broker.set_role_problem = PROBLEM

    for _ in range(2):
        with pytest.raises(AwsPolicyRefused, match="“analyst” in “dev01” failed its check"):
            own.issue(DANA, "dev01")
    assert own.broker.assumed == []
    assert [(row["state"], row["failure"]) for row in own.rows()] == [("denied", "aws_policy")] * 2
    # The second refusal is of the same check.
    assert len(own.broker.checked_roles) == 1

    own.broker.set_role_problem = ""
    own.clock.move(10 * SECOND)
    assert own.issue(DANA, "dev01").role_arn == ROLE


@ON_SQLITE
def test_only_administrators_read_what_is_wrong_with_a_role(own: Rig) -> None:
    own.broker.set_role_problem = PROBLEM

    with pytest.raises(AwsPolicyRefused) as to_member:
        own.issue(DANA, "dev01")
    with pytest.raises(AwsPolicyRefused) as to_administrator:
        own.issue(ADMIN, ask("analyst"))

    assert to_administrator.value.reason == PROBLEM
    assert "boundary" not in to_member.value.reason
    assert "Ask an Administrator" in to_member.value.reason


@ON_SQLITE
@pytest.mark.parametrize("error", [AwsNotAllowed(f"Nobody may read {ROLE}."), AwsRefused("")])
def test_a_role_that_cannot_be_read_is_refused(own: Rig, error: AwsError) -> None:
    own.broker.set_role_error = error

    for _ in range(2):
        with pytest.raises(AwsPolicyRefused, match=f"read .*{ROLE}"):
            own.issue(ADMIN, ask("analyst"))

    assert (own.broker.assumed, own.states()) == ([], ["denied"] * 2)
    assert len(own.broker.checked_roles) == 1


@ON_SQLITE
@pytest.mark.parametrize(
    "error", [AwsUnavailable("No answer."), AwsThrottled("Too many."), AwsMisconfigured("No keys.")]
)
def test_an_outage_is_no_problem_of_the_role(own: Rig, error: AwsError) -> None:
    own.issue(DANA, "dev01")
    own.clock.move(5 * 60 * SECOND)
    own.broker.set_role_error = error

    with pytest.raises(type(error)):
        own.issue(DANA, "dev01")
    assert own.states() == ["issued", "denied"]

    own.broker.set_role_error = None
    assert own.issue(DANA, "dev01").role_arn == ROLE


@ON_SQLITE
@pytest.mark.parametrize(
    ("elapsed", "is_cached"),
    [
        (0 * SECOND, True),
        (291 * SECOND, True),
        # AWS may take eight seconds to assume the role: the five minutes end before it does.
        (292 * SECOND, False),
        (HOUR, False),
        # The clock was set back.
        (-SECOND, False),
        (-HOUR, False),
    ],
)
def test_a_role_is_used_for_five_minutes_after_its_proof(
    own: Rig, elapsed: timedelta, is_cached: bool
) -> None:
    own.issue(DANA, "dev01")
    own.clock.move(elapsed)
    own.broker.set_role_problem = PROBLEM

    if is_cached:
        own.issue(DANA, "dev01")
    else:
        with pytest.raises(AwsPolicyRefused):
            own.issue(DANA, "dev01")
    assert len(own.broker.assumed) == (2 if is_cached else 1)


@ON_SQLITE
def test_the_proof_of_one_role_counts_for_no_other(own: Rig) -> None:
    own.issue(DANA, "dev01")
    own.broker.set_role_problem = PROBLEM

    with pytest.raises(AwsPolicyRefused):
        own.issue(ADMIN, SessionRequest(Scope.of_tenant("prod01"), permission_set="analyst"))


def test_a_role_that_becomes_wrong_is_refused_to_two_threads_at_once(own: Rig) -> None:
    together = Barrier(2, timeout=20)

    def wait() -> None:
        together.wait()

    own.broker.during_assume = wait
    with ThreadPoolExecutor(2) as threads:
        issued = list(threads.map(own.issue, (DANA, ADMIN), (ask("analyst"),) * 2))
        assert {each.role_arn for each in issued} == {ROLE}

        own.broker.set_role_problem = PROBLEM
        own.clock.move(5 * 60 * SECOND)
        # Neither thread knows the problem before both have begun their checks.
        own.broker.during_check = wait
        started = [threads.submit(own.issue, user, ask("analyst")) for user in (DANA, ADMIN)]
        refused = [each.exception(20) for each in started]

    assert [type(each) for each in refused] == [AwsPolicyRefused] * 2
    assert len(own.broker.assumed) == 2


@pytest.mark.parametrize(("later", "is_known"), [(SECOND, True), (-SECOND, False), (HOUR, False)])
def test_a_check_that_ends_late_does_not_hide_a_problem_that_a_later_one_found(
    own: Rig, later: timedelta, is_known: bool
) -> None:
    def check_again() -> None:
        own.broker.during_check = nothing_happens
        own.broker.set_role_problem = PROBLEM
        own.clock.move(later)
        with pytest.raises(AwsPolicyRefused):
            own.issue(ADMIN, ask("analyst"))
        own.broker.set_role_problem = ""
        own.clock.move(SECOND - later)

    own.broker.during_check = check_again
    own.issue(DANA, "dev01")

    if is_known:
        with pytest.raises(AwsPolicyRefused):
            own.issue(DANA, "dev01")
    else:
        own.issue(DANA, "dev01")
    assert len(own.broker.checked_roles) == 2


@pytest.mark.parametrize("is_own_first", [True, False])
def test_a_set_that_changes_between_its_two_kinds_refuses_the_release(own: Rig, is_own_first: bool) -> None:
    with_policies = replace(OPERATOR, id=OWN.id, name=OWN.name, rank=OWN.rank)
    before, after = (OWN, with_policies) if is_own_first else (with_policies, OWN)
    _write(own, before)
    own.broker.during_assume = lambda: _write(own, after)

    with pytest.raises(AccessDenied, match="has just been changed"):
        own.issue(DANA, "dev01")

    assert own.states() == ["failed"]
    own.broker.during_assume = nothing_happens
    own.issue(DANA, "dev01")
    assert own.broker.assumed[-1][0].role_arn == (DEV.target.role_arn if is_own_first else ROLE)


def test_a_set_that_an_earlier_release_gave_policies_is_refused(own: Rig) -> None:
    with own.database.writing() as connection:
        # It does not know the column that makes the set one with a role.
        connection.execute(update(permission_sets).values(policies='["aws:ReadOnlyAccess"]'))

    with pytest.raises(AwsPolicyRefused, match="a role of its own and session policies"):
        own.issue(DANA, "dev01")
    assert (own.broker.assumed, own.broker.checked_roles) == ([], [])


def test_the_maximum_is_that_of_the_role_also_in_a_preview(own: Rig) -> None:
    own.set(TENANT_VALIDITY, "14400", DEV)
    own.broker.maximum = HOUR
    assert own.issue(ADMIN, "dev01").validity.duration == HOUR

    own.broker.maximum = 2 * HOUR
    assert own.issue(DANA, "dev01").validity.duration == 2 * HOUR

    scope = Scope.of_tenant("dev01")
    assert own.issuer.preview(caller(DANA), scope).validity.duration == 2 * HOUR
    assert own.issuer.preview(caller(ADMIN), scope).validity.duration == HOUR
    assert own.broker.maximum_reads == 2


@ON_SQLITE
def test_a_shorter_maximum_than_the_one_read_is_remembered_for_the_role(own: Rig) -> None:
    own.set(TENANT_VALIDITY, "14400", DEV)
    own.broker.enforced_maximum = HOUR

    assert own.issue(DANA, "dev01").validity.duration == HOUR

    [fact] = own.facts()
    assert (fact["role_arn"], fact["maximum"], fact["problem"]) == (ROLE, 3600, "")


@ON_SQLITE
def test_a_problem_that_is_found_after_the_clock_was_set_back_replaces_the_proof(own: Rig) -> None:
    own.issue(DANA, "dev01")
    own.broker.set_role_problem = PROBLEM

    for moved in (-SECOND, 2 * SECOND):
        own.clock.move(moved)
        with pytest.raises(AwsPolicyRefused):
            own.issue(DANA, "dev01")


@ON_SQLITE
def test_a_proof_is_cached_beside_a_maximum_that_was_read_before(own: Rig) -> None:
    with own.database.writing() as connection:
        CachedRoleStore(connection).remember_maximum(ROLE, HOUR, NOON)

    for _ in range(2):
        own.issue(DANA, "dev01")

    assert (len(own.broker.checked_roles), own.broker.maximum_reads) == (1, 0)


@ON_SQLITE
def test_the_role_has_slots_of_its_own(own: Rig) -> None:
    own.issuer = replace(own.issuer, role_concurrency=RoleConcurrency(1, 0))

    with own.issuer.role_concurrency.acquire(DEV.target.role_arn):
        own.issue(DANA, "dev01")
    with own.issuer.role_concurrency.acquire(ROLE), pytest.raises(RoleBusy):
        own.issue(DANA, "dev01")


@ON_SQLITE
@pytest.mark.parametrize(("permission_set", "reads"), [("full", 2), ("analyst", 4)])
def test_only_sessions_with_such_a_set_read_another_role(own: Rig, permission_set: str, reads: int) -> None:
    own.issue(ADMIN, ask(permission_set))

    with _traced(own) as statements:
        own.issue(ADMIN, ask(permission_set))

    # The decision and the release read each.
    assert sum("FROM role_facts" in each or "JOIN role_facts" in each for each in statements) == reads


def _write(rig: Rig, permission_set: PermissionSet) -> None:
    with rig.database.writing() as connection:
        change_permission_set(permission_set, at=NOON).apply(connection)


@contextmanager
def _traced(rig: Rig) -> Iterator[list[str]]:
    """Collect the statements that this thread's connection executes."""
    statements: list[str] = []
    with rig.database.reading() as connection:
        driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.set_trace_callback(statements.append)
    try:
        yield statements
    finally:
        driver.set_trace_callback(None)
