"""The legacy calls about tenants."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from daypass.portal.admin.administration import Administration
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.tenants import visible_tenant, visible_tenants
from daypass.portal.http.core.warnings import rights_kept, warned
from daypass.portal.http.legacy.body import read_object, text
from daypass.portal.http.legacy.plans import CLOUD_AWS, PLAN
from daypass.portal.http.legacy.settings import metadata_shape
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Tenant

_EVERY = PageRequest(limit=1_000_000)
"""The clients know no pages."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """What a caller may know of tenants, and what Administrators make of them."""

    database: Database
    all_: Administration
    account_id: Callable[[], str]
    region: str
    """Where a tenant is to be that says nothing else."""

    def listed(self, call: ApiRequest) -> Response:
        """The tenants that the caller may use; clients look up ids here, and Administrators settings."""
        user = call.caller.user
        seen = visible_tenants(self.database, user)
        settings: dict[str, list[dict[str, str]]] = defaultdict(list)
        if call.caller.administers:
            for one in self.all_.settings.of_tenants(_EVERY).records:
                if one.tenant is not None:
                    settings[one.tenant.id].append(metadata_shape(one))
        return JSONResponse(
            [{**_name(one.tenant), "Metadata": settings.get(one.tenant.id, [])} for one in seen]
        )

    def shown(self, call: ApiRequest) -> Response:
        """One tenant, with all that the Terraform provider reads."""
        tenant = self._tenant(call)
        return JSONResponse(
            {
                **_name(tenant),
                "ExistingK8sNamespace": "",
                "Expiry": None,
                "InfraOwner": "",
                "PauseTime": None,
                "TenantPolicy": {"AllowVolumeMapping": True, "BlockExternalEp": False},
                "Tags": [{"Key": "TENANT_NAME", "Value": tenant.name}],
            }
        )

    def created(self, call: ApiRequest) -> Response:
        """Add one, on a role of its own."""
        body = read_object(call.body)
        plan = text(body, "PlanID", PLAN)
        if plan.lower() != PLAN:
            raise InvalidRequest(f"There is one plan here, and its name is {PLAN}.")
        self.all_.tenants.create(text(body, "AccountName").lower(), self.region, call.caller)
        return JSONResponse(None)

    def deleted(self, call: ApiRequest) -> Response:
        """End one."""
        kept = self.all_.tenants.delete(call.path["tenant"], call.caller)
        # The clients take no other body; duploctl and the Terraform provider ignore the header.
        return warned(JSONResponse(None), rights_kept(kept))

    def features(self, call: ApiRequest) -> Response:
        """What a tenant has."""
        return JSONResponse(
            {
                "Cloud": CLOUD_AWS,
                "Region": self._tenant(call).region,
                "IsKubernetesEnabled": False,
                "UseLbIndex": False,
            }
        )

    def region_of(self, call: ApiRequest) -> Response:
        """A tenant's region."""
        return JSONResponse(self._tenant(call).region)

    def account(self, call: ApiRequest) -> Response:
        """The account that a tenant is in."""
        self._tenant(call)
        return JSONResponse(self.account_id())

    def _tenant(self, call: ApiRequest) -> Tenant:
        return visible_tenant(self.database, call.caller.user, call.path["tenant"])


def _name(tenant: Tenant) -> dict[str, object]:
    return {"TenantId": tenant.id, "AccountName": tenant.name, "PlanID": PLAN}
