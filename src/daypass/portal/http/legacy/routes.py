"""Routes of the legacy API, whose paths ignore case."""

from dataclasses import dataclass

from daypass.portal.access.model import Channel
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiEndpoints, Handler
from daypass.portal.http.core.routing import ExactRoute, exact
from daypass.portal.http.services import Services


@dataclass(frozen=True, slots=True)
class LegacyRoutes:
    """Makes the routes that the legacy clients call."""

    endpoints: ApiEndpoints

    @classmethod
    def of(cls, services: Services) -> "LegacyRoutes":
        """Return the factory for the portal with these services."""
        return cls(services.api_endpoints(Channel.LEGACY))

    def get(self, path: str, handler: Handler, permission: Permission = Permission.USER) -> ExactRoute:
        """Return the route of a call that only reads."""
        return exact("GET", path, self.endpoints.endpoint(permission, handler), ignore_case=True)

    def issue(self, path: str, handler: Handler) -> ExactRoute:
        """Return the route of a call that issues AWS access; the clients use GET for it."""
        # The issuer authorizes admin access and audits refusals, so these routes need no Administrator.
        endpoint = self.endpoints.endpoint(Permission.JIT, handler, calls_aws=True)
        return exact("GET", path, endpoint, ignore_case=True, has_effects=True)

    def administer(self, method: str, path: str, handler: Handler, *, calls_aws: bool = False) -> ExactRoute:
        """Return the route of a call for Administrators."""
        endpoint = self.endpoints.endpoint(Permission.ADMINISTRATOR, handler, calls_aws=calls_aws)
        return exact(method, path, endpoint, ignore_case=True)
