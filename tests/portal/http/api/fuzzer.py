"""The description of our API, as a fuzzer reads it."""

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.schemas import OpenApiSchema
from starlette.types import ASGIApp

DESCRIPTION = "/api/v1/openapi.json"

# The token is the test's to send. A case without one counts as one that has to be refused, and is not.
_CONFIG = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})


def describe(app: ASGIApp) -> OpenApiSchema:
    """What may be sent, and what may come back, by what *app* says of itself."""
    return schemathesis.openapi.from_asgi(DESCRIPTION, app, config=_CONFIG)
