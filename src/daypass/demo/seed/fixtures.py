"""What the demo's AWS account holds: three tenants, each with the same few things."""

from collections.abc import Mapping
from dataclasses import dataclass

REGION = "us-east-1"
MASTER_ROLE = "duplomaster"
PORTAL_USER = "daypass-portal"
ROLE_PREFIX = "duploservices-"
TENANTS = ("dev01", "prod01", "data01")

WELCOME = "welcome.txt"
ORDERS = tuple({"id": f"order-{number}", "status": "paid"} for number in (1, 2, 3))


@dataclass(frozen=True, slots=True)
class TenantPlan:
    """One tenant's names in AWS."""

    name: str
    account_id: str
    external_id: str

    @property
    def prefix(self) -> str:
        """What every name of the tenant begins with, without the dash."""
        return f"{ROLE_PREFIX}{self.name}"

    @property
    def role_arn(self) -> str:
        """The role that the tenant's members are given."""
        return f"arn:aws:iam::{self.account_id}:role/{self.prefix}"

    @property
    def buckets(self) -> tuple[str, str]:
        """Its two buckets."""
        return f"{self.prefix}-reports", f"{self.prefix}-uploads"

    @property
    def table(self) -> str:
        """Its table."""
        return f"{self.prefix}-orders"

    @property
    def queue(self) -> str:
        """Its queue."""
        return f"{self.prefix}-jobs"

    @property
    def topic(self) -> str:
        """Its topic."""
        return f"{self.prefix}-alerts"

    @property
    def stream(self) -> str:
        """Its stream."""
        return f"{self.prefix}-events"

    @property
    def api(self) -> str:
        """What its API is called; AWS knows it by an id of its own."""
        return f"{self.prefix}-shop"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """One user of the demo; a service account signs in nowhere, so it has a token and no password."""

    username: str
    role: str
    memberships: Mapping[str, str]
    is_service_account: bool = False


ADMIN = DemoUser("admin@example.com", "Administrator", {})
DANA = DemoUser("dana@example.com", "User", {"dev01": "full", "prod01": "read-only"})
NOOR = DemoUser("noor@example.com", "User", {})
CI = DemoUser("ci@example.com", "User", {"dev01": "full"}, is_service_account=True)
USERS = (ADMIN, DANA, NOOR, CI)
