"""Which schemas of newer versions this version works with."""

import pytest
from sqlalchemy import delete, select, text

from daypass import __version__
from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import NewerSchema, SchemaError, check, migrate
from daypass.portal.storage.schema.operation import schema_compatibility
from tests.portal.storage.migrations import migrate_to, pretend_newer, schema_and_rows, scripts

HEAD = str(scripts().get_current_head())


@pytest.mark.parametrize("oldest_compatible", [HEAD, "0018"])
def test_a_newer_schema_that_works_with_this_version_is_used_and_not_changed(
    database: Database, oldest_compatible: str
) -> None:
    pretend_newer(database, oldest_compatible)
    before = schema_and_rows(database)

    assert check(database) == NewerSchema("9999", "9.0.0")
    assert migrate(database) == NewerSchema("9999", "9.0.0")

    assert schema_and_rows(database) == before


def test_a_newer_schema_that_needs_a_later_version_is_neither_used_nor_migrated(database: Database) -> None:
    pretend_newer(database, oldest_compatible="9998")

    for use in (check, migrate):
        with pytest.raises(SchemaError) as refused:
            use(database)
        assert str(refused.value) == (
            "The database was migrated by a newer version of Daypass, 9.0.0, to the schema 9999. That works "
            f"with versions whose schema is 9998 or later; this version, {__version__}, has {HEAD}. "
            "Install Daypass 9.0.0, or use a backup."
        )


@pytest.mark.parametrize("lost", ["row", "table"])
def test_an_unknown_schema_without_a_record_is_refused(database: Database, lost: str) -> None:
    pretend_newer(database, oldest_compatible=HEAD)
    with database.writing() as connection:
        if lost == "row":
            connection.execute(delete(schema_compatibility))
        else:
            connection.execute(text("DROP TABLE schema_compatibility"))

    for use in (check, migrate):
        with pytest.raises(SchemaError, match=r"no record of the versions .* Install that version"):
            use(database)


def test_a_database_of_an_earlier_version_gets_the_record_with_its_migration(empty: Database) -> None:
    migrate_to(empty, "0020")
    with pytest.raises(SchemaError, match="older version"):
        check(empty)

    migrate(empty)

    with empty.reading() as connection:
        record = connection.execute(select(schema_compatibility)).all()
    head = scripts().get_revision("head")
    assert head is not None
    assert [tuple(row) for row in record] == [(head.module.oldest_compatible, __version__)]
    assert check(empty) is None


def test_privileges_on_a_newer_schema_are_not_changed(postgres_url: str) -> None:
    database = Database(postgres_url, connections=1)
    pretend_newer(database, oldest_compatible=HEAD)

    # A role that does not exist, so that any grant would fail.
    assert migrate(database, application_role="no_such_role") == NewerSchema("9999", "9.0.0")

    database.close()
