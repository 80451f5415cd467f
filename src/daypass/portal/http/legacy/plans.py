"""The legacy calls about plans and infrastructures. There is one of each: the portal's account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.errors import AccessDenied
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.problems import NotFound
from daypass.portal.http.legacy.routes import LegacyRoutes
from daypass.portal.http.services import Services

PLAN = "default"
"""The name of the plan and the infrastructure: Daypass has neither, but clients require a name."""

CLOUD_AWS = 0


@dataclass(frozen=True, slots=True)
class Plans:
    """The handlers for the only plan and the only infrastructure."""

    tenants: VisibleTenants
    account_id: Callable[[], str]
    region: str

    def plans(self, _request: ApiRequest) -> Response:
        """Return all plans."""
        return JSONResponse([self._plan()])

    def plan_of(self, request: ApiRequest) -> Response:
        """Return a tenant's plan."""
        self.tenants.get(request.caller.user, request.path["tenant"])
        return JSONResponse(self._plan())

    def infrastructures(self, _request: ApiRequest) -> Response:
        """Return all infrastructures."""
        return JSONResponse([self._infrastructure()])

    def infrastructure(self, request: ApiRequest) -> Response:
        """Return an infrastructure by name."""
        if request.path["name"].lower() != PLAN:
            raise NotFound(f"There is no such infrastructure. The only one is {PLAN}.")
        return JSONResponse(self._infrastructure())

    def unchangeable(self, _request: ApiRequest) -> Response:
        """Refuse to create or delete an infrastructure."""
        raise AccessDenied("Daypass cannot create or delete infrastructures; it gives access to one.")

    def _plan(self) -> dict[str, object]:
        return {"Name": PLAN, "Region": self.region, "AccountId": self.account_id(), "Cloud": CLOUD_AWS}

    def _infrastructure(self) -> dict[str, object]:
        return {
            "Name": PLAN,
            "AccountId": self.account_id(),
            "Cloud": CLOUD_AWS,
            "Region": self.region,
            "AzCount": 2,
            "EnableK8Cluster": False,
            "EnableECSCluster": False,
            "ProvisioningStatus": "Complete",
            "Vnet": {"Name": PLAN, "ProvisioningStatus": "Complete"},
            "CustomData": [],
        }


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    plans = Plans(services.tenants, services.account_id, services.config.aws.region)
    make = LegacyRoutes.of(services)
    return [
        make.get("/subscriptions/{tenant}/GetTenantPlan", plans.plan_of),
        make.administer("GET", "/adminproxy/GetPlans", plans.plans),
        make.administer("GET", "/adminproxy/GetInfrastructureConfigs", plans.infrastructures),
        make.administer("GET", "/adminproxy/GetInfrastructureConfigs/true", plans.infrastructures),
        make.administer("GET", "/adminproxy/GetInfrastructureConfig/{name}", plans.infrastructure),
        make.administer("GET", "/v3/admin/infrastructure/{name}", plans.infrastructure),
        make.administer("POST", "/adminproxy/CreateInfrastructureConfig", plans.unchangeable),
        make.administer("POST", "/adminproxy/DeleteInfrastructureConfig/{name}", plans.unchangeable),
    ]
