"""The legacy calls about tenants."""

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from daypass.portal.http.doorway import Call
from daypass.portal.http.tenants import visible_tenant, visible_tenants
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Tenant

_CLOUD_AWS = 0
_PLAN = "default"
"""Tenants have no plans here, and clients want one named."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """What a caller may know of tenants."""

    database: Database
    account_id: str

    def listed(self, call: Call) -> Response:
        """The tenants that the caller may use; clients look up ids here."""
        seen = visible_tenants(self.database, call.caller.user)
        return JSONResponse(
            [{"TenantId": one.tenant.id, "AccountName": one.tenant.name, "PlanID": _PLAN} for one in seen]
        )

    def features(self, call: Call) -> Response:
        """What a tenant has."""
        return JSONResponse(
            {
                "Cloud": _CLOUD_AWS,
                "Region": self._tenant(call).region,
                "IsKubernetesEnabled": False,
                "UseLbIndex": False,
            }
        )

    def region(self, call: Call) -> Response:
        """A tenant's region."""
        return JSONResponse(self._tenant(call).region)

    def account(self, call: Call) -> Response:
        """The account that a tenant is in."""
        self._tenant(call)
        return JSONResponse(self.account_id)

    def _tenant(self, call: Call) -> Tenant:
        return visible_tenant(self.database, call.caller.user, call.path["tenant"])
