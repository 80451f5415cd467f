"""The workload rule of a session, and whether its limit decided the duration."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
# An earlier release leaves the columns NULL, and shows sessions without the rule.
oldest_compatible = "0021"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("issuances", sa.Column("workload_rule", sa.String(64)))
    op.add_column("issuances", sa.Column("is_limited_by_rule", sa.Boolean))
