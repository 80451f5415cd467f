"""The progress and result of the audit log's verification, shared by all replicas."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0018"
down_revision = "0015"


def upgrade() -> None:
    """Create the table; the first verification adds its row."""
    op.create_table(
        "audit_verifications",
        sa.Column("subject", sa.String(16), primary_key=True),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("began_at", UtcDateTime, nullable=False),
        sa.Column("renewed_at", UtcDateTime, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("problems", sa.Text),
        sa.Column("refusal", sa.Text, nullable=False),
    )
