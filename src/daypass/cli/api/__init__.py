"""The client of the portal's API."""
