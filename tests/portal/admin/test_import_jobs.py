"""Import jobs: large tables are reviewed, stored and imported in resumable batches."""

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

import pytest

from daypass.portal.access.model import Caller
from daypass.portal.admin.imports.limits import TRANSACTION
from daypass.portal.admin.imports.store import ImportJobStore, JobKey, StoredJob
from daypass.portal.admin.imports.table import Line, batches_of
from daypass.portal.admin.model import UserQuery, Version
from daypass.portal.audit.event import OPERATOR
from daypass.portal.errors import (
    AuditUnavailable,
    InvalidRequest,
    LastAdministrator,
    PortalError,
    PreconditionFailed,
    ReauthenticationRequired,
)
from daypass.portal.identity.model import Role, TokenKind
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access
from tests.fakes import FakeClock
from tests.fixtures.database import PostgresServer
from tests.fixtures.proxy import proxied
from tests.portal.admin.conftest import REGION, Administration, SlowCommitter, open_administration
from tests.portal.storage.blocked import start_blocked

TABLE = "username,tenants\n" + "".join(f"user{number:03}@example.com,dev01\n" for number in range(250))


def at_once() -> bool:
    return True


def never() -> bool:
    return False


def count(administration: Administration) -> int:
    return administration.users.count(UserQuery(search="user"))


def test_an_import_job_is_resumed_batch_by_batch(administration: Administration, alice: Caller) -> None:
    imports = administration.imports
    planned = imports.stage(TABLE, alice)
    before = count(administration)

    first = imports.resume(planned.id, planned.version, alice, at_once)
    meanwhile = count(administration)
    # An interrupted job is resumed where it stopped, without a new review.
    rest = imports.resume(planned.id, Version(""), alice, never)

    assert (before, first.taken, meanwhile) == (0, TRANSACTION.lines, TRANSACTION.lines)
    assert (rest.is_done, rest.taken, rest.changed, count(administration)) == (True, 250, 250, 250)
    assert administration.members.find("dev01", "user249@example.com").access is Access.FULL
    assert len(administration.events("user.create")) >= 250
    with pytest.raises(InvalidRequest, match="import has expired"):
        imports.resume(planned.id, planned.version, alice, never)


def test_batches_are_limited_by_changes_and_stay_the_same_when_resumed(
    administration: Administration, alice: Caller
) -> None:
    names = [f"team{number:02}" for number in range(24)]
    for name in names:
        administration.tenants.create(name, REGION, OPERATOR)
    table = "username,tenants,read_only_tenants\n" + "".join(
        f"user{number:03}@example.com,{' '.join(names[:12])},{' '.join(names[12:])}\n" for number in range(20)
    )
    imports = administration.imports
    planned = imports.stage(table, alice)

    first = imports.resume(planned.id, planned.version, alice, at_once)
    together = len(administration.events("membership.put"))
    # Lines that are done need no changes any more, and the batches stay the same.
    again = imports.review_again(planned.id, alice)
    done = imports.resume(again.id, again.version, alice, never)

    assert (first.taken, together, first.is_done) == (8, 8 * 24, False)
    assert (done.is_done, done.changed, count(administration)) == (True, 20, 20)
    assert len(administration.events("membership.put")) == 20 * 24


