"""The interface to AWS that the core depends on; `portal/aws` implements it."""

from datetime import timedelta
from typing import NewType, Protocol

from daypass.portal.access.model import AssumeRoleParameters, Credentials
from daypass.portal.errors import AwsRefused
from daypass.portal.secret import Secret

Deadline = NewType("Deadline", float)
"""The time by which AWS must have answered, in seconds on the clock of `time.monotonic`."""

AWS_TIME_LIMIT = timedelta(seconds=8)
"""The time limit of all AWS calls for one request together."""


class RoleMaximumExceeded(AwsRefused):
    """The requested duration exceeds the role's own maximum; a shorter duration can succeed."""


class Broker(Protocol):
    """A source of role sessions and console links.

    Methods with a deadline return before it or raise an `AwsError`, whose message is safe to show to users.
    The properties never wait. They raise an `AwsError` until the portal's own AWS identity is known.
    """

    @property
    def is_chained(self) -> bool:
        """Whether the portal itself uses a role session; AWS limits sessions it assumes to one hour then."""

    @property
    def account_id(self) -> str:
        """The id of the AWS account that the portal works in."""

    @property
    def partition(self) -> str:
        """The AWS partition of that account: aws, aws-us-gov, aws-cn or aws-eusc."""

    def role_maximum(self, role_arn: str, deadline: Deadline) -> timedelta | None:
        """Return the role's maximum session duration, or None if it cannot be read."""

    def assume(self, session: AssumeRoleParameters, *, attributed: bool, deadline: Deadline) -> Credentials:
        """Assume a role, with source identity and session tags only if `attributed`."""

    def destination(self, region: str, typed: str | None) -> str:
        """Return the full URL of the console page to open.

        Raises `InvalidRequest` if *typed* is not a page of the AWS console.
        """

    def console_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:
        """Return a sign-in link for these credentials that opens `destination`; valid for 15 minutes."""
