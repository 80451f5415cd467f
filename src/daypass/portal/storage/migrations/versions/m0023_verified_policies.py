"""The policies of the fence that were found in an account, and the limits of roles to some services."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
oldest_compatible = "0021"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "verified_policies",
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("policy_name", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "policy_name"),
    )
    op.create_table(
        "role_services",
        sa.Column("role_arn", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.String(36), nullable=False),
        sa.Column("services", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
