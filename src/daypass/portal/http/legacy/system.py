"""The legacy calls about the system and the caller."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.legacy.users import user_shape
from daypass.portal.settings.reader import SettingsReader
from daypass.portal.settings.registry import APP_CONFIG, ENABLE_ADMIN_JIT_ON_UI, FLAGS, REGISTRY
from daypass.portal.tenants.names import LONGEST


@dataclass(frozen=True, slots=True)
class System:
    """The handlers for the system and the caller, in the clients' format."""

    settings: SettingsReader
    public_url: str
    account_id: Callable[[], str]
    partition: str
    region: str
    role_prefix: str
    version: str

    def features(self, request: ApiRequest) -> Response:
        """Return the features of the portal, which duplo-jit requests first."""
        values = self.settings.effective()
        # Settings written by legacy tools may be sensitive, so only Administrators get them.
        stored = self.settings.stored() if request.caller.administers else ()
        return JSONResponse(
            {
                # If true, duplo-jit opens the consent page before it requests admin access.
                "IsOtpNeeded": not request.caller.token.reaches_admin,
                "IsAwsAdminJITEnabled": values.flag(ENABLE_ADMIN_JIT_ON_UI),
                "IsAwsCloudEnabled": True,
                **dict.fromkeys(_UNSUPPORTED, False),
                "AwsRegions": [self.region],
                "AzureRegions": [],
                "EnabledFlags": [flag.key for flag in REGISTRY if flag.type == FLAGS and values.flag(flag)],
                "AppConfigs": [
                    {"Type": setting.type, "Key": setting.key, "Value": setting.value}
                    for setting in stored
                    if setting.type == APP_CONFIG
                ],
                "DefaultAwsAccount": self.account_id(),
                "DefaultAwsRegion": self.region,
                "DefaultAwsPartition": self.partition,
                "DevopsManagerHostname": urlsplit(self.public_url).hostname,
                "DuploShellFqdn": "",
                "S3BucketNamePrefix": self.role_prefix,
                "ResourceNamePrefix": self.role_prefix.removesuffix("-"),
                "EksVersions": {"DefaultVersion": "", "SupportedVersions": []},
                "TenantNameMaxLength": LONGEST,
            }
        )

    def me(self, request: ApiRequest) -> Response:
        """Return the caller."""
        return JSONResponse(user_shape(request.caller.user))

    def account(self, _request: ApiRequest) -> Response:
        """Return the AWS account of the portal."""
        return JSONResponse(self.account_id())

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
