"""Groups of users, their members, and the memberships of tenants that they give."""

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
    UniqueConstraint,
    false,
)

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

groups = Table(
    "groups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(255), nullable=False),
    # The source of its members: "local", "claim" or "scim".
    Column("source", String(16), nullable=False),
    # The identity provider of the source; "" for a local group.
    Column("provider", String(64), nullable=False, server_default=""),
    # The value of the claim that names the group, or SCIM's externalId; NULL if there is none.
    Column("external_id", String(255)),
    Column("description", Text, nullable=False, server_default=""),
    Column("makes_administrators", Boolean, nullable=False, server_default=false()),
    # Increases with each change; SCIM's ETag.
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # When a sign-in last had the claim's value; NULL for never, and for other sources.
    Column("last_matched_at", UtcDateTime),
    UniqueConstraint("provider", "name"),
    Index("ix_groups_external_id", "provider", "external_id"),
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("added_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("group_id", "user_id"),
)

group_memberships = Table(
    "group_memberships",
    metadata,
    # The tenants whose members all users of the group are.
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), nullable=False),
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, index=True),
    # As in memberships.
    Column("is_read_only", Boolean),
    Column("permission_set_id", ForeignKey("permission_sets.id", ondelete="CASCADE"), index=True),
    # The time from which it gives no access; NULL for no end.
    Column("ends_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("group_id", "tenant_id"),
)
