"""The generation of the fence that a tenant's role has, as far as IAM tells."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.clock import Clock
from daypass.portal.errors import AwsError

MAX_AGE = timedelta(minutes=10)
"""The validity of an answer, and of a failure to get one; roles change generation when an operator asks."""


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
        """Return the generation; None for a role with another boundary, and if IAM does not tell."""
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
            boundary_arn = self.readers.for_account(account).boundary_arn(role_arn)
            return next((each for each in Generation if account.boundary_of(each) == boundary_arn), None)
        # The pages do without: the portal may lack the permission, or IAM may not be reachable.
        except AwsError:
            return None
