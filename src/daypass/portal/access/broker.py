"""The interface that hides AWS from the core; `portal/aws` fills it in."""

from datetime import timedelta
from typing import NewType, Protocol

from daypass.portal.access.model import Credentials, RoleSession
from daypass.portal.errors import AwsRefused
from daypass.portal.secret import Secret

Deadline = NewType("Deadline", float)
"""By when AWS must have answered, on the clock of `time.monotonic`."""

AWS_TIME = timedelta(seconds=8)
"""What AWS gets for one request of ours, however many calls it takes."""


class RoleMaximumExceeded(AwsRefused):
    """The role's own maximum is shorter than what was asked; asking for less can succeed."""


class Broker(Protocol):
    """Hands out role sessions and console links.

    What calls AWS answers before its deadline or raises an `AwsError` whose sentence is safe to show.
    `is_chained` and `account_id` never wait: they raise an `AwsError` until AWS has said who the portal is.
    """

    @property
    def is_chained(self) -> bool:
        """Whether the portal's own credentials are a role session, which caps what it assumes at one hour."""

    @property
    def account_id(self) -> str:
        """The account that the portal works in."""

    @property
    def partition(self) -> str:
        """The AWS partition of that account: aws, aws-us-gov, aws-cn or aws-eusc."""

    def role_maximum(self, role_arn: str, deadline: Deadline) -> timedelta | None:
        """The role's own maximum session duration; None where it cannot be read."""

    def assume(self, session: RoleSession, *, attributed: bool, deadline: Deadline) -> Credentials:
        """Assume a role; without `attributed`, leave identity and tags out."""

    def destination(self, region: str, typed: str | None) -> str:
        """The console page to land on, in full; refuses with `InvalidRequest` what is not the AWS console."""

    def console_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:
        """A sign-in link for these keys that lands on `destination`, good for 15 minutes."""
