"""The demo's fixtures: three tenants with the same kinds of resources, and the users."""

from collections.abc import Mapping
from dataclasses import dataclass

from daypass.portal.permission_sets.grammar import any_action, denies_text
from daypass.portal.permission_sets.model import PermissionSet, PermissionSetId

REGION = "us-east-1"
# These names are the defaults of the portal's settings (`portal/config.py`), which the demo leaves unset.
MASTER_ROLE = "duplomaster"
PORTAL_USER = "daypass-portal"
ROLE_PREFIX = "duploservices-"
TENANTS = ("dev01", "prod01", "data01")
INLINE_TENANT = "data01"
"""The tenant whose role is of generation 1, so that there is one to migrate."""

WELCOME = "welcome.txt"
ORDERS = tuple({"id": f"order-{number}", "status": "paid"} for number in (1, 2, 3))


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """A tenant's names in AWS."""

    name: str
    account_id: str
    external_id: str

    @property
    def prefix(self) -> str:
        """The prefix of the tenant's resource names, without the dash; also the name of its role."""
        return f"{ROLE_PREFIX}{self.name}"

    @property
    def role_arn(self) -> str:
        """The ARN of the tenant's role."""
        return f"arn:aws:iam::{self.account_id}:role/{self.prefix}"

    @property
    def buckets(self) -> tuple[str, str]:
        """The names of its two buckets."""
        return f"{self.prefix}-reports", f"{self.prefix}-uploads"

    @property
    def table(self) -> str:
        """The name of its table."""
        return f"{self.prefix}-orders"

    @property
    def queue(self) -> str:
        """The name of its queue."""
        return f"{self.prefix}-jobs"

    @property
    def topic(self) -> str:
        """The name of its topic."""
        return f"{self.prefix}-alerts"

    @property
    def stream(self) -> str:
        """The name of its stream."""
        return f"{self.prefix}-events"

    @property
    def api(self) -> str:
        """The name of its API; AWS identifies the API by an id."""
        return f"{self.prefix}-shop"

    @property
    def function(self) -> str:
        """The name of its Lambda function, and of that function's role."""
        return f"{self.prefix}-worker"

    @property
    def function_arn(self) -> str:
        """The ARN of its Lambda function."""
        return f"arn:aws:lambda:{REGION}:{self.account_id}:function:{self.function}"

    @property
    def log_group(self) -> str:
        """The name of the function's log group."""
        return f"/aws/lambda/{self.function}"

    @property
    def log_group_arn(self) -> str:
        """The ARN of the function's log group."""
        return f"arn:aws:logs:{REGION}:{self.account_id}:log-group:{self.log_group}"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user of the demo; a service account has a token and no password."""

    username: str
    role: str
    memberships: Mapping[str, str]
    is_service_account: bool = False
    groups: tuple[str, ...] = ()
    """The user's groups at the demo's identity provider."""

    @property
    def name(self) -> str:
        """The name that the identity provider shows."""
        return self.username.partition("@")[0].title()


NO_DEPLOY = PermissionSet(
    PermissionSetId("0" * 32),
    "no-deploy",
    "Everything but new code and permissions.",
    500,
    denies=denies_text(
        [
            {
                "Sid": "NoNewCode",
                "Effect": "Deny",
                "Action": ["lambda:Update*", "ecs:UpdateService", "codebuild:StartBuild*"],
                "Resource": "*",
            },
            {"Sid": "NoPermissions", "Effect": "Deny", "Action": ["iam:*", "s3:Put*Policy"], "Resource": "*"},
        ],
        any_action,
    ),
)
"""The custom permission set of the demo; it needs no managed policy."""

ADMIN = DemoUser("admin@example.com", "Administrator", {}, groups=("platform",))
DANA = DemoUser("dana@example.com", "User", {"dev01": "full", "prod01": "read-only"}, groups=("developers",))
NOOR = DemoUser("noor@example.com", "User", {}, groups=("analysts",))
CI = DemoUser("ci@example.com", "User", {"dev01": "full"}, is_service_account=True)
GROUPS: Mapping[str, Mapping[str, str]] = {
    "developers": {"dev01": "full"},
    "analysts": {"data01": "read-only"},
    "platform": {},
}
"""The groups of the demo's identity provider, with the access to tenants that the portal gives them."""
ON_CALL = "on-call"
"""The demo's local group: Dana is its member, and it lets her read `prod01`."""
USERS = (ADMIN, DANA, NOOR, CI)
