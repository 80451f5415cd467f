"""A group in words, and the heading that all pages of one group share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daypass.portal.admin.groups.model import GroupRecord
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.http.pages.admin.groups.addresses import GROUPS

_KINDS = {MemberSource.LOCAL: "Local", MemberSource.CLAIM: "Claim", MemberSource.SCIM: "SCIM"}
_BY = {MemberSource.CLAIM: "a claim", MemberSource.SCIM: "SCIM"}
# Claims lapse without their provider, and groups by SCIM do not: see decision 0094.
_DETACHED = {
    MemberSource.CLAIM: "The group has lost its members, and gets none",
    MemberSource.SCIM: "The group keeps its members and what it gives them",
}
"""The consequence for a group whose provider sends no members any more."""


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """A reason why a provider's group does not get its members: a few words, and sentences with a remedy."""

    mark: str
    text: str
    is_detached: bool
    """The configuration takes no members from the provider, so nothing that happens there changes them."""


@dataclass(frozen=True, slots=True)
class GroupHeading:
    """A group as every page shows it."""

    record: GroupRecord
    kind: str
    """The label of its source."""
    provider: str
    """The provider's name for users; empty for a local group."""
    problem: SourceProblem | None

    @classmethod
    def of(
        cls, record: GroupRecord, providers: Mapping[str, ProviderConfig], now: datetime
    ) -> "GroupHeading":
        """Return the heading of a group; *providers* are the configured ones, by name."""
        group = record.group
        return cls(record, _KINDS[group.source], _title(group, providers), _problem(record, providers, now))

    @property
    def group(self) -> Group:
        """The group."""
        return self.record.group

    @property
    def source(self) -> str:
        """The source of its members, in words."""
        return f"{self.kind} of {self.provider}" if self.provider else self.kind

    @property
    def address(self) -> str:
        """The address of its page."""
        return f"{GROUPS}/{self.group.id}"


def _title(group: Group, providers: Mapping[str, ProviderConfig]) -> str:
    provider = providers.get(group.provider)
    return group.provider if provider is None else provider.title


def _problem(
    record: GroupRecord, providers: Mapping[str, ProviderConfig], now: datetime
) -> SourceProblem | None:
    group = record.group
    if group.is_local:
        return None
    provider = providers.get(group.provider)
    if provider is None:
        return SourceProblem(
            "Provider not configured",
            f"The identity provider “{group.provider}” is no longer configured. "
            f"{_DETACHED[group.source]}: delete it, or ask the portal's operator to configure the "
            "provider again.",
            is_detached=True,
        )
    if provider.groups.value != group.source.value:
        return SourceProblem(
            "Not synchronised",
            f"The configuration takes no groups by {_BY[group.source]} from {provider.title}. "
            f"{_DETACHED[group.source]}: delete it, or ask the portal's operator.",
            is_detached=True,
        )
    if record.is_unmatched(now):
        return SourceProblem(
            "No match for 30 days",
            "No sign-in had the group's value for 30 days. Check the value at the identity provider, or "
            "delete the group.",
            is_detached=False,
        )
    return None
