import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from daypass.portal.access.model import Caller
from daypass.portal.admin.model import UserQuery, UserRecord, UserSort, Version
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AccessDenied,
    AlreadyExists,
    InsufficientScope,
    InvalidRequest,
    LastAdministrator,
    PortalError,
    PreconditionFailed,
    ReauthenticationRequired,
    Unauthenticated,
    UserNotFound,
)
from daypass.portal.identity.model import Role, TokenKind, UserKind
from daypass.portal.identity.passwords import verify_password
from daypass.portal.identity.store.users import UserStore, update_last_sign_in
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import PageRequest
from tests.fakes import FakeClock
from tests.portal.admin.conftest import Administration, open_administration

MINUTE = timedelta(minutes=1)
PASSWORD = Secret("a long enough one")

Act = Callable[[Administration, Caller], object]

ACTS: dict[str, Act] = {
    "create": lambda all_, by: all_.users.create("noor@example.com", Role.USER, None, by),
    "promote": lambda all_, by: all_.users.update("dana@example.com", by, role=Role.ADMINISTRATOR),
    "disable": lambda all_, by: all_.users.update("amir@example.com", by, is_disabled=True),
    "password": lambda all_, by: all_.users.set_password("amir@example.com", PASSWORD, by),
    "delete": lambda all_, by: all_.users.delete("amir@example.com", by),
}


def test_a_user_is_created_found_and_recorded(administration: Administration, alice: Caller) -> None:
    made = administration.users.create(" Noor@Example.com", Role.USER, PASSWORD, alice)

    assert administration.users.find("NOOR@example.com") == made
    assert administration.users.find(made.user.id) == made
    actor, subject, outcome, detail = administration.events("user.create")[-1]
    assert (actor, subject, outcome) == ("alice@example.com", "noor@example.com", "done")
    assert (detail["new.role"], detail["door"], detail["token_id"]) == ("User", "api", alice.token.id)


def test_a_username_can_be_taken_only_once(administration: Administration, alice: Caller) -> None:
    with pytest.raises(AlreadyExists, match="already"):
        administration.users.create("DANA@example.com", Role.USER, None, alice)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_only_administrators_change_anything(administration: Administration, dana: Caller, act: Act) -> None:
    before = administration.users.page(UserQuery(), PageRequest())

    with pytest.raises(AccessDenied, match="for Administrators"):
        act(administration, dana)

    assert administration.users.page(UserQuery(), PageRequest()) == before


def test_a_denied_change_is_recorded(administration: Administration, dana: Caller) -> None:
    with pytest.raises(AccessDenied):
        administration.users.update("dana@example.com", dana, role=Role.ADMINISTRATOR)

    actor, subject, outcome, detail = administration.events("user.update")[-1]
    assert (actor, subject, outcome) == ("dana@example.com", "dana@example.com", "denied")
    assert detail["code"] == "access_denied"


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_an_administrator_who_loses_the_role_concurrently_changes_nothing(
    administration: Administration, alice: Caller, act: Act
) -> None:
    administration.users.update("alice@example.com", OPERATOR, is_disabled=True)

    with pytest.raises(Unauthenticated, match="ended a moment ago"):
        act(administration, alice)


def test_a_change_is_recorded_with_its_old_values(administration: Administration, alice: Caller) -> None:
    administration.users.update("dana@example.com", alice, role=Role.ADMINISTRATOR)

    assert administration.users.find("dana@example.com").user.is_administrator
    _, _, _, detail = administration.events("user.update")[-1]
    assert (detail["old.role"], detail["new.role"]) == ("User", "Administrator")


def test_a_request_that_changes_nothing_is_not_recorded(
    administration: Administration, alice: Caller
) -> None:
    administration.users.update("dana@example.com", alice, role=Role.USER, is_disabled=False)

    assert administration.events("user.update") == []


def test_disabling_a_user_revokes_their_tokens_for_good(
    administration: Administration, alice: Caller
) -> None:
    dana = administration.users.find("dana@example.com").user
    secret, _ = administration.identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)

    administration.users.update(dana.id, alice, is_disabled=True)
    with pytest.raises(Unauthenticated):
        administration.identity.authenticate(secret.reveal())

    administration.users.update(dana.id, alice, is_disabled=False)
    with pytest.raises(Unauthenticated):
        administration.identity.authenticate(secret.reveal())


def test_deleting_a_user_deletes_their_tokens(administration: Administration, alice: Caller) -> None:
    dana = administration.users.find("dana@example.com").user
    secret, _ = administration.identity.create_token(dana, TokenKind.PERMANENT, "ci", OPERATOR)

    administration.users.delete("dana@example.com", alice)

    with pytest.raises(Unauthenticated):
        administration.identity.authenticate(secret.reveal())
    with pytest.raises(UserNotFound):
        administration.users.find(dana.id)
    with pytest.raises(UserNotFound):
        administration.users.delete("dana@example.com", alice)


