"""The exemption of tokens from reauthentication, and the time at which a command line was authorized."""

import sqlalchemy as sa
from alembic import op

from daypass.portal.storage.columns import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the migration."""
    op.add_column(
        "api_tokens",
        sa.Column("reauthentication_exempt", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("api_tokens", sa.Column("authorized_at", UtcDateTime(), nullable=True))
    tokens = sa.table(
        "api_tokens", sa.column("kind"), sa.column("user_id"), sa.column("reauthentication_exempt")
    )
    users = sa.table("users", sa.column("id"), sa.column("role"))
    # Existing automation must keep working: these tokens never needed reauthentication before this version.
    administrators = sa.select(users.c.id).where(users.c.role == "Administrator")
    op.execute(
        tokens.update()
        .where(tokens.c.kind == "permanent", tokens.c.user_id.in_(administrators))
        .values(reauthentication_exempt=sa.true())
    )
