"""The API calls about settings."""
