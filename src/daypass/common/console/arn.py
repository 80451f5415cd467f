"""ARNs, split into their six fields."""

import re
from dataclasses import dataclass

MAX_LENGTH = 2048
"""The longest ARN that AWS documents (IAM)."""

# AWS's own resources, such as managed policies, have `aws` in place of an account.
_ARN = re.compile(r"arn:([a-z][a-z0-9-]*):([a-z][a-z0-9-]*):([a-z0-9-]*):([0-9]*|aws):(.+)")


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN and its fields; `region` and `account` are empty where the service leaves them out."""

    text: str
    partition: str
    service: str
    region: str
    account: str
    resource: str


def parse(text: str) -> Arn | None:
    """Return the fields of *text*, or None if it is not an ARN."""
    # The last field may have any characters, and the ARN is shown and recorded.
    if len(text) > MAX_LENGTH or not text.isprintable():
        return None
    match = _ARN.fullmatch(text)
    return None if match is None else Arn(text, *match.groups())
