"""Runs the tests of this folder also on PostgreSQL behind PgBouncer."""

from tests.fixtures.pgbouncer import database_url

__all__ = ["database_url"]
