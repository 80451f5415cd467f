"""The interface to AWS that `portal/access` depends on; `portal/aws` implements it."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import NewType, Protocol, Self

from daypass.portal.access.model import AssumeRoleParameters, Credentials
from daypass.portal.accounts.registry import PerAccount
from daypass.portal.errors import AwsRefused
from daypass.portal.secret import Secret
from daypass.portal.tenants.model import Tenant

Deadline = NewType("Deadline", float)
"""The time by which AWS must have answered, in seconds on the clock of `time.monotonic`."""

AWS_TIME_LIMIT = timedelta(seconds=8)
"""The time, counted from the decision, in which AWS must have answered; commits in between use it up too."""


class RoleMaximumExceeded(AwsRefused):
    """The requested duration exceeds the role's own maximum; a shorter duration can succeed."""


@dataclass(frozen=True, slots=True)
class SetRole:
    """The role of a permission set in one tenant, and what it must have."""

    role_arn: str
    tenant_role_arn: str
    """The role of the tenant itself, which must have the shared policies too."""
    tenant: str
    """The tenant's name."""
    external_id: str | None
    """The ExternalId of the tenant's own role, which the trust policy of this one may expect."""
    services: Collection[str] | None
    """The services that the tenant's setting allows; None if all are."""
    overlapping: tuple[str, ...] = ()
    """The tenants of the account whose names begin with this tenant's and a dash; sorted."""

    @classmethod
    def of(
        cls,
        tenant: Tenant,
        permission_set: str,
        services: Collection[str] | None,
        overlapping: Iterable[str],
    ) -> Self:
        """Return the role of a permission set, by name, in *tenant*."""
        target = tenant.target.of_set(tenant.name, permission_set)
        return cls(
            role_arn=target.role_arn,
            tenant_role_arn=tenant.target.role_arn,
            tenant=tenant.name,
            external_id=target.external_id,
            services=services,
            overlapping=tuple(overlapping),
        )

    @property
    def demands(self) -> str:
        """The digest of what the portal's database demands of the role; a cached check holds for it only."""
        services = None if self.services is None else sorted(self.services)
        facts = [self.tenant_role_arn, self.tenant, self.external_id, services, list(self.overlapping)]
        return sha256(json.dumps(facts).encode()).hexdigest()


class Broker(Protocol):
    """A source of role sessions and console links: the portal's way into one account.

    Methods with a deadline return before it or raise an `AwsError`, whose message is safe to show to users.
    The property never waits. It raises an `AwsError` until the portal's identity in the account is known.
    """

    @property
    def is_chained(self) -> bool:
        """Whether the portal itself uses a role session; AWS limits sessions it assumes to one hour then."""

    def role_maximum(self, role_arn: str, deadline: Deadline) -> timedelta | None:
        """Return the role's maximum session duration, or None if it cannot be read.

        The maximum of a role outside of the broker's account is never read.
        """

    def find_set_role_problem(self, role: SetRole, deadline: Deadline) -> str:
        """Return why the role of a permission set may not be used, as a sentence, or "" if it may.

        Raises an `AwsError`, which names the role, if it cannot be read. A role outside of the broker's
        account never can.
        """

    def assume(self, session: AssumeRoleParameters, *, attributed: bool, deadline: Deadline) -> Credentials:
        """Assume a role, with source identity and session tags only if `attributed`."""

    def destination(self, region: str, typed: str | None) -> str:
        """Return the full URL of the console page to open.

        Raises `InvalidRequest` if *typed* is not a page of the AWS console.
        """

    def console_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:
        """Return a sign-in link for these credentials that opens `destination`; valid for 15 minutes."""


Brokers = PerAccount[Broker]
"""The broker of each account."""
