"""The discovery documents (RFC 7644, section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.errors import AccessDenied
from daypass.portal.http.core.problems import NotFound, nothing_here
from daypass.portal.http.core.routing import exact
from daypass.portal.http.scim.documents import Document, document
from daypass.portal.http.scim.endpoints import ScimEndpoints, ScimRequest
from daypass.portal.http.scim.queries import LARGEST_PAGE, PageParameters

PREFIX = "/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_CORE = "urn:ietf:params:scim:schemas:core:2.0"


@dataclass(frozen=True, slots=True)
class DiscoveryHandlers:
    """The handlers of the documents that say what the portal supports."""

    base: str
    """The address of the channel."""

    def config(self, _request: ScimRequest) -> Response:
        """Return the configuration of the service provider."""
        unsupported = {"supported": False}
        return document(
            {
                "schemas": [f"{_CORE}:ServiceProviderConfig"],
                "patch": {"supported": True},
                "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
                "filter": {"supported": True, "maxResults": LARGEST_PAGE},
                "changePassword": unsupported,
                "sort": unsupported,
                "etag": {"supported": True},
                "authenticationSchemes": [
                    {
                        "type": "oauthbearertoken",
                        "name": "Bearer token",
                        "description": "A token of `daypass portal scim-token`, as Authorization: Bearer.",
                        "primary": True,
                    }
                ],
                "meta": {
                    "resourceType": "ServiceProviderConfig",
                    "location": f"{self.base}/ServiceProviderConfig",
                },
            }
        )

    def resource_types(self, request: ScimRequest) -> Response:
        """Return all resource types."""
        return _listed(request, [self._user_type()])

    def resource_type(self, request: ScimRequest) -> Response:
        """Return one resource type."""
        return _named(request, "name", [self._user_type()])

    def schemas(self, request: ScimRequest) -> Response:
        """Return all schemas."""
        return _listed(request, [self._user_schema()])

    def schema(self, request: ScimRequest) -> Response:
        """Return one schema."""
        return _named(request, "schema", [self._user_schema()])

    def _user_type(self) -> Document:
        return {
            "schemas": [f"{_CORE}:ResourceType"],
            "id": "User",
            "name": "User",
            "endpoint": "/Users",
            "description": "A person",
            "schema": USER,
            "meta": {"resourceType": "ResourceType", "location": f"{self.base}/ResourceTypes/User"},
        }

    def _user_schema(self) -> Document:
        from daypass.portal.http.scim.resources import schema_document

        meta = {"resourceType": "Schema", "location": f"{self.base}/Schemas/{USER}"}
        return {**schema_document(), "meta": meta}


def _listed(request: ScimRequest, documents: Sequence[Document]) -> Response:
    # RFC 7644, section 4: a filter on a discovery document is refused, so that no client relies on one.
    if "filter" in request.query:
        raise AccessDenied("Discovery documents take no filter.")
    page = PageParameters.of(request.query)
    return document(page.answer(documents[page.start - 1 :][: page.count], len(documents)))


def _named(request: ScimRequest, parameter: str, documents: Sequence[Document]) -> Response:
    for each in documents:
        if each["id"] == request.path[parameter]:
            return document(each)
    raise NotFound(nothing_here(""))


def routes(handlers: DiscoveryHandlers, endpoints: ScimEndpoints) -> Sequence[BaseRoute]:
    """Return the routes of the discovery documents."""
    return [
        exact("GET", f"{PREFIX}/ServiceProviderConfig", endpoints.endpoint(handlers.config)),
        exact("GET", f"{PREFIX}/ResourceTypes", endpoints.endpoint(handlers.resource_types)),
        exact("GET", f"{PREFIX}/ResourceTypes/{{name}}", endpoints.endpoint(handlers.resource_type)),
        exact("GET", f"{PREFIX}/Schemas", endpoints.endpoint(handlers.schemas)),
        exact("GET", f"{PREFIX}/Schemas/{{schema}}", endpoints.endpoint(handlers.schema)),
    ]
