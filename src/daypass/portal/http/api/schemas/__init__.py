"""The JSON bodies and queries of the API; their descriptions become the OpenAPI document."""
