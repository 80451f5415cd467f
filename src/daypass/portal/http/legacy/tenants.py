"""The legacy calls about tenants."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.access.tenants import VisibleTenants
from daypass.portal.accounts.registry import Accounts
from daypass.portal.admin.administration import Administration
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.core.warnings import rights_kept, warned
from daypass.portal.http.legacy.body import read_object, text
from daypass.portal.http.legacy.plans import CLOUD_AWS, PLAN
from daypass.portal.http.legacy.routes import LegacyRoutes
from daypass.portal.http.legacy.settings import metadata_shape
from daypass.portal.http.services import Services
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import Tenant

_EVERY = PageRequest(limit=1_000_000)
"""A single page with everything, because the clients do not paginate."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """The handlers of legacy calls about tenants."""

    tenants: VisibleTenants
    administration: Administration
    accounts: Accounts

    def list_all(self, request: ApiRequest) -> Response:
        """Return the visible tenants, from which clients look up ids; with settings for Administrators."""
        user = request.caller.user
        visible = self.tenants.all(user)
        settings: dict[str, list[dict[str, str]]] = defaultdict(list)
        if request.caller.administers:
            for record in self.administration.settings.of_tenants(_EVERY).records:
                if record.tenant is not None:
                    settings[record.tenant.id].append(metadata_shape(record))
        return JSONResponse(
            [{**_name(access.tenant), "Metadata": settings.get(access.tenant.id, [])} for access in visible]
        )

    def show(self, request: ApiRequest) -> Response:
        """Return one tenant, with all fields that the Terraform provider reads."""
        tenant = self._tenant(request)
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

    def create(self, request: ApiRequest) -> Response:
        """Create a tenant with its own IAM role."""
        body = read_object(request.body)
        plan = text(body, "PlanID", PLAN)
        if plan.lower() != PLAN:
            raise InvalidRequest(f"There is no such plan. The only one is {PLAN}.")
        # The clients send no region.
        region = self.accounts.default.region
        # duploctl looks a tenant up by its name in lower case, so a new name is taken in lower case too.
        self.administration.tenants.create(text(body, "AccountName").lower(), region, request.caller)
        return JSONResponse(None)

    def delete(self, request: ApiRequest) -> Response:
        """Delete a tenant."""
        kept_rights = self.administration.tenants.delete(request.path["tenant"], request.caller)
        # The warning is a header, because the clients accept no other body; they ignore the header.
        return warned(JSONResponse(None), rights_kept(kept_rights))

    def features(self, request: ApiRequest) -> Response:
        """Return the features of a tenant."""
        return JSONResponse(
            {
                "Cloud": CLOUD_AWS,
                "Region": self._tenant(request).target.region,
                "IsKubernetesEnabled": False,
                "UseLbIndex": False,
            }
        )

    def region_of(self, request: ApiRequest) -> Response:
        """Return a tenant's AWS region."""
        return JSONResponse(self._tenant(request).target.region)

    def account(self, request: ApiRequest) -> Response:
        """Return a tenant's AWS account."""
        return JSONResponse(self.accounts.for_role(self._tenant(request).target.role_arn).id)

    def _tenant(self, request: ApiRequest) -> Tenant:
        return self.tenants.get(request.caller.user, request.path["tenant"])


def _name(tenant: Tenant) -> dict[str, object]:
    return {"TenantId": tenant.id, "AccountName": tenant.name, "PlanID": PLAN}


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    tenants = Tenants(
        tenants=services.tenants,
        administration=services.administration,
        accounts=services.accounts,
    )
    make = LegacyRoutes.of(services)
    return [
        make.get("/adminproxy/GetTenantNames", tenants.list_all, Permission.JIT),
        make.get("/admin/GetTenantsForUser", tenants.list_all, Permission.JIT),
        make.get("/v3/features/tenant/{tenant}", tenants.features, Permission.JIT),
        make.get("/subscriptions/{tenant}/GetAwsRegionId", tenants.region_of),
        make.get("/subscriptions/{tenant}/GetTenantAwsAccountId", tenants.account),
        make.get("/v2/admin/TenantV2/{tenant}", tenants.show),
        make.get("/v3/admin/tenant/{tenant}", tenants.show),
        # Creating a tenant creates its IAM role, and deleting it removes the role's permissions.
        make.administer("POST", "/admin/AddTenant", tenants.create, calls_aws=True),
        make.administer("POST", "/admin/DeleteTenant/{tenant}", tenants.delete, calls_aws=True),
    ]
