"""Issued AWS sessions, and the state of the roles that they assume."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    literal_column,
)

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

issuances = Table(
    "issuances",
    metadata,
    Column("id", String(32), primary_key=True),
    # No foreign keys: issuances outlive their users and tenants.
    Column("user_id", String(32), nullable=False),
    Column("username", String(255), nullable=False),
    Column("scope", String(8), nullable=False),
    Column("tenant_id", String(36)),
    Column("tenant_name", String(64)),
    Column("role_arn", Text, nullable=False),
    # For earlier releases: "full", or "read-only" for every other permission set.
    Column("access", String(16), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("door", String(16), nullable=False),
    Column("token_id", String(32)),
    Column("address", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("failure", String(32)),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("validity", Integer, nullable=False),
    Column("decided_by", String(32), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("access_key_id", String(128)),
    # False if the role's trust policy refuses identity and tags: AWS cannot deny such a session individually.
    Column("is_attributed", Boolean),
    # The name of the permission set; NULL in rows of earlier releases, and for denied attempts.
    Column("permission_set", String(64)),
    # A JSON object: the session tags that a workload rule makes from claims; NULL for other callers.
    Column("session_tags", Text),
    # The name of that rule, and whether its session limit decided; NULL for other callers and in older rows.
    Column("workload_rule", String(64)),
    Column("is_limited_by_rule", Boolean),
    Index(
        # Attempts without an outcome are few, and each process searches for abandoned ones.
        "ix_issuances_requested",
        "asked_at",
        sqlite_where=literal_column("state = 'requested'"),
        postgresql_where=literal_column("state = 'requested'"),
    ),
    Index("ix_issuances_asked_at", "asked_at", "id"),
    Index("ix_issuances_user_id_asked_at", "user_id", "asked_at"),
    Index("ix_issuances_tenant_id_asked_at", "tenant_id", "asked_at"),
)

role_facts = Table(
    "role_facts",
    metadata,
    Column("role_arn", Text, primary_key=True),
    Column("maximum", Integer),
    Column("maximum_read_at", UtcDateTime),
    # Until then the role is assumed without identity and tags, because its trust policy refused them.
    Column("plain_until", UtcDateTime),
    # Of the role of a permission set: the time of the latest check, and the problem found; "" for none.
    Column("checked_at", UtcDateTime),
    Column("problem", Text),
    # The digest of what the check demanded.
    Column("checked_for", String(64)),
)

role_changes = Table(
    "role_changes",
    metadata,
    # The desired maximum of each role that a setting covers; replaced when the setting changes.
    Column("role_arn", Text, primary_key=True),
    # NULL for the master role.
    Column("tenant_id", String(36)),
    Column("maximum", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_role_changes_outcome", "outcome", "role_arn"),
)

role_services = Table(
    "role_services",
    metadata,
    # The roles that a tenant's setting limits to some AWS services, or limited before.
    Column("role_arn", Text, primary_key=True),
    Column("tenant_id", String(36), nullable=False),
    # In the notation of the setting; empty if the limit is to be removed from the role.
    Column("services", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

verified_policies = Table(
    "verified_policies",
    metadata,
    # The managed policies of the fence that the last verification of an account found in it.
    Column("account_id", String(12), nullable=False),
    Column("policy_name", String(128), nullable=False),
    # The SHA-256 of the document, in hexadecimal.
    Column("digest", String(64), nullable=False),
    Column("verified_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("account_id", "policy_name"),
)
