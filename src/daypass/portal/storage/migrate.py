"""Bring a database to the schema this version knows, and refuse to run on any other."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from daypass.portal.config import ConfigError
from daypass.portal.storage.engine import Database
from daypass.portal.storage.privileges import grant
from daypass.portal.storage.timeouts import UNLIMITED

_FOLDER = "daypass.portal.storage:migrations"

# Any number serves, as long as nobody else in that database locks by it.
_ADVISORY_LOCK = 0x44415950


class SchemaError(Exception):
    """The database does not have the schema that this version needs; the message says what to do."""


def migrate(database: Database, application_role: str | None = None) -> None:
    """Apply what is missing, all or nothing; safe when several processes do it at once.

    Give *application_role* what serving needs, if there is one; `ConfigError` if that does not confine it.
    """
    if application_role is not None and database.is_sqlite:
        raise ConfigError("SQLite has no roles; --application-role is for PostgreSQL.")
    # A step may take as long as the size of its tables demands.
    with database.writing(UNLIMITED) as connection:
        # SQLite's writing transaction is a lock already.
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        known = _known()
        current = MigrationContext.configure(connection).get_current_revision()
        _refuse_newer(current, known)
        if current != known.get_current_head():
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        if application_role is not None:
            grant(connection, application_role)


def check(database: Database) -> None:
    """Return when the schema is the one this version knows; else raise `SchemaError`."""
    with database.reading() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    known = _known()
    _refuse_newer(current, known)
    if current != known.get_current_head():
        state = "is empty" if current is None else "is from an older version"
        raise SchemaError(f"The database {state}. Run `daypass portal migrate`, then start again.")


def _refuse_newer(current: str | None, known: ScriptDirectory) -> None:
    if current is not None and current not in {script.revision for script in known.walk_revisions()}:
        raise SchemaError(
            "The database was migrated by a newer version of Daypass. Install that version, or use a backup."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _FOLDER)
    config.set_main_option("path_separator", "os")
    return config


def _known() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
