"""The rules of reauthentication, also under concurrent changes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import UserRecord
from daypass.portal.admin.reauthentication import Proof
from daypass.portal.admin.transactions import Change, ChangeRequest, PlannedChange
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import AccessDenied, PreconditionFailed, ReauthenticationRequired, Unauthenticated
from daypass.portal.identity.model import Role, TokenKind, User, UserId
from daypass.portal.permission_sets.model import BUILT_IN, PermissionSet, PermissionSetId
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access
from tests.fakes import NOON, FakeClock
from tests.portal.admin.conftest import Administration, SlowCommitter, open_administration

ALICE, AMIR, DANA = "alice@example.com", "amir@example.com", "dana@example.com"
SIX_MINUTES = timedelta(minutes=6)


def users() -> st.SearchStrategy[UserRecord]:
    """Return a strategy for users before or after a change."""
    return st.builds(
        lambda role, disabled: UserRecord(User(UserId("u"), DANA, role), NOON, disabled, None, True, role),
        st.sampled_from(Role),
        st.sampled_from([None, NOON]),
    )


@given(old=users(), new=users())
def test_only_changes_that_take_authority_from_a_user_need_no_reauthentication(
    old: UserRecord, new: UserRecord
) -> None:
    if reauthentication.to_update_user(old, new) is Proof.NONE:
        assert not old.user.is_administrator
        assert not new.user.is_administrator
        assert new.is_disabled or not old.is_disabled


def sets() -> st.SearchStrategy[PermissionSet]:
    """Return a strategy for built-in sets, and for custom ones with a few ranks and contents."""
    custom = st.builds(
        lambda name, rank, denies, has_own_role: PermissionSet(
            PermissionSetId(name), name, "", rank, denies=denies, has_own_role=has_own_role
        ),
        st.sampled_from(["operator", "data-reader"]),
        st.sampled_from([1, 500]),
        st.sampled_from(["[]", "[{}]"]),
        st.booleans(),
    )
    return st.sampled_from(list(BUILT_IN.values())) | custom


@given(old=st.none() | sets(), new=sets())
def test_only_a_lower_rank_of_a_membership_needs_no_reauthentication(
    old: PermissionSet | None, new: PermissionSet
) -> None:
    is_free = reauthentication.to_put_member(old, new) is Proof.NONE

    assert is_free is (old is not None and (new.rank < old.rank or new == old))


@given(old=st.none() | sets(), new=sets())
def test_only_a_description_of_a_set_changes_without_reauthentication(
    old: PermissionSet | None, new: PermissionSet
) -> None:
    is_free = reauthentication.to_put_permission_set(old, new) is Proof.NONE

    assert is_free is (
        old is not None
        and (new.rank, new.denies, new.has_own_role) == (old.rank, old.denies, old.has_own_role)
    )


def test_an_action_without_a_reauthentication_rule_is_refused() -> None:
    with pytest.raises(LookupError, match="table of administrative actions"):
        PlannedChange("user.rename", DANA, Change(()))


def test_lowering_access_while_the_member_is_removed_does_not_add_the_member_without_reauthentication(
    administration: Administration, database: Database, clock: FakeClock, slow: SlowCommitter
) -> None:
    administration.members.put("dev01", DANA, Access.FULL, OPERATOR)
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(SIX_MINUTES)
    slow.before_next = lambda: administration.members.remove("dev01", DANA, OPERATOR)

    with pytest.raises(ReauthenticationRequired):
        open_administration(database, slow, clock).members.put("dev01", DANA, Access.READ_ONLY, by)


def test_a_user_promoted_concurrently_is_not_disabled_without_reauthentication(
    administration: Administration, database: Database, clock: FakeClock, slow: SlowCommitter
) -> None:
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(SIX_MINUTES)
    slow.before_next = lambda: administration.users.update(DANA, OPERATOR, role=Role.ADMINISTRATOR)

    with pytest.raises(ReauthenticationRequired):
        open_administration(database, slow, clock).users.update(DANA, by, is_disabled=True)
    assert not administration.users.find(DANA).is_disabled


@pytest.mark.parametrize(("owner", "role"), [(DANA, Role.ADMINISTRATOR), (AMIR, Role.USER)])
def test_no_token_is_created_if_its_owners_role_changes_concurrently(
    administration: Administration,
    database: Database,
    clock: FakeClock,
    slow: SlowCommitter,
    owner: str,
    role: Role,
) -> None:
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    slow.before_next = lambda: administration.users.update(owner, OPERATOR, role=role)

    with pytest.raises(PreconditionFailed):
        open_administration(database, slow, clock).tokens.create(owner, "ci", by)
    assert administration.tokens.count(owner) == 0


@pytest.mark.parametrize(
    "end",
    [
        lambda all_: all_.users.update(ALICE, OPERATOR, role=Role.USER),
        lambda all_: all_.users.update(ALICE, OPERATOR, is_disabled=True),
    ],
    ids=["demoted", "disabled"],
)
def test_an_administrator_who_loses_the_role_concurrently_changes_nothing(
    administration: Administration,
    database: Database,
    clock: FakeClock,
    slow: SlowCommitter,
    end: Callable[[Administration], object],
) -> None:
    administration.users.update(DANA, OPERATOR, role=Role.ADMINISTRATOR)
    by = administration.caller(ALICE)
    slow.before_next = lambda: end(administration)

    with pytest.raises((AccessDenied, Unauthenticated)):
        open_administration(database, slow, clock).users.update(AMIR, by, is_disabled=True)
    assert not administration.users.find(AMIR).is_disabled


def test_combined_changes_need_the_strongest_proof_of_any_of_them(
    administration: Administration, clock: FakeClock
) -> None:
    by = administration.caller(ALICE, TokenKind.BROWSER)
    clock.move(SIX_MINUTES)
    plan = [
        PlannedChange("user.delete", AMIR, Change(())),
        PlannedChange("user.set_password", DANA, Change((), proof=Proof.RECENT)),
    ]

    with pytest.raises(ReauthenticationRequired):
        administration.users.executor.execute(ChangeRequest("user.import", "a table", by, lambda _: plan))
    assert administration.events("user.set_password") == []
