"""The previewed changes of a staged import, for each batch of lines."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the migration."""
    # An import that is staged already gets an empty preview, so it is previewed again.
    op.add_column("staged_imports", sa.Column("seen", sa.Text(), server_default="", nullable=False))
