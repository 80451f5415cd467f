"""The API calls about groups."""
