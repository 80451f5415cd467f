"""Administration of permission sets, and of memberships with them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from daypass.portal.access.model import Caller
from daypass.portal.admin.model import Version, permission_set_version, version_of
from daypass.portal.admin.permission_sets.service import Definition
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AccessDenied,
    HasPermissionSet,
    InvalidRequest,
    PermissionSetInUse,
    PermissionSetNotFound,
    PreconditionFailed,
    ReauthenticationRequired,
)
from daypass.portal.identity.model import TokenKind
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.storage.schema.tenants import memberships
from daypass.portal.tenants.model import Access
from tests.fakes import FakeClock
from tests.portal.admin.conftest import Administration, SlowCommitter, open_administration
from tests.portal.permission_sets.examples import OPERATOR as OPERATOR_SET

DANA = "dana@example.com"
DENY = {"Effect": "Deny", "Action": "lambda:UpdateFunctionCode", "Resource": "*"}
OPERATES = Definition("Runs no code.", 500, (), (DENY,))
READS = Definition("Reads data.", 100, ("aws:ReadOnlyAccess",), ())
HAS_ROLE = Definition("Has a role.", 500, (), (), has_own_role=True)
SIX_MINUTES = timedelta(minutes=6)


@pytest.fixture
def with_sets(administration: Administration) -> Administration:
    """Return an administration with the sets `operator` and `data-reader`."""
    administration.permission_sets.put("operator", OPERATES, OPERATOR)
    administration.permission_sets.put("data-reader", READS, OPERATOR)
    return administration


def names(administration: Administration) -> Sequence[str]:
    return [each.name for each in administration.permission_sets.all()]


def test_a_set_is_created_replaced_and_deleted(administration: Administration, alice: Caller) -> None:
    sets = administration.permission_sets

    made = sets.put("operator", OPERATES, alice)
    assert names(administration) == ["full", "operator", "read-only"]
    assert made.members == 0
    assert sets.put("operator", OPERATES, alice) == made
    changed = sets.put("operator", replace(OPERATES, rank=1, policies=("own",)), alice)
    assert changed.permission_set.id == made.permission_set.id
    assert (changed.permission_set.rank, changed.version != made.version) == (1, True)
    sets.remove("operator", alice)

    with pytest.raises(PermissionSetNotFound, match="no permission set “operator”"):
        sets.find("operator")
    created, replaced = [detail for _, _, _, detail in administration.events("permission_set.put")]
    assert (created["new.rank"], "old.rank" in created) == (500, False)
    assert (replaced["old.rank"], replaced["new.rank"], replaced["new.policies"]) == (500, 1, "own")
    assert '"lambda:UpdateFunctionCode"' in replaced["new.denies"]
    [(actor, subject, outcome, detail)] = administration.events("permission_set.remove")
    assert (actor, subject, outcome, detail["old.rank"]) == ("alice@example.com", "operator", "done", 1)


def test_a_set_changes_between_session_policies_and_a_role_of_its_own(
    administration: Administration, alice: Caller
) -> None:
    sets = administration.permission_sets

    made = sets.put("operator", HAS_ROLE, alice)
    assert (made.permission_set.has_own_role, made.permission_set.is_only_a_role) == (True, True)
    assert sets.find("operator") == made
    changed = sets.put("operator", replace(OPERATES, description=HAS_ROLE.description), alice)
    assert (changed.permission_set.has_own_role, changed.version != made.version) == (False, True)
    assert sets.put("operator", HAS_ROLE, alice).version == made.version

    told = [detail["new.own_role"] for _, _, _, detail in administration.events("permission_set.put")]
    assert told == [True, False, True]


def test_the_version_of_a_set_without_a_role_is_that_of_earlier_releases() -> None:
    earlier = version_of("id-operator", "operator", "A test.", 500, [], OPERATOR_SET.denies)

    assert permission_set_version(OPERATOR_SET) == earlier
    assert permission_set_version(replace(OPERATOR_SET, has_own_role=True)) != earlier


def test_a_set_changed_by_another_is_not_overwritten(administration: Administration, alice: Caller) -> None:
    sets = administration.permission_sets
    made = sets.put("operator", OPERATES, alice, Version(""))

    with pytest.raises(PreconditionFailed):
        sets.put("operator", READS, alice, Version(""))
    sets.put("operator", READS, alice, made.version)
    for change in (
        lambda: sets.put("operator", OPERATES, alice, made.version),
        lambda: sets.remove("operator", alice, made.version),
    ):
        with pytest.raises(PreconditionFailed, match="was changed in the meantime"):
            change()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["full", "read-only"])
def test_the_built_in_sets_cannot_be_changed(
    administration: Administration, alice: Caller, name: str
) -> None:
    with pytest.raises(InvalidRequest, match="built-in"):
        administration.permission_sets.put(name, OPERATES, alice)
    with pytest.raises(InvalidRequest, match="built-in"):
        administration.permission_sets.remove(name, alice)
    assert administration.permission_sets.find(name).members is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_set_that_would_allow_something_is_refused(administration: Administration, alice: Caller) -> None:
    allowing = {**DENY, "Effect": "Allow"}

    with pytest.raises(InvalidRequest, match="only take access away"):
        administration.permission_sets.put("operator", replace(OPERATES, denies=(allowing,)), alice)
    assert names(administration) == ["full", "read-only"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_administrators_change_sets(with_sets: Administration, dana: Caller) -> None:
    with pytest.raises(AccessDenied):
        with_sets.permission_sets.put("operator", READS, dana)
    with pytest.raises(AccessDenied):
        with_sets.permission_sets.remove("operator", dana)


def test_a_set_with_members_is_kept_and_their_number_named(with_sets: Administration, alice: Caller) -> None:
    with_sets.members.put("dev01", DANA, "operator", alice)
    with_sets.members.put("dev01", "amir@example.com", "operator", alice)
    assert with_sets.permission_sets.find("operator").members == 2

    with pytest.raises(PermissionSetInUse, match="2 memberships have"):
        with_sets.permission_sets.remove("operator", alice)
    with_sets.members.remove("dev01", "amir@example.com", alice)
    with pytest.raises(PermissionSetInUse, match="1 membership has"):
        with_sets.permission_sets.remove("operator", alice)
    with_sets.members.put("dev01", DANA, "read-only", alice)
    with_sets.permission_sets.remove("operator", alice)


def test_a_set_that_gets_a_member_while_it_is_deleted_is_kept(
    with_sets: Administration, slow: SlowCommitter, clock: FakeClock, alice: Caller
) -> None:
    slow.before_next = lambda: with_sets.members.put("dev01", DANA, "operator", OPERATOR)

    with pytest.raises(PermissionSetInUse):
        open_administration(with_sets.database, slow, clock).permission_sets.remove("operator", alice)

    assert with_sets.members.find("dev01", DANA).permission_set.name == "operator"


def test_a_membership_that_an_earlier_release_changed_does_not_keep_a_set(
    with_sets: Administration, alice: Caller
) -> None:
    with_sets.members.put("dev01", DANA, "operator", alice)
    with with_sets.database.writing() as connection:
        # The earlier release leaves the column that it does not know.
        connection.execute(memberships.update().values(is_read_only=True))

    assert with_sets.permission_sets.find("operator").members == 0
    with_sets.permission_sets.remove("operator", alice)

    assert with_sets.members.find("dev01", DANA).permission_set is READ_ONLY


def test_a_member_gets_a_set_and_another_and_full_access(with_sets: Administration, alice: Caller) -> None:
    members = with_sets.members

    assert members.put("dev01", DANA, "operator", alice).permission_set.name == "operator"
    assert members.find("dev01", DANA).access is Access.READ_ONLY
    assert not members.reads_only(DANA)
    assert members.put("dev01", DANA, "data-reader", alice).permission_set.name == "data-reader"
    assert members.put("dev01", DANA, "read-only", alice).permission_set is READ_ONLY
    assert members.reads_only(DANA)
    assert members.put("dev01", DANA, Access.FULL, alice).permission_set is FULL
    with pytest.raises(PermissionSetNotFound):
        members.put("dev01", DANA, "nothing", alice)

    told = [
        (detail.get("old.permission_set"), detail["new.permission_set"], detail["new.access"])
        for _, _, _, detail in with_sets.events("membership.put")
    ]
    assert told == [
        (None, "operator", "read-only"),
        ("operator", "data-reader", "read-only"),
        ("data-reader", "read-only", "read-only"),
        ("read-only", "full", "full"),
    ]
    with with_sets.database.reading() as connection:
        assert connection.execute(select(memberships.c.permission_set_id)).scalars().all() == [None]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("old", "new", "needs_proof"),
    [
        (None, "read-only", True),
        ("read-only", "data-reader", True),
        ("data-reader", "operator", True),
        ("operator", "full", True),
        ("full", "operator", False),
        ("operator", "data-reader", False),
        ("data-reader", "read-only", False),
        ("operator", "operator", False),
    ],
)
def test_the_rank_decides_whether_a_membership_needs_reauthentication(
    with_sets: Administration, clock: FakeClock, old: str | None, new: str, needs_proof: bool
) -> None:
    if old is not None:
        with_sets.members.put("dev01", DANA, old, OPERATOR)
    by = with_sets.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(SIX_MINUTES)

    if needs_proof:
        with pytest.raises(ReauthenticationRequired):
            with_sets.members.put("dev01", DANA, new, by)
    else:
        with_sets.members.put("dev01", DANA, new, by)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("change", "needs_proof"),
    [
        (replace(OPERATES, description="Another."), False),
        (replace(OPERATES, rank=499), True),
        (replace(OPERATES, denies=(DENY, DENY)), True),
        (replace(OPERATES, policies=("own",)), True),
        (HAS_ROLE, True),
    ],
)
def test_only_a_description_is_changed_without_reauthentication(
    with_sets: Administration, clock: FakeClock, change: Definition, needs_proof: bool
) -> None:
    by = with_sets.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(SIX_MINUTES)

    if needs_proof:
        with pytest.raises(ReauthenticationRequired):
            with_sets.permission_sets.put("operator", change, by)
    else:
        with_sets.permission_sets.put("operator", change, by)
    with pytest.raises(ReauthenticationRequired):
        with_sets.permission_sets.put("third", OPERATES, by)
    with_sets.permission_sets.remove("data-reader", by)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("access", Access)
def test_a_change_that_knows_only_two_accesses_can_refuse_to_replace_a_set(
    with_sets: Administration, alice: Caller, access: Access
) -> None:
    with_sets.members.put("dev01", DANA, "operator", alice)

    with pytest.raises(HasPermissionSet, match="“operator” in “dev01”"):
        with_sets.members.put("dev01", DANA, access, alice, keeps_custom=True)

    with_sets.members.put("dev01", "amir@example.com", access, alice, keeps_custom=True)
    assert with_sets.members.find("dev01", DANA).permission_set.name == "operator"


def test_an_import_gives_sets(with_sets: Administration, alice: Caller) -> None:
    table = "username,tenants,read_only_tenants\nnoor@example.com,dev01:operator,\ndana@example.com,dev01,\n"

    planned = with_sets.imports.plan(table).lines
    assert [one.memberships for one in planned] == [{"dev01": "operator"}, {"dev01": "full"}]
    with_sets.imports.run(table, alice)

    assert with_sets.members.find("dev01", "noor@example.com").permission_set.name == "operator"
    assert with_sets.members.find("dev01", DANA).permission_set is FULL
    assert not any(one.has_effect for one in with_sets.imports.plan(table).lines)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x@example.com,dev01:nothing,", "There is no permission set “nothing”."),
        ("x@example.com,dev01:,", "Write TENANT:PERMISSION-SET into the column tenants"),
        ("x@example.com,,dev01:operator", "Write TENANT:PERMISSION-SET into the column tenants"),
        ("x@example.com,dev01:operator dev01,", "“dev01” is named twice"),
        ("x@example.com,:operator,", "There is no tenant “”"),
    ],
)
def test_an_import_refuses_a_set_that_it_cannot_give(
    with_sets: Administration, line: str, problem: str
) -> None:
    [planned] = with_sets.imports.plan(f"username,tenants,read_only_tenants\n{line}\n").lines

    assert problem in (planned.problem or "")
