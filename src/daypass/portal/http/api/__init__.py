"""Our own API, /api/v1: JSON, by bearer token, described by OpenAPI."""
