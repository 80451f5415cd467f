"""The legacy calls about the system and the caller."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from daypass.portal.http.doorway import Call
from daypass.portal.settings.registry import ENABLE_ADMIN_JIT_ON_UI
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.names import LONGEST


@dataclass(frozen=True, slots=True)
class System:
    """What this portal is, in the words of the clients."""

    database: Database
    public_url: str
    account_id: str
    partition: str
    region: str
    role_prefix: str
    version: str

    def features(self, call: Call) -> Response:
        """What the portal can do; duplo-jit asks this before anything else."""
        with self.database.reading() as connection:
            values = SettingStore(connection).read(None)
        return JSONResponse(
            {
                # duplo-jit, when it wants admin access, then asks for it in the browser by itself.
                "IsOtpNeeded": not call.caller.token.reaches_admin,
                "IsAwsAdminJITEnabled": values.flag(ENABLE_ADMIN_JIT_ON_UI),
                "IsAwsCloudEnabled": True,
                **dict.fromkeys(_NOT_HERE, False),
                "AwsRegions": [self.region],
                "AzureRegions": [],
                "EnabledFlags": [],
                "AppConfigs": [],
                "DefaultAwsAccount": self.account_id,
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

    def me(self, call: Call) -> Response:
        """The caller."""
        user = call.caller.user
        return JSONResponse(
            {
                "Username": user.username,
                "Roles": [user.role],
                "IsReadOnly": False,
                "IsVpnConfigCreated": False,
                "IsConfirmationEmailSent": False,
                "Permissions": [],
            }
        )

    def account(self, _call: Call) -> Response:
        """The account that the portal works in."""
        return JSONResponse(self.account_id)

    def build(self, _call: Call) -> Response:
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
