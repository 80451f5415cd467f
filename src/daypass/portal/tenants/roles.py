"""The IAM roles that tenants use, and the master role."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class RoleState:
    """A role as it is in AWS."""

    arn: str
    maximum: timedelta
    trust: Mapping[str, object]
    """The trust policy."""
    boundary_arn: str | None
    tags: Mapping[str, str]
