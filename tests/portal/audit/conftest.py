"""These tests run on PostgreSQL behind PgBouncer too."""

from tests.pgbouncer_fixture import database_url

__all__ = ["database_url"]
