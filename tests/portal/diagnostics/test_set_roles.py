"""The doctor's findings on the roles of permission sets."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from daypass.portal.access.broker import SetRole
from daypass.portal.accounts.registry import Accounts
from daypass.portal.diagnostics.doctor import Doctor
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.diagnostics.set_roles import SET_ROLE, set_role_findings
from daypass.portal.errors import AwsNotAllowed
from daypass.portal.permission_sets.model import PermissionSet, PermissionSetId
from daypass.portal.permission_sets.store import add_permission_set
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.store import TenantStore
from tests.fakes import NOON, FakeBroker, FakeClock
from tests.portal.diagnostics.test_doctor import ACCOUNT, DEV, Iam, roles_of

NAME = f"daypass-set-{DEV.name}.support"


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """A database with a permission set that has a role of its own, and one that has none."""
    own = PermissionSet(PermissionSetId("a" * 32), "support", "For support.", 50, has_own_role=True)
    other = replace(own, id=PermissionSetId("b" * 32), name="audit", rank=40, has_own_role=False)
    database = Database(sqlite_url)
    with database.writing() as connection:
        for each in (own, other):
            add_permission_set(each, at=NOON).apply(connection)
    yield database
    database.close()


def findings(database: Database, broker: FakeBroker) -> list[Finding]:
    roles = replace(roles_of(Iam()), services_of=lambda _: ["s3"])
    return list(set_role_findings([DEV], database, broker, roles))


def test_each_role_is_checked_as_before_a_session(database: Database) -> None:
    broker = FakeBroker()

    (finding,) = findings(database, broker)

    assert (finding.code, finding.level, finding.subject) == (SET_ROLE, Level.FINE, DEV.name)
    assert NAME in finding.sentence
    assert broker.checked_roles == [
        SetRole(ACCOUNT.role_arn(NAME), DEV.target.role_arn, DEV.name, DEV.target.external_id, ["s3"]),
    ]


def test_a_tenant_with_an_overlapping_name_is_part_of_what_is_checked(database: Database) -> None:
    longer, broker = replace(DEV, name=f"{DEV.name}-x"), FakeBroker()

    list(set_role_findings([DEV, longer], database, broker, roles_of(Iam())))

    assert [list(role.overlapping) for role in broker.checked_roles] == [[longer.name], []]


def test_a_problem_is_named_with_the_plan(database: Database) -> None:
    (finding,) = findings(database, FakeBroker(set_role_problem="There is no such role."))

    assert (finding.level, finding.patch) == (Level.WARNING, "daypass portal fence plan")
    assert finding.sentence == f"The portal issues no sessions of {NAME}. There is no such role."


def test_a_role_that_cannot_be_read_is_a_finding(database: Database) -> None:
    (finding,) = findings(database, FakeBroker(set_role_error=AwsNotAllowed("Denied.")))

    assert (finding.code, finding.level, finding.sentence) == (SET_ROLE, Level.WARNING, "Denied.")


def test_the_doctor_tells_the_state_of_each_role(database: Database) -> None:
    with database.writing() as connection:
        TenantStore(connection).add(DEV, NOON)
    doctor = Doctor(database, Accounts(ACCOUNT), FakeBroker(), roles_of(Iam()), FakeClock())

    assert [finding.subject for finding in doctor.examine() if finding.code == SET_ROLE] == [DEV.name]
