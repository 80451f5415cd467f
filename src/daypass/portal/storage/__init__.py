"""The database: engine, connection pools, schema and migrations."""
