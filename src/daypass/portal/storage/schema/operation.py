"""The replicas, their keys, and the releases that can use the database."""

from sqlalchemy import Column, LargeBinary, String, Table

from daypass.portal.storage.columns import UtcDateTime
from daypass.portal.storage.schema.base import metadata

sealing_keys = Table(
    "sealing_keys",
    metadata,
    # One key for each purpose, shared by all replicas so that each can open what another sealed.
    Column("purpose", String(32), primary_key=True),
    Column("key", LargeBinary(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

replica_probes = Table(
    "replica_probes",
    metadata,
    # One row for each process, written by its readiness probe.
    Column("replica_id", String(32), primary_key=True),
    Column("probed_at", UtcDateTime, nullable=False),
)

schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    # A single row, which `migrate` replaces: the schema revision that a release must have at least to work
    # with this database, and the version of Daypass that migrated it last.
    Column("oldest_compatible", String(32), primary_key=True),
    Column("migrated_by", String(64), nullable=False),
)
