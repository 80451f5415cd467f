"""Sessions with permission sets: the set that is chosen, the requests that are refused, and the release."""

import pytest
from sqlalchemy import update

from daypass.portal.access.entitlements import Entitlement, EntitlementKind, strongest
from daypass.portal.access.model import Channel, SessionRequest
from daypass.portal.access.tenants import VisibleTenants, permission_set_of
from daypass.portal.errors import AccessDenied, PermissionSetNotFound, PortalError, TenantNotFound
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.permission_sets.model import FULL, READ_ONLY, PermissionSet
from daypass.portal.permission_sets.store import PermissionSetStore, add_permission_set, change_permission_set
from daypass.portal.storage.schema.tenants import memberships
from daypass.portal.tenants.model import Access
from daypass.portal.tenants.store import add_member, change_member
from tests.fakes import NOON
from tests.portal.access.conftest import ADMIN, DANA, DATA, DEV, PROD, Rig
from tests.portal.permission_sets.examples import DATA_READER, OPERATOR, custom, deny


@pytest.fixture
def rig_with_sets(rig: Rig) -> Rig:
    """Return a rig in which Dana is an operator in dev01, and reads only in prod01."""
    with rig.database.writing() as connection:
        for each in (OPERATOR, DATA_READER):
            add_permission_set(each, at=NOON).apply(connection)
        change_member(DEV.id, DANA.id, OPERATOR).apply(connection)
    return rig


def ask(reference: str, permission_set: str | None) -> SessionRequest:
    return SessionRequest(Scope.of_tenant(reference), permission_set=permission_set)


def test_a_member_gets_a_session_with_their_set_and_the_set_is_recorded(rig_with_sets: Rig) -> None:
    rig = rig_with_sets

    issued = rig.issue(DANA, "dev01")

    assert issued.permission_set == OPERATOR
    assert issued.access is Access.READ_ONLY
    assert rig.broker.assumed[0][0].permission_set == OPERATOR
    # An earlier release reads this column and knows two values.
    assert [(row["access"], row["permission_set"]) for row in rig.rows()] == [("read-only", "operator")]


@pytest.mark.parametrize("requested", [FULL, OPERATOR, DATA_READER, READ_ONLY])
def test_an_administrator_may_request_any_set(rig_with_sets: Rig, requested: PermissionSet) -> None:
    rig = rig_with_sets

    administration = SessionRequest(ADMIN_SCOPE, permission_set=requested.name)
    for request in (ask("data01", requested.name), administration):
        assert rig.issue(ADMIN, request).permission_set == requested
    assert rig.issue(ADMIN, "data01").permission_set is FULL


@pytest.mark.parametrize("requested", [FULL, OPERATOR, DATA_READER, READ_ONLY])
def test_a_full_member_may_request_any_set(rig_with_sets: Rig, requested: PermissionSet) -> None:
    rig = rig_with_sets
    with rig.database.writing() as connection:
        change_member(DEV.id, DANA.id, FULL).apply(connection)

    assert rig.issue(DANA, ask("dev01", requested.name)).permission_set == requested


@pytest.mark.parametrize(
    ("reference", "requested", "refusal", "reason"),
    [
        ("dev01", "full", AccessDenied, "You have operator."),
        ("dev01", "data-reader", AccessDenied, "You have operator."),
        ("dev01", "read-only", AccessDenied, "You have operator."),
        # A member without full access does not learn which sets exist.
        ("dev01", "nothing", AccessDenied, "You have operator."),
        ("prod01", "full", AccessDenied, "You have read-only."),
        ("prod01", "operator", AccessDenied, "You have read-only."),
        ("data01", "operator", TenantNotFound, "You have no tenant"),
        ("dev01", "\x00", AccessDenied, "You have operator."),
    ],
)
def test_a_set_that_the_member_does_not_have_is_refused_with_the_sets_that_they_have(
    rig_with_sets: Rig, reference: str, requested: str, refusal: type[PortalError], reason: str
) -> None:
    rig = rig_with_sets

    with pytest.raises(refusal) as refused:
        rig.issue(DANA, ask(reference, requested))

    assert reason in refused.value.reason
    assert refused.value.reason.isprintable()
    assert rig.broker.assumed == []
    assert rig.states() == ["denied"]


def test_an_unknown_set_is_not_found_by_an_administrator(rig_with_sets: Rig) -> None:
    with pytest.raises(PermissionSetNotFound, match="no permission set “nothing”"):
        rig_with_sets.issue(ADMIN, ask("dev01", "nothing"))


