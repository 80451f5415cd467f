"""Manual remedies: the commands and template lines for changes that the portal is not allowed to make."""

import shlex
from dataclasses import dataclass
from datetime import timedelta

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change, as a command and as lines of infrastructure code."""

    command: str
    """A command of the AWS CLI, for an administrator of the account."""
    cloudformation: str
    terraform: str


def set_maximum(role_arn: str, maximum: timedelta) -> Remedy:
    """Return the remedy that sets a role's maximum session duration."""
    seconds = maximum // _SECOND
    name = role_arn.rpartition("/")[2]
    words = ("aws", "iam", "update-role", "--role-name", name, "--max-session-duration", str(seconds))
    return Remedy(
        command=shlex.join(words),
        cloudformation=f"MaxSessionDuration: {seconds}",
        terraform=f"max_session_duration = {seconds}",
    )
