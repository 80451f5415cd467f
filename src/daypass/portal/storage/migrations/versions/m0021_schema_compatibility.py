"""The record of the releases that work with the schema."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
# Releases before this one refuse every newer schema, so none of them is compatible.
oldest_compatible = "0021"


def upgrade() -> None:
    """Create the table; `migrate` writes its only row, in the same transaction."""
    op.create_table(
        "schema_compatibility",
        sa.Column("oldest_compatible", sa.String(32), primary_key=True),
        sa.Column("migrated_by", sa.String(64), nullable=False),
    )
