"""The legacy calls about plans and infrastructures: there is one of each, and it is the portal's account."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from daypass.portal.errors import AccessDenied
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.problems import NotFound
from daypass.portal.http.core.tenants import visible_tenant
from daypass.portal.storage.engine import Database

PLAN = "default"
"""Tenants have no plans here, and clients want one named."""

CLOUD_AWS = 0


@dataclass(frozen=True, slots=True)
class Plans:
    """The one plan, on the one infrastructure."""

    database: Database
    account_id: Callable[[], str]
    region: str

    def plans(self, _call: ApiRequest) -> Response:
        """All plans."""
        return JSONResponse([self._plan()])

    def plan_of(self, call: ApiRequest) -> Response:
        """A tenant's plan."""
        visible_tenant(self.database, call.caller.user, call.path["tenant"])
        return JSONResponse(self._plan())

    def infrastructures(self, _call: ApiRequest) -> Response:
        """All infrastructures."""
        return JSONResponse([self._infrastructure()])

    def infrastructure(self, call: ApiRequest) -> Response:
        """One of them, by name."""
        if call.path["name"].lower() != PLAN:
            raise NotFound(f"There is one infrastructure here, and its name is {PLAN}.")
        return JSONResponse(self._infrastructure())

    def unchangeable(self, _call: ApiRequest) -> Response:
        """Make or end one: that is nothing this portal does."""
        raise AccessDenied("This portal neither makes nor ends infrastructures; it hands out access to one.")

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
