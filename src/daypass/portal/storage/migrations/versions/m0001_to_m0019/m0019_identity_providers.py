"""The kind of a user, and the identity provider behind a browser session."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the columns; NULL is what a process of an earlier release inserts."""
    op.add_column("users", sa.Column("kind", sa.String(16)))
    op.add_column("api_tokens", sa.Column("provider", sa.String(64)))
    op.add_column("api_tokens", sa.Column("authenticated_at", UtcDateTime))
