"""Every legacy path; README.md says what each is to us."""

from starlette.routing import BaseRoute

from daypass.portal.http.caller import Permission
from daypass.portal.http.compat.jit import Jit
from daypass.portal.http.compat.system import System
from daypass.portal.http.compat.tenants import Tenants
from daypass.portal.http.doorway import Entrance, Handler
from daypass.portal.http.route import exact

PREFIXES = (
    "/adminproxy/",
    "/admin/",
    "/subscriptions/",
    "/v2/",
    "/v3/",
    "/frontdoor/",
    "/build-metadata.json",
)
"""What begins like this belongs to this door."""

_VERSION_PROBES = (
    "/build-metadata.json",
    "/frontdoor/build-metadata.json",
    "/v3/version",
    "/v3/auth/version",
    "/v3/katkit/version",
    "/v3/billing/version",
    "/v3/security/version",
)


def compat_routes(entrance: Entrance, jit: Jit, tenants: Tenants, system: System) -> list[BaseRoute]:
    """What the legacy clients call; all of it by GET, in whatever case."""

    def get(path: str, handler: Handler, permission: Permission = Permission.USER) -> BaseRoute:
        return exact("GET", path, entrance.admit(permission, handler), ignore_case=True)

    # Who may have admin access is the core's to say: a refusal there goes on record.
    return [
        get("/adminproxy/GetJITAwsConsoleAccessUrl", jit.admin, Permission.JIT),
        get("/v3/admin/aws/jitAccess/{role}", jit.admin_by_role, Permission.JIT),
        get("/subscriptions/{tenant}/GetAwsConsoleTokenUrl", jit.tenant, Permission.JIT),
        get("/adminproxy/GetTenantNames", tenants.listed, Permission.JIT),
        get("/admin/GetTenantsForUser", tenants.listed, Permission.JIT),
        get("/v3/features/tenant/{tenant}", tenants.features, Permission.JIT),
        get("/v3/features/system", system.features, Permission.JIT),
        get("/subscriptions/{tenant}/GetAwsRegionId", tenants.region),
        get("/subscriptions/{tenant}/GetTenantAwsAccountId", tenants.account),
        get("/admin/GetUserRoleInfo", system.me),
        get("/adminproxy/GetAwsAccountId", system.account),
        *(get(path, system.build) for path in _VERSION_PROBES),
    ]
