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
from daypass.portal.identity.provisioning.model import SCIM_PATH

PREFIX = SCIM_PATH
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
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
                        "description": (
                            "A token of the page Provisioning or of `daypass portal scim-token`, as "
                            "Authorization: Bearer."
                        ),
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
        return _listed(request, self._types())

    def resource_type(self, request: ScimRequest) -> Response:
        """Return one resource type."""
        return _named(request, "name", self._types())

    def schemas(self, request: ScimRequest) -> Response:
        """Return all schemas."""
        return _listed(request, self._schemas())

    def schema(self, request: ScimRequest) -> Response:
        """Return one schema."""
        return _named(request, "schema", self._schemas())

    def _types(self) -> Sequence[Document]:
        return [
            self._type("User", "/Users", "A person", USER),
            self._type("Group", "/Groups", "A group of people", GROUP),
        ]

    def _type(self, name: str, endpoint: str, description: str, schema: str) -> Document:
        return {
            "schemas": [f"{_CORE}:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": endpoint,
            "description": description,
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": f"{self.base}/ResourceTypes/{name}"},
        }

    def _schemas(self) -> Sequence[Document]:
        from daypass.portal.http.scim.group_resources import Group
        from daypass.portal.http.scim.resources import User, schema_document

        documents = [schema_document(User), schema_document(Group)]
        return [
            {**each, "meta": {"resourceType": "Schema", "location": f"{self.base}/Schemas/{each['id']}"}}
            for each in documents
        ]


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
