"""The AWS services that tenants may use, for the channels; `portal/aws/fence` has the catalogue behind it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from daypass.portal.accounts.model import Generation


@dataclass(frozen=True, slots=True)
class TenantService:
    """An AWS service that tenants may use."""

    name: str
    """The name in the setting that limits a tenant to some services."""
    title: str
    category: str
    summary: str
    """The resources and actions that a tenant gets, as a sentence."""
    gaps: Sequence[str]
    """The accesses across tenants that IAM cannot prevent, as sentences."""
    since: Generation
    """The first generation of roles that may use it."""

    def is_usable(self, generation: Generation | None, limit: Collection[str] | None) -> bool:
        """Return whether a role of *generation* may use it; *limit* has the names that a setting allows.

        A generation of None is unknown, and counts as generation 2.
        """
        is_old = generation is not None and generation < self.since
        return not is_old and (limit is None or self.name in limit)
