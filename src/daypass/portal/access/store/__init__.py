"""The database access of the core, one module per subject."""
