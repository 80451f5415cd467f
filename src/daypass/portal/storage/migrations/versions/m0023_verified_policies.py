"""The policies of the fence that were found in an account with the contents of a release."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
oldest_compatible = "0021"


def upgrade() -> None:
    """Create the table; `daypass portal fence verify` writes its rows."""
    op.create_table(
        "verified_policies",
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("policy_name", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "policy_name"),
    )
