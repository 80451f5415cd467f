"""The scopes of tokens and authorization requests; the flags for administration stay for this release."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the columns; NULL in an existing row means that its flag is read."""
    op.add_column("api_tokens", sa.Column("scopes", sa.Text))
    op.add_column("oauth_requests", sa.Column("scopes", sa.Text))
