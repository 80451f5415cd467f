"""Migration of a database to this version's schema, and the check that it has that schema."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from daypass.portal.config.variables import ConfigError
from daypass.portal.storage.engine import Database
from daypass.portal.storage.privileges import grant
from daypass.portal.storage.timeouts import UNLIMITED

_FOLDER = "daypass.portal.storage:migrations"

# An arbitrary number that no other lock in the database uses.
_ADVISORY_LOCK = 0x44415950


class SchemaError(Exception):
    """The database does not have the schema that this version needs; the message says what to do."""


def migrate(database: Database, application_role: str | None = None) -> None:
    """Apply the missing migrations in one transaction; safe to run in several processes at once.

    If *application_role* is given, grant it the privileges that the portal needs. Raises `SchemaError` for a
    database of a newer version, and `ConfigError` if grants cannot restrict the role.
    """
    if application_role is not None and database.is_sqlite:
        raise ConfigError("SQLite has no roles; --application-role is for PostgreSQL.")
    # Without a time limit, because a migration of large tables can take long.
    with database.writing(UNLIMITED) as connection:
        # On SQLite the writing transaction itself excludes other processes.
        if not database.is_sqlite:
            # Another process waits here until the first has migrated, however long that takes.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        scripts = _scripts()
        current = MigrationContext.configure(connection).get_current_revision()
        _refuse_newer(current, scripts)
        if current != scripts.get_current_head():
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        if application_role is not None:
            grant(connection, application_role)


def check(database: Database) -> None:
    """Raise `SchemaError` unless the database has this version's schema."""
    with database.reading() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    scripts = _scripts()
    _refuse_newer(current, scripts)
    if current != scripts.get_current_head():
        state = "is empty" if current is None else "is from an older version"
        raise SchemaError(f"The database {state}. Run `daypass portal migrate`, then start again.")


def _refuse_newer(current: str | None, scripts: ScriptDirectory) -> None:
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaError(
            "The database was migrated by a newer version of Daypass. Install that version, or use a backup."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _FOLDER)
    # Without it Alembic warns that it uses the separator of earlier versions.
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
