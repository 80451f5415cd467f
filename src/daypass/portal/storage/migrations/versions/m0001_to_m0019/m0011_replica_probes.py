"""The table of the readiness probe, with one row per replica."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "replica_probes",
        sa.Column("replica_id", sa.String(length=32), nullable=False),
        sa.Column("probed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("replica_id", name=op.f("pk_replica_probes")),
    )
