"""The path of a JIT request, top to bottom."""

from dataclasses import dataclass

from daypass.portal.access.broker import Broker
from daypass.portal.access.model import Ask, Caller, Issuance
from daypass.portal.audit.log import AuditLog
from daypass.portal.clock import Clock
from daypass.portal.storage.engine import Database


@dataclass(frozen=True, slots=True)
class Issuer:
    """Issues short-lived AWS access. Every door ends here."""

    database: Database
    audit: AuditLog
    broker: Broker
    clock: Clock
    master_role_arn: str
    region: str
    """Where admin sessions land; a tenant's session lands in the tenant's own region."""
    is_attribution_required: bool = False

    def issue(self, caller: Caller, ask: Ask) -> Issuance:
        """Hand out one AWS session, on record before it is released, or raise a `PortalError`."""
        raise NotImplementedError
