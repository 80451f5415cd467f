"""The HTTP channels, and what they share: authentication, authorization, error responses and page layout."""
