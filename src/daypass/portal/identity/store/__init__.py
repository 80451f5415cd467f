"""Users and API tokens as rows."""
