"""The audit log, and its verification."""

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

audit_events = Table(
    "audit_events",
    metadata,
    Column("chain_id", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("action", String(64), nullable=False),
    Column("actor_id", String(32)),
    Column("actor", String(255), nullable=False),
    Column("tenant_id", String(36)),
    Column("subject", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    # Canonical JSON, exactly the hashed text.
    Column("detail", Text, nullable=False),
    Column("request_id", String(32), nullable=False),
    Column("previous_hash", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    PrimaryKeyConstraint("chain_id", "position"),
    UniqueConstraint("hash"),
    Index("ix_audit_events_at", "at"),
    Index("ix_audit_events_action_at", "action", "at"),
    Index("ix_audit_events_actor_id_at", "actor_id", "at"),
    Index("ix_audit_events_tenant_id_at", "tenant_id", "at"),
)

audit_verifications = Table(
    "audit_verifications",
    metadata,
    # A single row: the latest verification of the audit log that was started on a page, on any replica.
    Column("subject", String(16), primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    # By the database's clock. If a running verification is not renewed for a while, its process has died.
    Column("renewed_at", UtcDateTime, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("ended_at", UtcDateTime),
    # A JSON array of strings; NULL until all events are read.
    Column("problems", Text),
    Column("refusal", Text, nullable=False),
)
