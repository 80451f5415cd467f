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


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """A reason why a provider's group does not get its members: a few words, and sentences with a remedy."""

    mark: str
    text: str


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
            f"The identity provider “{group.provider}” is no longer configured. The group keeps its "
            "members and what it gives them: delete it, or ask the portal's operator to configure the "
            "provider again.",
        )
    if provider.groups.value != group.source.value:
        return SourceProblem(
            "Not synchronised",
            f"The configuration takes no groups by {_BY[group.source]} from {provider.title}. The group "
            "keeps its members and what it gives them: delete it, or ask the portal's operator.",
        )
    if record.is_unmatched(now):
        return SourceProblem(
            "No match for 30 days",
            "No sign-in had the group's value for 30 days. Check the value at the identity provider, or "
            "delete the group.",
        )
    return None
