"""The legacy calls about the system and the caller."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.accounts.model import Account
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.legacy.routes import LegacyRoutes
from daypass.portal.http.legacy.users import user_shape
from daypass.portal.http.services import Services
from daypass.portal.identity.scopes import ADMIN_SCOPE
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import APP_CONFIG, ENABLE_ADMIN_JIT_ON_UI, FLAGS, REGISTRY
from daypass.portal.tenants.names import LONGEST

_VERSION_PROBES = (
    "/build-metadata.json",
    "/frontdoor/build-metadata.json",
    "/v3/version",
    "/v3/auth/version",
    "/v3/katkit/version",
    "/v3/billing/version",
    "/v3/security/version",
)
"""The paths from which clients read the version of a component."""


@dataclass(frozen=True, slots=True)
class System:
    """The handlers for the system and the caller, in the clients' format."""

    settings: SettingsReader
    public_url: str
    account: Account
    """The account of admin sessions."""
    version: str

    def features(self, request: ApiRequest) -> Response:
        """Return the features of the portal, which duplo-jit requests first."""
        values = self.settings.effective()
        # Settings written by legacy tools may be sensitive, so only Administrators get them.
        stored = self.settings.stored() if request.caller.administers else ()
        return JSONResponse(
            {
                # If true, duplo-jit opens the consent page before it requests admin access.
                "IsOtpNeeded": not request.caller.token.covers(ADMIN_SCOPE),
                "IsAwsAdminJITEnabled": values.get(ENABLE_ADMIN_JIT_ON_UI),
                "IsAwsCloudEnabled": True,
                **dict.fromkeys(_UNSUPPORTED, False),
                "AwsRegions": [self.account.region],
                "AzureRegions": [],
                "EnabledFlags": [flag.key for flag in REGISTRY.of_type(FLAGS) if values.get(flag)],
                "AppConfigs": [
                    {"Type": setting.type, "Key": setting.key, "Value": setting.value}
                    for setting in stored
                    if setting.type == APP_CONFIG
                ],
                "DefaultAwsAccount": self.account.id,
                "DefaultAwsRegion": self.account.region,
                "DefaultAwsPartition": self.account.partition,
                # Clients in Go read these fields with a fixed type. Those without a meaning here are empty.
                "DevopsManagerHostname": urlsplit(self.public_url).hostname,
                "DuploShellFqdn": "",
                "S3BucketNamePrefix": self.account.role_prefix,
                "ResourceNamePrefix": self.account.role_prefix.removesuffix("-"),
                "EksVersions": {"DefaultVersion": "", "SupportedVersions": []},
                "TenantNameMaxLength": LONGEST,
            }
        )

    def me(self, request: ApiRequest) -> Response:
        """Return the caller."""
        return JSONResponse(user_shape(request.caller.user))

    def account_id(self, _request: ApiRequest) -> Response:
        """Return the id of the AWS account of the portal."""
        return JSONResponse(self.account.id)

    def build(self, _request: ApiRequest) -> Response:
        """Return the version, which is the same for every component that clients query."""
        return JSONResponse({"tag": self.version, "product": "daypass"})


_UNSUPPORTED = (
    "IsDuploOpsEnabled",
    "IsAzureCloudEnabled",
    "IsGoogleCloudEnabled",
    "IsKatkitEnabled",
    "IsSignupEnabled",
    "IsComplianceEnabled",
    "IsBillingEnabled",
    "IsSiemEnabled",
)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    system = System(
        settings=services.settings,
        public_url=services.config.public_url,
        account=services.accounts.default,
        version=services.release,
    )
    make = LegacyRoutes.of(services)
    return [
        make.get("/v3/features/system", system.features, Permission.JIT),
        make.get("/admin/GetUserRoleInfo", system.me),
        make.get("/adminproxy/GetAwsAccountId", system.account_id),
        *(make.get(path, system.build) for path in _VERSION_PROBES),
    ]