def test_a_new_password_ends_all_sign_ins_and_derived_tokens(
    administration: Administration, alice: Caller, database: Database
) -> None:
    dana = administration.users.find("dana@example.com").user
    signed_in = administration.token(dana, TokenKind.TEMPORARY)
    permanent = administration.token(dana, TokenKind.PERMANENT)

    administration.users.set_password("dana@example.com", PASSWORD, alice)

    with database.reading() as connection:
        assert verify_password(UserStore(connection).password_hash(dana.id), PASSWORD)
    administration.identity.authenticate(permanent.reveal())
    with pytest.raises(Unauthenticated):
        administration.identity.authenticate(signed_in.reveal())
    assert PASSWORD.reveal() not in str(administration.events("user.set_password"))


def test_a_short_password_is_refused(administration: Administration, alice: Caller) -> None:
    with pytest.raises(InvalidRequest, match="12 to 256"):
        administration.users.set_password("dana@example.com", Secret("short"), alice)


def test_a_user_changed_concurrently_is_not_overwritten(
    administration: Administration, alice: Caller
) -> None:
    loaded = administration.users.find("dana@example.com").version
    administration.users.update("dana@example.com", alice, is_disabled=True)

    with pytest.raises(PreconditionFailed, match="Load it again"):
        administration.users.update("dana@example.com", alice, role=Role.ADMINISTRATOR, expected=loaded)
    with pytest.raises(PreconditionFailed):
        administration.users.delete("dana@example.com", alice, expected=loaded)
    with pytest.raises(PreconditionFailed):
        administration.users.set_password("dana@example.com", PASSWORD, alice, expected=Version("other"))


def test_a_change_of_the_current_version_is_accepted(administration: Administration, alice: Caller) -> None:
    loaded = administration.users.find("dana@example.com").version

    changed = administration.users.update("dana@example.com", alice, is_disabled=True, expected=loaded)

    assert changed.version == administration.users.find("dana@example.com").version != loaded


WIDENING: dict[str, Act] = {
    "administrator": lambda all_, by: all_.users.create("noor@example.com", Role.ADMINISTRATOR, None, by),
    "promote": lambda all_, by: all_.users.update("dana@example.com", by, role=Role.ADMINISTRATOR),
    "enable": lambda all_, by: all_.users.update("noor@example.com", by, is_disabled=False),
    "password": lambda all_, by: all_.users.set_password("dana@example.com", PASSWORD, by),
    "create with a password": lambda all_, by: all_.users.create("mo@example.com", Role.USER, PASSWORD, by),
    "demote": lambda all_, by: all_.users.update("amir@example.com", by, role=Role.USER),
    "disable an administrator": lambda all_, by: all_.users.update("amir@example.com", by, is_disabled=True),
    "delete an administrator": lambda all_, by: all_.users.delete("amir@example.com", by),
}
HARMLESS: dict[str, Act] = {
    "user": lambda all_, by: all_.users.create("mo@example.com", Role.USER, None, by),
    "disable": lambda all_, by: all_.users.update("dana@example.com", by, is_disabled=True),
    "delete": lambda all_, by: all_.users.delete("dana@example.com", by),
}


@pytest.mark.parametrize("act", WIDENING.values(), ids=WIDENING)
def test_a_change_that_elevates_needs_reauthentication(
    administration: Administration, clock: FakeClock, act: Act
) -> None:
    if act is WIDENING["enable"]:
        administration.users.create("noor@example.com", Role.USER, None, OPERATOR)
        administration.users.update("noor@example.com", OPERATOR, is_disabled=True)
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(5 * MINUTE + timedelta(seconds=1))

    with pytest.raises(ReauthenticationRequired, match="Confirm your password"):
        act(administration, by)

    clock.move(timedelta(seconds=-1))
    act(administration, by)


