"""Permission sets, the set of a membership and of an issuance."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0022"
down_revision = "0021"
oldest_compatible = "0021"


def upgrade() -> None:
    """Create the table, add the columns, and accept NULL in `is_read_only`, for custom sets."""
    op.create_table(
        "permission_sets",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("policies", sa.Text, nullable=False),
        sa.Column("denies", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_memberships()
    else:
        op.alter_column("memberships", "is_read_only", nullable=True)
        key = sa.ForeignKey("permission_sets.id", name=op.f("fk_memberships_permission_set_id"))
        op.add_column("memberships", sa.Column("permission_set_id", sa.String(32), key))
    op.create_index("ix_memberships_permission_set_id", "memberships", ["permission_set_id"])
    op.add_column("issuances", sa.Column("permission_set", sa.String(64)))


def _rebuild_memberships() -> None:
    """Replace the table by one with the new columns: SQLite can neither drop NOT NULL nor add a constraint.

    No table refers to memberships, and statements that other processes have prepared are prepared again.
    """
    op.create_table(
        "memberships_new",
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("tenant_id", sa.String(36), nullable=False),
        sa.Column("is_read_only", sa.Boolean),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("permission_set_id", sa.String(32)),
        sa.PrimaryKeyConstraint("user_id", "tenant_id", name=op.f("pk_memberships")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_memberships_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_memberships_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["permission_set_id"], ["permission_sets.id"], name=op.f("fk_memberships_permission_set_id")
        ),
    )
    op.execute(
        "INSERT INTO memberships_new (user_id, tenant_id, is_read_only, created_at) "
        "SELECT user_id, tenant_id, is_read_only, created_at FROM memberships"
    )
    op.drop_table("memberships")
    op.rename_table("memberships_new", "memberships")
    op.create_index("ix_memberships_tenant_id", "memberships", ["tenant_id"])