@pytest.mark.parametrize(
    ("tenants", "together"),
    [
        ([], []),
        ([0], [1]),
        ([0] * 120, [50, 50, 20]),
        ([3] * 51, [50, 1]),
        ([4] * 41, [40, 1]),
        ([1900, 0, 198, 0, 199, 199], [1, 2, 1, 1, 1]),
    ],
)
def test_a_batch_ends_before_it_has_too_many_changes(tenants: Sequence[int], together: Sequence[int]) -> None:
    table: list[Line] = [
        (
            number,
            {"username": "x", "tenants": "a, " * (many // 2), "read_only_tenants": "b " * (many - many // 2)},
        )
        for number, many in enumerate(tenants)
    ]

    found = list(batches_of(table, TRANSACTION))

    assert [len(table[cut]) for cut in found] == together
    assert [line for cut in found for line in table[cut]] == table


def test_an_import_changes_nothing_if_the_state_changed_since_the_review(
    administration: Administration, alice: Caller
) -> None:
    imports = administration.imports
    planned = imports.stage("username,tenants\nuser1@example.com,\n", alice)
    administration.users.create("user1@example.com", planned.lines[0].role, None, OPERATOR)

    with pytest.raises(PreconditionFailed, match="Nothing was imported"):
        imports.resume(planned.id, planned.version, alice, never)

    again = imports.review_again(planned.id, alice)
    assert not again.lines[0].has_effect
    assert imports.resume(again.id, again.version, alice, never).changed == 0


def test_a_batch_whose_plan_has_changed_stops_the_import_until_it_is_reviewed(
    administration: Administration, alice: Caller
) -> None:
    # The reviewed plan changes nothing, because amir is an Administrator.
    table = f"{TABLE}amir@example.com,\n".replace("tenants", "tenants,role").replace(
        "amir@example.com,", "amir@example.com,,User"
    )
    imports, users = administration.imports, administration.users
    users.update("amir@example.com", OPERATOR, role=Role.USER)
    planned = imports.stage(table, alice)
    first = imports.resume(planned.id, planned.version, alice, at_once)
    users.update("amir@example.com", OPERATOR, role=Role.ADMINISTRATOR)

    with pytest.raises(
        PreconditionFailed, match=r"since you reviewed the table\. The 250 lines before it are imported"
    ):
        imports.resume(planned.id, Version(""), alice, never)

    assert users.find("amir@example.com").user.is_administrator
    assert first.taken == TRANSACTION.lines
    again = imports.review_again(planned.id, alice)
    assert [one.username for one in again.lines if one.has_effect] == ["amir@example.com"]
    done = imports.resume(again.id, again.version, alice, never)
    assert (done.is_done, done.changed) == (True, 251)
    assert not users.find("amir@example.com").user.is_administrator


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("taken", "batches"), [(0, 0), (0, 6), (25, 0), (25, 5), (50, 4), (50, 6)])
def test_a_job_stored_by_another_version_must_be_reviewed_again(
    administration: Administration, alice: Caller, clock: FakeClock, taken: int, batches: int
) -> None:
    imports = administration.imports
    planned = imports.stage(TABLE, alice)
    seen = planned.version
    with administration.database.writing() as connection:
        reviewed = [*planned.batches, *planned.batches][:batches]
        older = StoredJob(TABLE, reviewed, taken, taken)
        ImportJobStore(connection).put(JobKey(alice.user.id, "older"), older, clock(), clock())

    done = f"The {taken} lines before it are imported" if taken else "Nothing was imported"
    with pytest.raises(PreconditionFailed, match=f"since you reviewed the table. {done}"):
        imports.resume("older", seen, alice, never)
    again = imports.review_again("older", alice)

    assert imports.resume("older", again.version, alice, never).is_done


def test_two_windows_cannot_import_the_same_batch_twice(
    administration: Administration, alice: Caller
) -> None:
    imports = administration.imports
    planned = imports.stage(TABLE, alice)

    def another_window() -> bool:
        return not imports.resume(planned.id, Version(""), alice, at_once).is_done

    def goes_on() -> bool:
        another_window()
        return False

    with pytest.raises(InvalidRequest, match="another window"):
        imports.resume(planned.id, planned.version, alice, goes_on)

    assert count(administration) == 2 * TRANSACTION.lines
    while another_window():
        pass
    assert count(administration) == 250


def test_a_batch_whose_commit_was_not_confirmed_is_not_imported_again(
    postgres: PostgresServer, postgres_url: str, clock: FakeClock
) -> None:
    with proxied(postgres, postgres_url) as (proxy, url):
        database = Database(url, connections=4, patience=timedelta(seconds=1.5))
        with closing(database), closing(SlowCommitter(database, clock)) as log:
            administration = open_administration(database, log, clock)
            administration.users.create("alice@example.com", Role.ADMINISTRATOR, None, OPERATOR)
            administration.tenants.create("dev01", REGION, OPERATOR)
            alice = administration.caller("alice@example.com")
            planned = administration.imports.stage(TABLE, alice)
            log.before_next = lambda: proxy.withhold_answer_to(b"COMMIT")

            with pytest.raises(AuditUnavailable):
                administration.imports.resume(planned.id, planned.version, alice, never)
            assert proxy.swallowed.is_set()
            done = administration.imports.resume(planned.id, planned.version, alice, never)

            assert (done.is_done, done.changed, count(administration)) == (True, 250, 250)
            assert len(administration.events("user.create")) == 1 + 250


@pytest.mark.parametrize(
    ("demoted", "refusal", "says"),
    [
        (["amir", "alice"], LastAdministrator, "no Administrator"),
        (["alice"], InvalidRequest, "Line 252 removes your own role Administrator"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_table_that_would_fail_later_is_refused_before_its_first_line(
    administration: Administration,
    alice: Caller,
    demoted: Sequence[str],
    refusal: type[PortalError],
    says: str,
) -> None:
    imports = administration.imports
    lines = "".join(f"{name}@example.com,,User\n" for name in demoted)
    planned = imports.stage(TABLE.replace("tenants", "tenants,role") + lines, alice)

    with pytest.raises(refusal, match=rf"{says}.* Nothing was imported"):
        imports.resume(planned.id, planned.version, alice, never)

    assert count(administration) == 0
    assert administration.users.find("amir@example.com").user.is_administrator


def test_an_import_job_is_private_to_its_administrator_and_expires(
    administration: Administration, alice: Caller, clock: FakeClock
) -> None:
    imports, amir = administration.imports, administration.caller("amir@example.com")
    hers = imports.stage(TABLE, alice)

    with pytest.raises(InvalidRequest, match="import has expired"):
        imports.resume(hers.id, hers.version, amir, never)
    clock.move(timedelta(hours=2))
    imports.stage(TABLE, amir)
    with pytest.raises(InvalidRequest, match="import has expired"):
        imports.resume(hers.id, hers.version, alice, never)


@pytest.mark.parametrize("has_one", [False, True])
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_of_two_concurrent_import_jobs_the_later_one_replaces_the_other(
    administration: Administration, alice: Caller, clock: FakeClock, *, has_one: bool
) -> None:
    imports, database = administration.imports, administration.database
    if has_one:
        imports.stage(TABLE, alice)
    kept: list[str] = []

    with database.writing() as connection:
        first = StoredJob(TABLE, [], taken=0, changed=0)
        ImportJobStore(connection).put(JobKey(alice.user.id, "first"), first, clock(), clock())
        later = start_blocked(lambda: kept.append(imports.stage(TABLE, alice).id), database)
    later.join()

    assert len(kept) == 1
    assert len(imports.review_again(kept[0], alice).lines) == 250
    with pytest.raises(InvalidRequest, match="import has expired"):
        imports.review_again("first", alice)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_import_job_expires_an_hour_after_its_last_progress(
    administration: Administration, alice: Caller, clock: FakeClock
) -> None:
    imports = administration.imports
    planned = imports.stage(TABLE, alice)
    for _ in range(2):
        clock.move(timedelta(minutes=45))
        imports.resume(planned.id, planned.version, alice, at_once)
    clock.move(timedelta(minutes=61))

    with pytest.raises(InvalidRequest, match="import has expired"):
        imports.resume(planned.id, planned.version, alice, never)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_import_that_elevates_needs_reauthentication_before_its_first_line(
    administration: Administration, clock: FakeClock
) -> None:
    by, imports = administration.caller("alice@example.com", TokenKind.BROWSER), administration.imports
    planned = imports.stage(TABLE, by)
    clock.move(timedelta(minutes=6))

    with pytest.raises(ReauthenticationRequired):
        imports.resume(planned.id, planned.version, by, never)
    assert count(administration) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_missing_reauthentication_is_recorded_once_and_not_for_each_line(
    administration: Administration, clock: FakeClock
) -> None:
    by, imports = administration.caller("alice@example.com", TokenKind.BROWSER), administration.imports
    planned = imports.stage(TABLE, by)
    first = imports.resume(planned.id, planned.version, by, at_once)
    clock.move(timedelta(minutes=6))

    with pytest.raises(ReauthenticationRequired):
        imports.resume(planned.id, planned.version, by, at_once)

    denied = [
        subject
        for action in ("user.import", "user.create")
        for _, subject, outcome, _ in administration.events(action)
        if outcome == "denied"
    ]
    assert len(denied) == 1
    assert count(administration) == first.taken


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_invalid_line_prevents_the_whole_import(administration: Administration, alice: Caller) -> None:
    planned = administration.imports.stage(f"{TABLE}x@example.com,nowhere\n", alice)

    assert [one.problem for one in planned.lines if one.problem] == ["There is no tenant “nowhere”."]
    with pytest.raises(InvalidRequest, match=r"Line 252: .* Nothing was imported"):
        administration.imports.resume(planned.id, planned.version, alice, never)
    assert count(administration) == 0
