"""Indexes for sorting and searching the lists of Administrators."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_users_created_at": ("users", ["created_at", "id"]),
    "ix_users_role": ("users", ["role", "username"]),
    "ix_tenants_created_at": ("tenants", ["created_at", "id"]),
    "ix_tenants_role_arn": ("tenants", ["role_arn"]),
    "ix_api_tokens_expires_at": ("api_tokens", ["expires_at", "id"]),
    "ix_issuances_asked_at": ("issuances", ["asked_at", "id"]),
    "ix_audit_events_action_at": ("audit_events", ["action", "at"]),
}


def upgrade() -> None:
    """Apply the migration."""
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns, unique=False)
