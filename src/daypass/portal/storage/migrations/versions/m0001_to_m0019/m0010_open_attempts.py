"""An index for issuances without an outcome."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the migration."""
    is_open = sa.text("state = 'requested'")
    op.create_index(
        "ix_issuances_requested",
        "issuances",
        ["asked_at"],
        unique=False,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
