"""The JSON bodies of the API; their descriptions become the OpenAPI document."""
