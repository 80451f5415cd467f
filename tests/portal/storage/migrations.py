"""Migration of a database step by step, and the comparison of databases."""

import warnings

from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, insert, inspect, text

from daypass.portal.storage.engine import Database
from daypass.portal.storage.migrate import _config
from daypass.portal.storage.schema.operation import schema_compatibility


def scripts() -> ScriptDirectory:
    """Return the migrations of this version."""
    return ScriptDirectory.from_config(_config())


def migrate_to(database: Database, revision: str) -> None:
    """Migrate the database to an earlier revision."""
    with database.writing() as connection:
        # As in `migrate`, this read opens the transaction, which Alembic then leaves open.
        MigrationContext.configure(connection).get_current_revision()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def pretend_newer(database: Database, oldest_compatible: str) -> None:
    """Leave the revision and the record that version 9.0.0 leaves, with which *oldest_compatible* works."""
    record = {"oldest_compatible": oldest_compatible, "migrated_by": "9.0.0"}
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(delete(schema_compatibility))
        connection.execute(insert(schema_compatibility).values(record))


def schema_and_rows(database: Database) -> dict[str, object]:
    """Return each table's columns, indexes and rows."""
    with database.reading() as connection, warnings.catch_warnings():
        # SQLite cannot reflect indexes on expressions.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression")
        inspector = inspect(connection)
        return {
            table: (
                [
                    (column["name"], str(column["type"]), column["nullable"])
                    for column in inspector.get_columns(table)
                ],
                sorted(
                    (str(index["name"]), str(index["column_names"]), index["unique"])
                    for index in inspector.get_indexes(table)
                ),
                sorted(map(repr, connection.execute(text(f"SELECT * FROM {table}")))),  # noqa: S608  a table of the catalogue
            )
            for table in inspector.get_table_names()
        }
