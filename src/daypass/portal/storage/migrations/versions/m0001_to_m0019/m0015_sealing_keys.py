"""Keys shared by all replicas, for sealed data that is not stored."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0015"
down_revision = "0012"


def upgrade() -> None:
    """Create the table of keys; the first process that needs a key creates it."""
    op.create_table(
        "sealing_keys",
        sa.Column("purpose", sa.String(32), primary_key=True),
        sa.Column("key", sa.LargeBinary(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
