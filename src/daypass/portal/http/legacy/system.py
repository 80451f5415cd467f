"""The legacy calls about the system and the caller."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.legacy.users import user_shape
from daypass.portal.settings.registry import APP_CONFIG, ENABLE_ADMIN_JIT_ON_UI, FLAGS, REGISTRY
from daypass.portal.settings.store import SYSTEM, SettingStore
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.names import LONGEST


@dataclass(frozen=True, slots=True)
class System:
    """What this portal is, in the words of the clients."""

    database: Database
    public_url: str
    account_id: Callable[[], str]
    partition: str
    region: str
    role_prefix: str
    version: str

    def features(self, call: ApiRequest) -> Response:
        """What the portal can do; duplo-jit asks this before anything else."""
        with self.database.reading() as connection:
            store = SettingStore(connection)
            values = store.read(None)
            # What legacy tools wrote may be anything; it is told to those who may read it elsewhere too.
            stored = store.list_for(SYSTEM) if call.caller.administers else ()
        return JSONResponse(
            {
                # duplo-jit, when it wants admin access, then asks for it in the browser by itself.
                "IsOtpNeeded": not call.caller.token.reaches_admin,
                "IsAwsAdminJITEnabled": values.flag(ENABLE_ADMIN_JIT_ON_UI),
                "IsAwsCloudEnabled": True,
                **dict.fromkeys(_NOT_HERE, False),
                "AwsRegions": [self.region],
                "AzureRegions": [],
                "EnabledFlags": [flag.key for flag in REGISTRY if flag.type == FLAGS and values.flag(flag)],
                "AppConfigs": [
                    {"Type": one.type, "Key": one.key, "Value": one.value}
                    for one in stored
                    if one.type == APP_CONFIG
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

    def me(self, call: ApiRequest) -> Response:
        """The caller."""
        return JSONResponse(user_shape(call.caller.user))

    def account(self, _call: ApiRequest) -> Response:
        """The account that the portal works in."""
        return JSONResponse(self.account_id())

    def build(self, _call: ApiRequest) -> Response:
        """The version, for each of the parts that a client thinks there are."""
        return JSONResponse({"tag": self.version, "product": "daypass"})


_NOT_HERE = (
    "IsDuploOpsEnabled",
    "IsAzureCloudEnabled",
    "IsGoogleCloudEnabled",
    "IsKatkitEnabled",
    "IsSignupEnabled",
    "IsComplianceEnabled",
    "IsBillingEnabled",
    "IsSiemEnabled",
)
