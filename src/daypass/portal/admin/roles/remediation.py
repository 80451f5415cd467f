"""What somebody runs or writes where the portal itself may not: exact lines, for each way of doing it."""

import shlex
from dataclasses import dataclass
from datetime import timedelta

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Remedy:
    """The same change, as a command and as lines of code."""

    command: str
    """For the AWS CLI, by somebody who may."""
    cloudformation: str
    terraform: str


def set_maximum(role_arn: str, maximum: timedelta) -> Remedy:
    """Let sessions of a role last so long."""
    seconds = maximum // _SECOND
    name = role_arn.rpartition("/")[2]
    words = ("aws", "iam", "update-role", "--role-name", name, "--max-session-duration", str(seconds))
    return Remedy(
        command=shlex.join(words),
        cloudformation=f"MaxSessionDuration: {seconds}",
        terraform=f"max_session_duration = {seconds}",
    )
