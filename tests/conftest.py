"""What every folder of tests may ask for."""

from tests.database_fixture import (
    crashing_postgres,
    database,
    database_url,
    postgres,
    postgres_url,
    sqlite_template,
    sqlite_url,
)
from tests.sandbox_fixture import sandbox, sandbox_process

__all__ = [
    "crashing_postgres",
    "database",
    "database_url",
    "postgres",
    "postgres_url",
    "sandbox",
    "sandbox_process",
    "sqlite_template",
    "sqlite_url",
]
