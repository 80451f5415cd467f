"""Which changes need reauthentication, also where somebody else changes something in between."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.admin import reauthentication
from daypass.portal.admin.model import UserRecord
from daypass.portal.admin.reauthentication import Proof
from daypass.portal.admin.transactions import Change, PlannedChange
from daypass.portal.audit.log import AuditLog, Check, Record
from daypass.portal.errors import AccessDenied, PreconditionFailed, ReauthenticationRequired, Unauthenticated
from daypass.portal.identity.authentication import OPERATOR
from daypass.portal.identity.model import Role, TokenKind, User, UserId
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access
from tests.fakes import NOON, FakeClock, nothing_happens
from tests.portal.admin.conftest import Administration, open_administration

ALICE, AMIR, DANA = "alice@example.com", "amir@example.com", "dana@example.com"
SIX_MINUTES = timedelta(minutes=6)


class SlowLog(AuditLog):
    """The real log; what somebody else does before the next commit comes first."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        super().__init__(database, clock)
        self.before_next: Callable[[], object] = nothing_happens

    def commit_all(
        self, records: Sequence[Record], *, precondition: Check | None = None, is_change: bool = False
    ) -> None:
        """Let it happen, then commit."""
        act, self.before_next = self.before_next, nothing_happens
        act()
        super().commit_all(records, precondition=precondition, is_change=is_change)


@pytest.fixture
def slow(database: Database, clock: FakeClock) -> Iterator[SlowLog]:
    log = SlowLog(database, clock)
    yield log
    log.close()


def users() -> st.SearchStrategy[UserRecord]:
    """A user as it may be before or after a change."""
    return st.builds(
        lambda role, disabled: UserRecord(User(UserId("u"), DANA, role), NOON, disabled, None, True),
        st.sampled_from(Role),
        st.sampled_from([None, NOON]),
    )


@given(old=users(), new=users())
def test_without_proof_a_change_of_a_user_only_takes_authority_from_users(
    old: UserRecord, new: UserRecord
) -> None:
    if reauthentication.to_update_user(old, new) is Proof.NONE:
        assert not old.user.is_administrator
        assert not new.user.is_administrator
        assert new.is_disabled or not old.is_disabled


@given(old=st.sampled_from([None, *Access]), new=st.sampled_from(Access))
def test_without_proof_a_membership_is_only_lowered(old: Access | None, new: Access) -> None:
    if reauthentication.to_put_member(old, new) is Proof.NONE:
        assert new is Access.READ_ONLY or old is Access.FULL
        assert old is not None


def test_an_action_that_is_not_in_the_table_is_not_made() -> None:
    with pytest.raises(LookupError, match="table of administrative actions"):
        PlannedChange("user.rename", DANA, Change(()))


def test_a_membership_that_is_lowered_while_it_is_removed_is_not_added_without_proof(
    administration: Administration, database: Database, clock: FakeClock, slow: SlowLog
) -> None:
    administration.members.put("dev01", DANA, Access.FULL, OPERATOR)
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(SIX_MINUTES)
    slow.before_next = lambda: administration.members.remove("dev01", DANA, OPERATOR)

    with pytest.raises(ReauthenticationRequired):
        open_administration(database, slow, clock).members.put("dev01", DANA, Access.READ_ONLY, by)


def test_a_user_who_is_promoted_meanwhile_is_not_disabled_without_proof(
    administration: Administration, database: Database, clock: FakeClock, slow: SlowLog
) -> None:
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(SIX_MINUTES)
    slow.before_next = lambda: administration.users.update(DANA, OPERATOR, role=Role.ADMINISTRATOR)

    with pytest.raises(ReauthenticationRequired):
        open_administration(database, slow, clock).users.update(DANA, by, is_disabled=True)
    assert not administration.users.find(DANA).is_disabled


@pytest.mark.parametrize(("owner", "role"), [(DANA, Role.ADMINISTRATOR), (AMIR, Role.USER)])
def test_no_token_is_exempt_whose_owner_was_promoted_or_demoted_meanwhile(
    administration: Administration,
    database: Database,
    clock: FakeClock,
    slow: SlowLog,
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
def test_an_administrator_who_was_ended_meanwhile_changes_nothing(
    administration: Administration,
    database: Database,
    clock: FakeClock,
    slow: SlowLog,
    end: Callable[[Administration], object],
) -> None:
    administration.users.update(DANA, OPERATOR, role=Role.ADMINISTRATOR)
    by = administration.caller(ALICE)
    slow.before_next = lambda: end(administration)

    with pytest.raises((AccessDenied, Unauthenticated)):
        open_administration(database, slow, clock).users.update(AMIR, by, is_disabled=True)
    assert not administration.users.find(AMIR).is_disabled


def test_changes_that_are_made_together_need_the_most_that_any_of_them_needs(
    administration: Administration, clock: FakeClock
) -> None:
    by = administration.caller(ALICE, TokenKind.BROWSER)
    clock.move(SIX_MINUTES)
    steps = [
        PlannedChange("user.delete", AMIR, Change(())),
        PlannedChange("user.set_password", DANA, Change((), proof=Proof.RECENT)),
    ]

    with pytest.raises(ReauthenticationRequired):
        administration.users.desk.execute_all("user.import", "a table", by, lambda _: steps)
    assert administration.events("user.set_password") == []
