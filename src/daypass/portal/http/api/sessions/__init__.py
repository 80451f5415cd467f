"""The API calls about AWS sessions."""