def test_users_can_request_their_own_set_by_name(rig_with_sets: Rig) -> None:
    assert rig_with_sets.issue(DANA, ask("dev01", "operator")).permission_set == OPERATOR
    assert rig_with_sets.issue(DANA, ask("prod01", "read-only")).permission_set is READ_ONLY


def test_legacy_clients_get_the_strongest_set(rig_with_sets: Rig) -> None:
    assert rig_with_sets.issue(DANA, "dev01", channel=Channel.LEGACY).permission_set == OPERATOR


EDITED = custom("operator", 500, deny("lambda:UpdateFunctionCode"))


@pytest.mark.parametrize("requested", [None, "operator"])
@pytest.mark.parametrize("is_edited", [True, False])
def test_a_set_that_was_edited_while_aws_answered_refuses_the_release(
    rig_with_sets: Rig, requested: str | None, is_edited: bool
) -> None:
    rig = rig_with_sets

    def edit() -> None:
        with rig.database.writing() as connection:
            change_permission_set(EDITED if is_edited else OPERATOR, at=NOON).apply(connection)

    rig.broker.during_assume = edit

    if not is_edited:
        rig.issue(DANA, ask("dev01", requested))
        return
    with pytest.raises(AccessDenied, match="has just been changed"):
        rig.issue(DANA, ask("dev01", requested))
    assert rig.states() == ["failed"]


def test_a_requested_set_that_was_edited_refuses_the_release_of_a_full_member(rig_with_sets: Rig) -> None:
    rig = rig_with_sets

    def edit() -> None:
        with rig.database.writing() as connection:
            change_permission_set(EDITED, at=NOON).apply(connection)

    rig.broker.during_assume = edit

    with pytest.raises(AccessDenied, match="has just been changed"):
        rig.issue(ADMIN, ask("dev01", "operator"))


@pytest.mark.parametrize(("is_read_only", "expected"), [(True, READ_ONLY), (False, FULL)])
def test_the_column_that_an_earlier_release_writes_decides(
    rig_with_sets: Rig, is_read_only: bool, expected: PermissionSet
) -> None:
    rig = rig_with_sets
    with rig.database.writing() as connection:
        connection.execute(
            update(memberships)
            .where(memberships.c.user_id == DANA.id, memberships.c.tenant_id == DEV.id)
            .values(is_read_only=is_read_only)
        )

    assert rig.issue(DANA, "dev01").permission_set is expected


def test_the_row_of_a_custom_set_is_no_membership_for_an_earlier_release(rig_with_sets: Rig) -> None:
    with rig_with_sets.database.reading() as connection:
        found = connection.execute(
            memberships.select().where(memberships.c.user_id == DANA.id, memberships.c.tenant_id == DEV.id)
        ).one()

    assert found.is_read_only is None
    assert found.permission_set_id == OPERATOR.id


def test_lists_of_tenants_have_the_set(rig_with_sets: Rig) -> None:
    tenants = VisibleTenants(rig_with_sets.database, rig_with_sets.clock)

    dev, prod = tenants.all(DANA)
    own = tenants.find(DANA, "dev01")
    seen = tenants.find(ADMIN, "dev01")

    assert own == dev
    assert seen is not None
    assert (dev.membership, prod.membership) == (OPERATOR, READ_ONLY)
    assert permission_set_of(ADMIN, seen) is FULL
    assert tenants.requestable_sets(DANA, dev) == [OPERATOR]
    assert tenants.requestable_sets(ADMIN, seen) == [FULL, OPERATOR, DATA_READER, READ_ONLY]


@pytest.mark.parametrize("order", [1, -1])
def test_the_rank_decides_which_of_several_sets_applies(order: int) -> None:
    several = [
        Entitlement(EntitlementKind.MEMBERSHIP, each) for each in (FULL, OPERATOR, DATA_READER, READ_ONLY)
    ]

    for start in range(4):
        assert strongest(several[start:][::order]) == several[start]


def test_a_membership_keeps_its_set_from_deletion(rig_with_sets: Rig) -> None:
    with rig_with_sets.database.reading() as connection:
        store = PermissionSetStore(connection)
        assert store.count_members(OPERATOR) == 1
        assert store.count_members(DATA_READER) == 0
        assert store.find("operator") == store.find(OPERATOR.id) == OPERATOR
        assert store.find("read-only") is READ_ONLY
        assert store.find("none") is None


def test_a_new_member_can_have_a_custom_set(rig_with_sets: Rig) -> None:
    rig = rig_with_sets
    with rig.database.writing() as connection:
        add_member(DATA.id, DANA.id, DATA_READER, at=NOON).apply(connection)

    assert rig.issue(DANA, DATA.name).permission_set == DATA_READER
    assert rig.issue(DANA, PROD.name).permission_set is READ_ONLY
