"""The operations of the API and their OpenAPI document, without a portal that serves them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from daypass.portal.http.api.build import OPERATIONS
from daypass.portal.http.api.openapi import openapi_document
from daypass.portal.http.api.operation import Operation
from daypass.portal.http.services import Services

PUBLIC_URL = "https://portal.example.com"


class _Unused:
    """In the place of services: the handlers are made of them, and none is called."""

    def __getattr__(self, _name: str) -> "_Unused":
        return self


def operations() -> Mapping[str, Sequence[Operation]]:
    """Return the operations by the name of their module, in the order of the document."""
    services = cast("Services", _Unused())
    return {make.__module__.removeprefix("daypass.portal.http.api."): make(services) for make in OPERATIONS}


def document() -> Mapping[str, Any]:
    """Return the OpenAPI document of a portal at `PUBLIC_URL`."""
    every = [operation for of_resource in operations().values() for operation in of_resource]
    # The version of the API. The document that a portal serves has that of its release.
    return openapi_document(every, PUBLIC_URL, "v1")


def openapi_file() -> str:
    """Return the document as JSON."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"
