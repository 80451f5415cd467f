"""The users that identity providers provision by SCIM (RFC 7644), and the tokens of the providers."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

scim_users = Table(
    "scim_users",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("provider", String(64), nullable=False),
    # The provider's own identifier, never one of the portal; NULL if it sent none.
    Column("external_id", String(255)),
    # As the provider spells it; users.username has the canonical form.
    Column("user_name", String(255), nullable=False),
    # The attributes that the portal only shows, as JSON.
    Column("attributes", Text, nullable=False),
    # Increases with each change by the provider; a part of the ETag.
    Column("version", Integer, nullable=False),
    # When the provider deactivated the user; equal to users.disabled_at if that is what disabled them.
    Column("deactivated_at", UtcDateTime),
    # When the provider deleted the user, who is disabled for good; NULL if it did not.
    Column("deleted_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_scim_users_provider", "provider", "created_at", "user_id"),
    Index("ix_scim_users_external_id", "provider", "external_id"),
)

scim_tokens = Table(
    "scim_tokens",
    metadata,
    # Tokens of identity providers. They have no user, so they are not in api_tokens, and no other table is
    # searched for them.
    Column("id", String(32), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("provider", String(64), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)
