"""Each migration keeps earlier releases working, or declares from which revision on releases work with it.

The rule begins with the migration 0021, which introduced the record of the oldest compatible revision.
"""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from alembic.script import Script
from sqlalchemy import text

from daypass.portal.storage.engine import Database
from tests.portal.storage.additions import contractions, shape_of
from tests.portal.storage.migrations import migrate_to, scripts

_FIRST = "0021"

_ALL = [script.revision for script in reversed(list(scripts().walk_revisions()))]


def _script(revision: str) -> Script:
    found = scripts().get_revision(revision)
    assert found is not None
    return found


def _declared(revision: str) -> str:
    oldest: str = _script(revision).module.oldest_compatible
    return oldest


_DECLARING = _ALL[_ALL.index(_FIRST) :]


def test_migrations_form_one_sequence() -> None:
    # A release that knows a revision therefore has that revision or a later one as its head.
    assert [_script(revision).down_revision for revision in _ALL] == [None, *_ALL[:-1]]


@pytest.mark.parametrize("revision", _DECLARING)
def test_a_migration_declares_the_oldest_compatible_revision(revision: str) -> None:
    position = _ALL.index(_declared(revision))

    assert position <= _ALL.index(revision), "No release before this migration could use the database."
    if revision != _FIRST:
        previous = _declared(_ALL[_ALL.index(revision) - 1])
        assert position >= _ALL.index(previous), "What an earlier migration removed does not come back."


def _raises_oldest(previous: str, revision: str) -> bool:
    return revision in _DECLARING[1:] and _declared(revision) != _declared(previous)


def test_a_migration_only_adds_unless_it_raises_the_oldest_compatible_revision(empty: Database) -> None:
    # Migrations before the rule add only, too.
    migrate_to(empty, _ALL[0])
    for previous, revision in pairwise(_ALL):
        with empty.reading() as connection:
            before = shape_of(connection)
        migrate_to(empty, revision)
        with empty.reading() as connection:
            found = contractions(before, shape_of(connection))

        if not _raises_oldest(previous, revision):
            assert found == [], f"{revision} must raise oldest_compatible: earlier releases would fail."


_CHANGES: Sequence[tuple[str, Sequence[str]]] = (
    ("ALTER TABLE users ADD COLUMN x text", []),
    ("ALTER TABLE users ADD COLUMN x text NOT NULL DEFAULT ''", []),
    ("ALTER TABLE users ADD COLUMN x integer UNIQUE", []),
    ("ALTER TABLE users ADD COLUMN x varchar(36) REFERENCES tenants (id) ON DELETE SET NULL", []),
    ("ALTER TABLE users ALTER COLUMN created_at DROP NOT NULL", []),
    ("CREATE INDEX ON users (password_hash)", []),
    ("CREATE TABLE t (id integer PRIMARY KEY, u varchar(32) REFERENCES users (id) ON DELETE CASCADE)", []),
    (
        "CREATE TABLE t (id integer PRIMARY KEY, u varchar(32) REFERENCES users (id))",
        ["A row of users cannot be deleted while t refers to it."],
    ),
    (
        "ALTER TABLE users ADD COLUMN x text NOT NULL",
        ["The new column users.x is NOT NULL and has no server default."],
    ),
    (
        "ALTER TABLE users ADD COLUMN x integer DEFAULT 1 UNIQUE",
        ["There is a new unique constraint on users."],
    ),
    (
        "ALTER TABLE api_tokens ADD FOREIGN KEY (parent_id) REFERENCES api_tokens (id) ON DELETE CASCADE",
        ["There is a new foreign key from api_tokens."],
    ),
    ("ALTER TABLE users DROP COLUMN kind", ["The column users.kind is gone."]),
    ("ALTER TABLE users RENAME COLUMN kind TO sort", ["The column users.kind is gone."]),
    ("DROP TABLE devices", ["The table devices is gone."]),
    ("ALTER TABLE devices RENAME TO browsers", ["The table devices is gone."]),
    (
        "ALTER TABLE users ALTER COLUMN kind SET NOT NULL",
        ["The column users.kind does not accept NULL any more."],
    ),
    (
        "ALTER TABLE users ALTER COLUMN kind TYPE varchar(8)",
        ["The column users.kind changes its type from VARCHAR(16) to VARCHAR(8)."],
    ),
    (
        "ALTER TABLE api_tokens ALTER COLUMN application DROP DEFAULT",
        ["The column api_tokens.application has no server default any more."],
    ),
    ("CREATE UNIQUE INDEX ON tenants (lower(role_arn))", ["There is a new unique constraint on tenants."]),
    (
        "ALTER TABLE devices DROP CONSTRAINT pk_devices, ADD PRIMARY KEY (digest, user_id)",
        ["The primary key of devices changes."],
    ),
    (
        "ALTER TABLE tenants DROP CONSTRAINT uq_tenants_name",
        ["A unique constraint on tenants is gone, which ON CONFLICT may name."],
    ),
    ("ALTER TABLE users ADD CHECK (kind <> '')", ["There is a new check constraint on users."]),
    ("ALTER TABLE devices DROP CONSTRAINT pk_devices", ["The primary key of devices changes."]),
)


@pytest.mark.parametrize(("change", "expected"), _CHANGES, ids=[change for change, _ in _CHANGES])
def test_changes_that_fail_earlier_releases_are_found(
    change: str, expected: Sequence[str], postgres_url: str
) -> None:
    database = Database(postgres_url, connections=1)
    with database.writing() as connection:
        before = shape_of(connection)
        connection.execute(text(change))
        found = contractions(before, shape_of(connection))
        # The next test gets the same database.
        connection.rollback()
    database.close()

    assert found == expected
