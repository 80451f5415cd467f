"""The legacy calls about plans and infrastructures. There is one of each: the portal's account."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.accounts.model import Account
from daypass.portal.accounts.registry import Accounts
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
    accounts: Accounts

    def plans(self, _request: ApiRequest) -> Response:
        """Return all plans."""
        return JSONResponse([_plan(self.accounts.default)])

    def plan_of(self, request: ApiRequest) -> Response:
        """Return a tenant's plan."""
        tenant = self.tenants.get(request.caller.user, request.path["tenant"])
        return JSONResponse(_plan(self.accounts.for_role(tenant.target.role_arn)))

    def infrastructures(self, _request: ApiRequest) -> Response:
        """Return all infrastructures."""
        return JSONResponse([_infrastructure(self.accounts.default)])

    def infrastructure(self, request: ApiRequest) -> Response:
        """Return an infrastructure by name."""
        if request.path["name"].lower() != PLAN:
            raise NotFound(f"There is no such infrastructure. The only one is {PLAN}.")
        return JSONResponse(_infrastructure(self.accounts.default))

    def unchangeable(self, _request: ApiRequest) -> Response:
        """Refuse to create or delete an infrastructure."""
        # Not 404, which the Terraform provider takes for a missing API.
        raise AccessDenied("Daypass cannot create or delete infrastructures; it gives access to one.")


def _plan(account: Account) -> dict[str, object]:
    return {"Name": PLAN, "Region": account.region, "AccountId": account.id, "Cloud": CLOUD_AWS}


def _infrastructure(account: Account) -> dict[str, object]:
    return {
        "Name": PLAN,
        "AccountId": account.id,
        "Cloud": CLOUD_AWS,
        "Region": account.region,
        "AzCount": 2,
        "EnableK8Cluster": False,
        "EnableECSCluster": False,
        "ProvisioningStatus": "Complete",
        "Vnet": {"Name": PLAN, "ProvisioningStatus": "Complete"},
        "CustomData": [],
    }


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    plans = Plans(services.tenants, services.accounts)
    make = LegacyRoutes.of(services)
    return [
        make.get("/subscriptions/{tenant}/GetTenantPlan", plans.plan_of),
        make.administer("GET", "/adminproxy/GetPlans", plans.plans),
        make.administer("GET", "/adminproxy/GetInfrastructureConfigs", plans.infrastructures),
        # duploctl appends this flag to the path; the Terraform provider does not.
        make.administer("GET", "/adminproxy/GetInfrastructureConfigs/true", plans.infrastructures),
        make.administer("GET", "/adminproxy/GetInfrastructureConfig/{name}", plans.infrastructure),
        make.administer("GET", "/v3/admin/infrastructure/{name}", plans.infrastructure),
        make.administer("POST", "/adminproxy/CreateInfrastructureConfig", plans.unchangeable),
        make.administer("POST", "/adminproxy/DeleteInfrastructureConfig/{name}", plans.unchangeable),
    ]
