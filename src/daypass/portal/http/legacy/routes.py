"""The routes of the legacy API; README.md maps them to calls of the API."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.routing import BaseRoute

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiEndpoints, Handler
from daypass.portal.http.core.routing import exact
from daypass.portal.http.legacy.jit import Jit
from daypass.portal.http.legacy.plans import Plans
from daypass.portal.http.legacy.settings import Settings
from daypass.portal.http.legacy.system import System
from daypass.portal.http.legacy.tenants import Tenants
from daypass.portal.http.legacy.users import Users

PREFIXES = (
    "/adminproxy/",
    "/admin/",
    "/subscriptions/",
    "/v2/",
    "/v3/",
    "/frontdoor/",
    "/build-metadata.json",
)
"""The path prefixes of the legacy API."""

_VERSION_PROBES = (
    "/build-metadata.json",
    "/frontdoor/build-metadata.json",
    "/v3/version",
    "/v3/auth/version",
    "/v3/katkit/version",
    "/v3/billing/version",
    "/v3/security/version",
)


@dataclass(frozen=True, slots=True)
class LegacyHandlers:
    """The handlers of the legacy API."""

    jit: Jit
    tenants: Tenants
    system: System
    users: Users
    settings: Settings
    plans: Plans


def legacy_routes(endpoints: ApiEndpoints, handlers: LegacyHandlers) -> list[BaseRoute]:
    """Return the routes that the legacy clients call; their paths ignore case."""

    def route(
        method: str,
        path: str,
        handler: Handler,
        permission: Permission,
        *,
        calls_aws: bool = False,
        has_effects: bool = False,
    ) -> BaseRoute:
        endpoint = endpoints.endpoint(permission, handler, calls_aws=calls_aws)
        return exact(method, path, endpoint, ignore_case=True, has_effects=has_effects)

    def get(path: str, handler: Handler, permission: Permission = Permission.USER) -> BaseRoute:
        return route("GET", path, handler, permission)

    def issue(path: str, handler: Handler) -> BaseRoute:
        return route("GET", path, handler, Permission.JIT, calls_aws=True, has_effects=True)

    def administer(method: str, path: str, handler: Handler) -> BaseRoute:
        return route(method, path, handler, Permission.ADMINISTRATOR)

    def change_role(path: str, handler: Handler) -> BaseRoute:
        return route("POST", path, handler, Permission.ADMINISTRATOR, calls_aws=True)

    jit, tenants, system = handlers.jit, handlers.tenants, handlers.system
    # Admin access is authorized by the issuer, which audits refusals.
    return [
        issue("/adminproxy/GetJITAwsConsoleAccessUrl", jit.admin),
        issue("/v3/admin/aws/jitAccess/{role}", jit.admin_by_role),
        issue("/subscriptions/{tenant}/GetAwsConsoleTokenUrl", jit.tenant),
        get("/adminproxy/GetTenantNames", tenants.list_all, Permission.JIT),
        get("/admin/GetTenantsForUser", tenants.list_all, Permission.JIT),
        get("/v3/features/tenant/{tenant}", tenants.features, Permission.JIT),
        get("/v3/features/system", system.features, Permission.JIT),
        get("/subscriptions/{tenant}/GetAwsRegionId", tenants.region_of),
        get("/subscriptions/{tenant}/GetTenantAwsAccountId", tenants.account),
        get("/subscriptions/{tenant}/GetTenantPlan", handlers.plans.plan_of),
        get("/v2/admin/TenantV2/{tenant}", tenants.show),
        get("/v3/admin/tenant/{tenant}", tenants.show),
        get("/admin/GetUserRoleInfo", system.me),
        get("/adminproxy/GetAwsAccountId", system.account),
        *(get(path, system.build) for path in _VERSION_PROBES),
        # Creating a tenant creates its IAM role, and deleting it removes the role's permissions.
        change_role("/admin/AddTenant", tenants.create),
        change_role("/admin/DeleteTenant/{tenant}", tenants.delete),
        *_administration(administer, handlers),
    ]


Administer = Callable[[str, str, Handler], BaseRoute]


def _administration(administer: Administer, handlers: LegacyHandlers) -> Iterator[BaseRoute]:
    users, settings, plans = handlers.users, handlers.settings, handlers.plans
    yield administer("GET", "/admin/GetAllUserRoles", users.list_all)
    yield administer("POST", "/admin/UpdateUserRole", users.change)
    yield administer("POST", "/admin/UpdateUserAccess", users.change_access)
    yield administer("GET", "/admin/GetAllTenantAuthInfo", users.list_access)
    yield administer("GET", "/v3/admin/user/{username}/tenantAccess", users.access_of)
    config = "/v3/admin/systemSettings/config"
    yield administer("GET", config, settings.list_all)
    yield administer("POST", config, settings.put)
    yield administer("DELETE", f"{config}/{{key:path}}", settings.remove)
    yield administer("GET", "/v3/admin/systemsettings", settings.tagging)
    metadata = "/v3/admin/tenant/{tenant}/metadata"
    yield administer("GET", metadata, settings.tenant_settings)
    yield administer("POST", metadata, settings.put_tenant_setting)
    yield administer("PUT", f"{metadata}/{{key:path}}", settings.put_tenant_setting)
    yield administer("DELETE", f"{metadata}/{{key:path}}", settings.remove_tenant_setting)
    yield administer("GET", "/admin/GetTenantConfigData/{tenant}", settings.metadata)
    yield administer("POST", "/admin/UpdateTenantConfigData", settings.change_metadata)
    yield administer("GET", "/adminproxy/GetPlans", plans.plans)
    yield administer("GET", "/adminproxy/GetInfrastructureConfigs", plans.infrastructures)
    yield administer("GET", "/adminproxy/GetInfrastructureConfigs/true", plans.infrastructures)
    yield administer("GET", "/adminproxy/GetInfrastructureConfig/{name}", plans.infrastructure)
    yield administer("GET", "/v3/admin/infrastructure/{name}", plans.infrastructure)
    yield administer("POST", "/adminproxy/CreateInfrastructureConfig", plans.unchangeable)
    yield administer("POST", "/adminproxy/DeleteInfrastructureConfig/{name}", plans.unchangeable)
