"""The database migrations. Each only adds to the schema, so that two versions can run side by side."""
