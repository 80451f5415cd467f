"""Settings, and imports between their preview and their completion."""

from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table, Text

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

settings = Table(
    "settings",
    metadata,
    # The id of a tenant, or "" for system settings.
    Column("tenant_id", String(36), nullable=False),
    Column("type", String(64), nullable=False),
    Column("key", String(128), nullable=False),
    Column("value", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(32), nullable=False),
    PrimaryKeyConstraint("tenant_id", "type", "key"),
)

staged_imports = Table(
    "staged_imports",
    metadata,
    # An uploaded user import between preview and completion; the latest one of each Administrator.
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String(32), nullable=False),
    Column("content", Text, nullable=False),
    # The version of the previewed changes, for each batch of lines.
    Column("seen", Text, nullable=False, server_default=""),
    # The number of lines applied, and the number of those that changed anything.
    Column("taken", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("staged_at", UtcDateTime, nullable=False),
)
