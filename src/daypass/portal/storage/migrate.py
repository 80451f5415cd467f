"""Migration of a database to this version's schema, and the check that this version works with its schema."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from time import monotonic, sleep

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, inspect, select, text

from daypass import __version__
from daypass.portal.config.variables import ConfigError
from daypass.portal.storage.engine import Database, StorageConflict, StorageLocked
from daypass.portal.storage.privileges import grant
from daypass.portal.storage.schema.operation import schema_compatibility
from daypass.portal.storage.timeouts import UNLIMITED

_FOLDER = "daypass.portal.storage:migrations"

# An arbitrary number that no other lock in the database uses.
_ADVISORY_LOCK = 0x44415950

_LOCK_TIMEOUT = "1s"
"""The time that a migration waits for the lock on a table. All requests for that table wait behind it."""

_PAUSE = 1.0
"""Seconds between two attempts, in which these requests are served."""

_PATIENCE = timedelta(minutes=10)
"""The time for which a migration is attempted; an export or a verification of the audit log takes less."""


class SchemaError(Exception):
    """The schema of the database can be neither used nor migrated; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class NewerSchema:
    """A schema that a newer version made, and with which this version works."""

    revision: str
    migrated_by: str
    """The version of Daypass that migrated the database."""


# Alembic keeps the environment of the running migration in a module, so two threads cannot each have one.
_ALEMBIC_LOCK = Lock()


def _ignore() -> None:
    pass


def migrate(
    database: Database,
    application_role: str | None = None,
    on_locked: Callable[[], None] = _ignore,
    patience: timedelta = _PATIENCE,
) -> NewerSchema | None:
    """Apply the missing migrations in one transaction; safe to run in several processes at once.

    If *application_role* is given, grant it the privileges that the portal needs. Changes nothing and returns
    the schema if a newer version made it and this version works with it. Raises `SchemaError` for any other
    schema of a newer version, and `ConfigError` if grants cannot restrict the role.

    While another transaction uses a table that changes, the migration is rolled back and attempted again, so
    that portals go on serving. *on_locked* is called each time. Raises `SchemaError` after *patience*.
    """
    if application_role is not None and database.is_sqlite:
        raise ConfigError("SQLite has no roles; --application-role is for PostgreSQL.")
    give_up = monotonic() + patience.total_seconds()
    while True:
        try:
            return _migrate_once(database, application_role)
        except (StorageLocked, StorageConflict) as error:
            if monotonic() > give_up:
                raise SchemaError(
                    f"The migration was given up after {patience // timedelta(minutes=1)} minutes, because "
                    "other transactions kept using the tables that it changes. Nothing was changed. The view "
                    "pg_stat_activity shows these transactions: end them, then migrate again."
                ) from error
        on_locked()
        sleep(_PAUSE)


def _migrate_once(database: Database, application_role: str | None) -> NewerSchema | None:
    # Without a time limit, because a migration of large tables can take long.
    with database.writing(UNLIMITED) as connection:
        # On SQLite the writing transaction itself excludes other processes.
        if not database.is_sqlite:
            # Another process waits here until the first has migrated, however long that takes.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        scripts = _scripts()
        current = MigrationContext.configure(connection).get_current_revision()
        newer = _newer_schema(connection, current, scripts)
        if newer is not None:
            # The newer version may have granted privileges that this version does not know.
            return newer
        if current != scripts.get_current_head():
            config = _config()
            config.attributes["connection"] = connection
            with _ALEMBIC_LOCK:
                command.upgrade(config, "head")
            _record_compatibility(connection, scripts)
        if application_role is not None:
            grant(connection, application_role)
    return None


def check(database: Database) -> NewerSchema | None:
    """Raise `SchemaError` unless this version works with the schema of the database.

    Returns the schema if a newer version made it, and None if it is this version's.
    """
    scripts = _scripts()
    with database.reading() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        newer = _newer_schema(connection, current, scripts)
    if newer is None and current != scripts.get_current_head():
        state = "is empty" if current is None else "is from an older version"
        raise SchemaError(f"The database {state}. Run `daypass portal migrate`, then start again.")
    return newer


def _newer_schema(
    connection: Connection, current: str | None, scripts: ScriptDirectory
) -> NewerSchema | None:
    """Return the schema if a newer version made it; raise `SchemaError` if this version is incompatible."""
    known = {script.revision for script in scripts.walk_revisions()}
    if current is None or current in known:
        return None
    record = _read_compatibility(connection)
    if record is None:
        # Releases before the record work only with the schema that they made themselves.
        raise SchemaError(
            "The database was migrated by a newer version of Daypass, and has no record of the versions that "
            "work with its schema. Install that version, or use a backup."
        )
    oldest_compatible, migrated_by = record
    # Each revision has one predecessor, so a release that knows a revision has it or a later one as its head.
    if oldest_compatible in known:
        return NewerSchema(current, migrated_by)
    raise SchemaError(
        f"The database was migrated by a newer version of Daypass, {migrated_by}, to the schema {current}. "
        f"That works with versions whose schema is {oldest_compatible} or later; this version, "
        f"{__version__}, has {scripts.get_current_head()}. Install Daypass {migrated_by}, or use a backup."
    )


def _read_compatibility(connection: Connection) -> tuple[str, str] | None:
    """Return the oldest compatible revision, and the version that migrated; None without a record."""
    if not inspect(connection).has_table(schema_compatibility.name):
        return None
    columns = (schema_compatibility.c.oldest_compatible, schema_compatibility.c.migrated_by)
    row = connection.execute(select(*columns)).one_or_none()
    return None if row is None else (row.oldest_compatible, row.migrated_by)


def _record_compatibility(connection: Connection, scripts: ScriptDirectory) -> None:
    head = scripts.get_revision("head")
    assert head is not None, "there are migrations"  # noqa: S101  for mypy
    row = {"oldest_compatible": head.module.oldest_compatible, "migrated_by": __version__}
    connection.execute(delete(schema_compatibility))
    connection.execute(insert(schema_compatibility).values(row))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _FOLDER)
    # Without it Alembic warns that it uses the separator of earlier versions.
    config.set_main_option("path_separator", "os")
    # The older migrations are in a folder below.
    config.set_main_option("recursive_version_locations", "true")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
