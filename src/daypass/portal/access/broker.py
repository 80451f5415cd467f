"""The interface that hides AWS from the core; `portal/aws` fills it in."""

from datetime import timedelta
from typing import Protocol

from daypass.portal.access.model import Assumed, Credentials, RoleSession
from daypass.portal.secret import Secret


class Broker(Protocol):
    """Hands out role sessions and console links.

    Every method either answers within 8 seconds or raises an `AwsError` whose sentence is safe to show.
    """

    @property
    def is_chained(self) -> bool:
        """Whether the portal's own credentials are a role session, which caps what it assumes at one hour."""

    @property
    def account_id(self) -> str:
        """The account that the portal works in."""

    @property
    def partition(self) -> str:
        """The AWS partition of that account: aws, aws-us-gov or aws-cn."""

    def role_maximum(self, role_arn: str) -> timedelta | None:
        """The role's own maximum session duration; None where the portal may not read it."""

    def assume(self, session: RoleSession, *, attributed: bool) -> Assumed:
        """Assume a role; without `attributed`, leave identity and tags out."""

    def console_url(self, credentials: Credentials, region: str, destination: str | None) -> Secret:
        """A sign-in link for these keys, good for 15 minutes; refuses a destination outside the console."""
