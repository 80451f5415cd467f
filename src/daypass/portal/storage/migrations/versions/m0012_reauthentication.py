"""Which tokens are exempt from reauthentication, and when a command line was authorized."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "api_tokens",
        sa.Column("reauthentication_exempt", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("api_tokens", sa.Column("authorized_at", UtcDateTime(), nullable=True))
    tokens = sa.table(
        "api_tokens", sa.column("kind"), sa.column("user_id"), sa.column("reauthentication_exempt")
    )
    users = sa.table("users", sa.column("id"), sa.column("role"))
    # Automation that runs today goes on: these tokens made every change before there was a mark.
    administrators = sa.select(users.c.id).where(users.c.role == "Administrator")
    op.execute(
        tokens.update()
        .where(tokens.c.kind == "permanent", tokens.c.user_id.in_(administrators))
        .values(reauthentication_exempt=sa.true())
    )
