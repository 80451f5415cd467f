"""What a staged import was seen to do, some lines at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    # A table that is kept already was seen to do nothing in particular: it is looked at once more.
    op.add_column("staged_imports", sa.Column("seen", sa.Text(), server_default="", nullable=False))
