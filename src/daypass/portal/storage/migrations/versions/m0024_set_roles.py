"""Permission sets with a role of their own, and the latest check of each such role."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0024"
down_revision = "0023"
# An earlier release refuses a session with such a set: it has neither policies nor Deny statements.
oldest_compatible = "0021"


def upgrade() -> None:
    """Add the columns."""
    has_own_role = sa.Column("has_own_role", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("permission_sets", has_own_role)
    op.add_column("role_facts", sa.Column("checked_at", UtcDateTime))
    op.add_column("role_facts", sa.Column("problem", sa.Text))
    op.add_column("role_facts", sa.Column("checked_for", sa.String(64)))
