"""Rules that give workloads a portal token for the ID token of their issuer (RFC 8693)."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table, Text, false

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

workload_rules = Table(
    "workload_rules",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    # The kind of issuer, such as "github", whose form and checks apply.
    Column("kind", String(32), nullable=False),
    Column("issuer", String(512), nullable=False, index=True),
    Column("audience", String(512), nullable=False),
    # A JSON object: the demanded value of each claim.
    Column("claims", Text, nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    # In seconds.
    Column("token_lifetime", Integer, nullable=False),
    Column("session_limit", Integer, nullable=False),
    # A JSON object: the session tag for each claim that becomes one.
    Column("tags", Text, nullable=False),
    # A JSON Web Key Set of a private issuer; NULL if its keys are found by discovery.
    Column("jwks", Text),
    Column("is_disabled", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(32), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

workload_rule_tenants = Table(
    "workload_rule_tenants",
    metadata,
    # The tenants that a rule's tokens reach, each with the highest permission set.
    Column("rule_id", ForeignKey("workload_rules.id", ondelete="CASCADE"), nullable=False),
    Column("tenant_id", ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, index=True),
    # As in memberships.
    Column("is_read_only", Boolean),
    Column("permission_set_id", ForeignKey("permission_sets.id", ondelete="CASCADE"), index=True),
    PrimaryKeyConstraint("rule_id", "tenant_id"),
)

workload_tokens = Table(
    "workload_tokens",
    metadata,
    # The rule by which a token was issued, and the claims that it was issued for.
    Column("token_id", ForeignKey("api_tokens.id", ondelete="CASCADE"), primary_key=True),
    Column("rule_id", ForeignKey("workload_rules.id", ondelete="CASCADE"), nullable=False, index=True),
    # A JSON object: session tags by name, of strings.
    Column("tags", Text, nullable=False),
)