@pytest.mark.parametrize("act", HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_does_not_elevate_needs_no_reauthentication(
    administration: Administration, clock: FakeClock, act: Act
) -> None:
    by = administration.caller("alice@example.com", TokenKind.BROWSER)
    clock.move(10 * MINUTE)

    act(administration, by)


def test_a_permanent_token_of_an_administrator_is_exempt_from_reauthentication(
    administration: Administration, alice: Caller, clock: FakeClock
) -> None:
    clock.move(timedelta(days=100))

    administration.users.update("dana@example.com", alice, role=Role.ADMINISTRATOR)


ENDINGS: dict[str, Act] = {
    "demote": lambda all_, by: all_.users.update("alice@example.com", by, role=Role.USER),
    "disable": lambda all_, by: all_.users.update("alice@example.com", by, is_disabled=True),
    "delete": lambda all_, by: all_.users.delete("alice@example.com", by),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_token_without_admin_scope_changes_nothing(administration: Administration, act: Act) -> None:
    narrow = administration.caller("alice@example.com", TokenKind.CLI)
    before = [administration.users.find(f"{name}@example.com") for name in ("alice", "amir", "dana")]

    with pytest.raises(InsufficientScope):
        act(administration, narrow)

    assert [administration.users.find(f"{name}@example.com") for name in ("alice", "amir", "dana")] == before


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_the_last_administrator_cannot_be_removed(
    administration: Administration, alice: Caller, end: Act
) -> None:
    administration.users.update("amir@example.com", alice, is_disabled=True)

    with pytest.raises(LastAdministrator, match="last Administrator"):
        end(administration, alice)

    assert administration.users.find("alice@example.com").user.is_administrator


@pytest.fixture
def elsewhere(database_url: str, clock: FakeClock) -> Iterator[Administration]:
    """The same portal on another replica; on SQLite, another connection to the same file."""
    opened = Database(database_url)
    committer = Committer(opened, clock)
    yield open_administration(opened, committer, clock)
    committer.close()
    opened.close()


@pytest.mark.parametrize("end", ["update", "delete"])
def test_two_administrators_who_remove_each_other_concurrently_leave_one(
    administration: Administration, elsewhere: Administration, end: str
) -> None:
    names = ("alice@example.com", "amir@example.com")
    for _ in range(12):
        outcomes: list[str] = []
        start = threading.Barrier(2)

        def work(all_: Administration, victim: str) -> None:
            start.wait()  # noqa: B023  joined before the next round
            try:
                if end == "delete":
                    all_.users.delete(victim, OPERATOR)
                else:
                    all_.users.update(victim, OPERATOR, role=Role.USER)
                outcomes.append("done")  # noqa: B023  joined before the next round
            except PortalError as refusal:
                outcomes.append(refusal.code)  # noqa: B023  joined before the next round

        threads = [
            threading.Thread(target=work, args=pair)
            for pair in zip((administration, elsewhere), names, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == ["done", "last_administrator"]
        with administration.database.reading() as connection:
            assert UserStore(connection).count_administrators() == 1
        for name in names:
            if end == "delete" and name not in [u.user.username for u in everybody(administration)]:
                administration.users.create(name, Role.ADMINISTRATOR, None, OPERATOR)
            administration.users.update(name, OPERATOR, role=Role.ADMINISTRATOR)


def everybody(administration: Administration) -> list[UserRecord]:
    return list(administration.users.page(UserQuery(), PageRequest()).records)


@pytest.mark.parametrize("database_url", ["sqlite", "postgres", "pgbouncer"], indirect=True)
def test_users_are_searched_sorted_and_paged(administration: Administration) -> None:
    for number in range(7):
        administration.clock.move(MINUTE)
        administration.users.create(f"user{6 - number}@example.com", Role.USER, None, OPERATOR)

    def names(query: UserQuery) -> list[str]:
        found: list[str] = []
        page_request = PageRequest(limit=3)
        while True:
            page = administration.users.page(query, page_request)
            found += [record.user.username.partition("@")[0] for record in page.records]
            if page.next_cursor is None:
                return found
            assert len(page.records) == 3
            page_request = PageRequest(page.next_cursor, 3)

    numbered = [f"user{number}" for number in range(7)]
    assert names(UserQuery(search="USER")) == numbered
    assert names(UserQuery(search="user", is_descending=True)) == numbered[::-1]
    assert names(UserQuery(search="user", sort=UserSort.CREATED)) == numbered[::-1]
    assert names(UserQuery(search="user", sort=UserSort.CREATED, is_descending=True)) == numbered
    assert names(UserQuery()) == ["alice", "amir", "dana", *numbered]
    with administration.database.writing() as connection:
        for number in (3, 1, 4):
            at = administration.clock() + number * MINUTE
            user = administration.users.find(f"user{number}@example.com").user
            update_last_sign_in(user.id, at=at).apply(connection)
    by_sign_in = names(UserQuery(search="user", sort=UserSort.LAST_SIGN_IN, is_descending=True))
    assert by_sign_in[:3] == ["user4", "user3", "user1"]
    assert names(UserQuery(search="user", sort=UserSort.LAST_SIGN_IN)) == by_sign_in[::-1]
    assert names(UserQuery(role=Role.ADMINISTRATOR)) == ["alice", "amir"]
    assert names(UserQuery(search="%")) == []
    administration.users.update("dana@example.com", OPERATOR, is_disabled=True)
    assert names(UserQuery(is_disabled=True)) == ["dana"]
    assert administration.users.count(UserQuery(is_disabled=False)) == 9


@pytest.mark.parametrize(
    "cursor", ["", "x", "bnVsbA", "W10", "WzFd", "WyJhXHUwMDAwIl0", "é", "W1tdXQ", "[" * 99]
)
def test_an_invalid_cursor_is_refused(administration: Administration, cursor: str) -> None:
    for sort in UserSort:
        with pytest.raises(InvalidRequest, match="no such page"):
            administration.users.page(UserQuery(sort=sort), PageRequest(cursor))


def test_an_unknown_user_is_not_found(administration: Administration) -> None:
    for reference in ("", "nobody", "a\0b", "\ud800", "' OR 1=1", "x" * 5000):
        with pytest.raises(UserNotFound, match="no such user"):
            administration.users.find(reference)


def test_a_service_account_that_gets_a_password_becomes_a_person(
    administration: Administration, alice: Caller
) -> None:
    made = administration.users.create("ci@example.com", Role.USER, None, alice)
    assert made.user.kind is UserKind.SERVICE

    changed = administration.users.set_password("ci@example.com", PASSWORD, alice)

    assert (changed.user.kind, changed.has_password) == (UserKind.PERSON, True)
