"""The API calls about users."""
