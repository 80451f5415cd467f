"""Tenants, permission sets, and the memberships of users."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
)

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

tenants = Table(
    "tenants",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("region", String(32), nullable=False),
    Column("role_arn", Text, nullable=False),
    Column("external_id", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_tenants_created_at", "created_at", "id"),
    Index("ix_tenants_role_arn", "role_arn"),
)

tenant_metadata = Table(
    "tenant_metadata",
    metadata,
    # Key-value pairs that Administrators attach to a tenant; the portal itself does not use them.
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(32), nullable=False),
    PrimaryKeyConstraint("tenant_id", "key"),
)

permission_sets = Table(
    "permission_sets",
    metadata,
    # Custom sets; the built-in ones have no rows.
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("policies", Text, nullable=False),
    Column("denies", Text, nullable=False),
    Column("has_own_role", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, index=True),
    # NULL for a custom permission set. Otherwise it decides: an earlier release changes this column only.
    Column("is_read_only", Boolean),
    Column("created_at", UtcDateTime, nullable=False),
    Column("permission_set_id", ForeignKey("permission_sets.id"), index=True),
    PrimaryKeyConstraint("user_id", "tenant_id"),
)
