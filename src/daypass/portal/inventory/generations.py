"""The generation of the fence that a tenant's role has, if it can be read from IAM."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.clock import Clock
from daypass.portal.errors import AwsError

MAX_AGE = timedelta(minutes=10)
"""The time for which an answer, or a failure, is used again. Only an operator's migration changes it."""


class BoundaryReader(Protocol):
    """Reads the permissions boundary of a role; `portal/aws` implements it."""

    def boundary_arn(self, role_arn: str) -> str | None:
        """Return the ARN of the role's boundary, or None if it has none; raises an `AwsError`."""


@dataclass(frozen=True, slots=True)
class RoleGenerations:
    """The generations of tenants' roles, each asked for at most once in ten minutes."""

    accounts: Accounts
    readers: PerAccount[BoundaryReader] | None
    """None if the portal does not read roles."""
    clock: Clock
    _known: dict[str, tuple[Generation | None, datetime]] = field(default_factory=dict)

    def find(self, role_arn: str) -> Generation | None:
        """Return the generation of a role; None if it has no boundary of Daypass, or IAM does not answer."""
        generation, read_at = self._known.get(role_arn, (None, None))
        now = self.clock()
        if read_at is None or now - read_at > MAX_AGE:
            generation = self._read(role_arn)
            self._known[role_arn] = generation, now
        return generation

    def _read(self, role_arn: str) -> Generation | None:
        if self.readers is None:
            return None
        try:
            account = self.accounts.for_role(role_arn)
            return account.generation_of(self.readers.for_account(account).boundary_arn(role_arn))
        except AwsError:
            # The portal may lack the permission, or IAM may be unreachable. The pages then offer the console.
            return None
