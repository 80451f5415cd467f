"""The OpenAPI document as a Schemathesis schema."""

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.schemas import OpenApiSchema
from starlette.types import ASGIApp

OPENAPI_PATH = "/api/v1/openapi.json"

# The test sends the token. Schemathesis would expect a case without one to be refused.
_CONFIG = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})


def load_schema(app: ASGIApp) -> OpenApiSchema:
    """Load the schema from the OpenAPI document that *app* serves."""
    return schemathesis.openapi.from_asgi(OPENAPI_PATH, app, config=_CONFIG)
