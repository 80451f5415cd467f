"""Checks of the claims that an identity provider sends about a person."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0028"
down_revision = "0026"
oldest_compatible = "0021"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "claims_checks",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("findings", sa.Text),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims_checks")),
    )
