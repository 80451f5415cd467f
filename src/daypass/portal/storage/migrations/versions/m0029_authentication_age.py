"""The age of an authentication, which requests of applications demand and their tokens carry."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0029"
down_revision = "0028"
# An earlier release issues tokens without the time, which counts as too old where it is demanded.
oldest_compatible = "0021"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("oauth_requests", sa.Column("max_age", sa.Integer))
    op.add_column("oauth_requests", sa.Column("authenticated_at", UtcDateTime))
