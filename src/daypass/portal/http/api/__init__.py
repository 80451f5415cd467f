"""The REST API, /api/v1: JSON, bearer tokens, described by OpenAPI."""
