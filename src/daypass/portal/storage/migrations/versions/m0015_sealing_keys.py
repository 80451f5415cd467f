"""A key that all replicas share, for what is sealed and not stored."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0015"
down_revision = "0012"


def upgrade() -> None:
    """Add the table of keys; the first portal that needs one makes it."""
    op.create_table(
        "sealing_keys",
        sa.Column("purpose", sa.String(32), primary_key=True),
        sa.Column("key", sa.LargeBinary(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
