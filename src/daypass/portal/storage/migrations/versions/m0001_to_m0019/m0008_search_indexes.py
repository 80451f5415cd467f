"""Indexes for sorting and searching lists and for revoked tokens, and the table of staged imports."""

from contextlib import suppress

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

from daypass.portal.storage.columns import UtcDateTime, epoch_in

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TRIGRAMS = {
    "ix_users_username_trigrams": ("users", "username"),
    "ix_tenants_name_trigrams": ("tenants", "name"),
}


def upgrade() -> None:
    """Apply the migration."""
    # Users who never signed in need a place in the sort order; schema/identity.py has the same expression.
    epoch = epoch_in(op.get_bind().dialect.name)
    last_sign_in = sa.text(f"coalesce(last_sign_in_at, {epoch})")
    op.create_index("ix_users_last_sign_in", "users", [last_sign_in, "id"], unique=False)
    is_disabled = sa.text("disabled_at IS NOT NULL")
    op.create_index(
        "ix_users_disabled",
        "users",
        ["username"],
        unique=False,
        sqlite_where=is_disabled,
        postgresql_where=is_disabled,
    )
    op.create_index("ix_api_tokens_revoked_at", "api_tokens", ["revoked_at"], unique=False)
    op.create_table(
        "staged_imports",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("staged_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_staged_imports_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_staged_imports")),
    )
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        # Without the permission to install pg_trgm, substring searches scan the whole column.
        with suppress(DBAPIError), connection.begin_nested():
            _find_by_trigrams(connection)


def _find_by_trigrams(connection: sa.Connection) -> None:
    connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    # The extension may already exist, in a schema that is not on the search path.
    schema = connection.scalar(
        sa.text("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm'")
    )
    for name, (table, column) in _TRIGRAMS.items():
        op.create_index(
            name,
            table,
            [column],
            unique=False,
            postgresql_using="gin",
            postgresql_ops={column: f"{schema}.gin_trgm_ops"},
        )
