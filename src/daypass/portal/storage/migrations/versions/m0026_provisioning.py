"""Users that identity providers provision by SCIM, and the tokens of the providers."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0026"
down_revision = "0025"
# An earlier release refuses disabled users as this one does, and serves no provisioning.
oldest_compatible = "0021"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "scim_users",
        sa.Column(
            "user_id",
            sa.String(32),
            sa.ForeignKey("users.id", name=op.f("fk_scim_users_user_id"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("external_id", sa.String(255)),
        sa.Column("user_name", sa.String(255), nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("deactivated_at", UtcDateTime),
        sa.Column("deleted_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_scim_users")),
    )
    op.create_index("ix_scim_users_provider", "scim_users", ["provider", "created_at", "user_id"])
    op.create_index("ix_scim_users_external_id", "scim_users", ["provider", "external_id"])
    op.create_table(
        "scim_tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
        sa.Column("last_used_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_scim_tokens_digest")),
    )
    op.create_index("ix_scim_tokens_provider", "scim_tokens", ["provider"])
