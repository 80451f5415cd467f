"""Browser sign-in, and tokens that have a parent token."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the migration."""
    for column in (
        sa.Column("parent_id", sa.String(length=32), nullable=True),
        sa.Column("application", sa.String(length=64), server_default="", nullable=False),
        sa.Column("allows_admin", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("use_by", UtcDateTime(), nullable=True),
        sa.Column("address", sa.String(length=64), server_default="", nullable=False),
    ):
        op.add_column("api_tokens", column)
    op.create_index(op.f("ix_api_tokens_parent_id"), "api_tokens", ["parent_id"], unique=False)
    op.create_table(
        "devices",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_devices_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_user_id"), "devices", ["user_id"], unique=False)
    op.create_table(
        "guesses",
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("spent", sa.Integer(), nullable=False),
        sa.Column("resets_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_guesses")),
    )
    op.create_index(op.f("ix_guesses_resets_at"), "guesses", ["resets_at"], unique=False)
