"""Privileges in PostgreSQL of an application role that does not own the tables.

The application role can append to the audit log, but cannot change or delete events. SQLite has no roles.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from daypass.portal.config.variables import ConfigError
from daypass.portal.storage.schema import metadata
from daypass.portal.storage.schema.access import issuances
from daypass.portal.storage.schema.audit import audit_events
from daypass.portal.storage.schema.operation import schema_compatibility

_DEFAULT = ("SELECT", "INSERT", "UPDATE", "DELETE")
_ALLOWED = {
    audit_events.name: ("SELECT", "INSERT"),
    issuances.name: ("SELECT", "INSERT", "UPDATE"),
    "alembic_version": ("SELECT",),
    schema_compatibility.name: ("SELECT",),
}
"""The tables with fewer privileges than `_DEFAULT`."""

_REWRITES = ("UPDATE", "DELETE", "TRUNCATE")


def grant(connection: Connection, role: str) -> None:
    """Grant *role* exactly what the portal needs; raises `ConfigError` if grants cannot restrict the role."""
    _refuse_unconfined(connection, role)
    quote = connection.dialect.identifier_preparer.quote_identifier
    schema = str(connection.scalar(text("SELECT current_schema()")))
    name = quote(role)
    statements = [f"GRANT USAGE ON SCHEMA {quote(schema)} TO {name}"]
    for table in (*(each.name for each in metadata.sorted_tables), "alembic_version"):
        allowed = ", ".join(_ALLOWED.get(table, _DEFAULT))
        # An earlier version, or an operator, may have granted more.
        statements.append(f"REVOKE ALL ON {quote(table)} FROM {name}")
        statements.append(f"GRANT {allowed} ON {quote(table)} TO {name}")
    for statement in statements:
        connection.exec_driver_sql(statement)
    if remaining := rewriting_privileges(connection, role):
        raise ConfigError(
            f"The role {role} still has {', '.join(remaining)} on {audit_events.name}, granted to PUBLIC or "
            "to a role that it is a member of. Revoke that, then migrate again. Nothing was changed."
        )


def rewriting_privileges(connection: Connection, role: str | None = None) -> Sequence[str]:
    """Return the privileges that let *role*, or the current role, change or delete audit events."""
    owns = text(
        "SELECT pg_has_role(coalesce(:role, current_user), relowner, 'MEMBER') FROM pg_class"
        " WHERE oid = CAST(:table AS regclass)"
    )
    has_privilege = text("SELECT has_table_privilege(coalesce(:role, current_user), :table, :privilege)")
    parameters = {"role": role, "table": audit_events.name}
    privileges = [
        name for name in _REWRITES if connection.scalar(has_privilege, {**parameters, "privilege": name})
    ]
    return [*privileges, "ownership"] if connection.scalar(owns, parameters) else privileges


def _refuse_unconfined(connection: Connection, role: str) -> None:
    question = text("SELECT rolsuper FROM pg_roles WHERE rolname = :role")
    is_superuser = connection.scalar(question, {"role": role})
    if is_superuser is None:
        raise ConfigError(
            f"There is no database role {role}. Create it first, with CREATE ROLE {role} LOGIN."
        )
    # A member of the owner can do whatever the owner can, whatever is granted.
    owner = text(
        "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = CAST(:table AS regclass)"
        " AND pg_has_role(:role, relowner, 'MEMBER')"
    )
    owned_by = connection.scalar(owner, {"table": audit_events.name, "role": role})
    if is_superuser or owned_by:
        why = "is a superuser" if is_superuser else f"is {owned_by}, which owns the tables, or its member"
        raise ConfigError(
            f"The role {role} {why}, so no grant confines it. Use a separate role for the portal."
        )
