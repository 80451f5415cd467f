"""The API calls about tenants."""
