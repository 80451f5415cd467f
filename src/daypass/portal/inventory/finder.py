"""The interface that hides AWS's tag search from the inventory; `portal/aws` fills it in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import Credentials
from daypass.portal.inventory.model import TaggedArn


@dataclass(frozen=True, slots=True)
class Query:
    """What AWS is to search for: resources of these services with this very tag."""

    region: str
    tag: str
    value: str
    services: Sequence[str]
    role_arn: str
    """Whose session asks; refusals name it."""


class ResourceFinder(Protocol):
    """Finds resources by their tags."""

    def pages(
        self, query: Query, credentials: Credentials, deadline: Deadline
    ) -> Iterator[Sequence[TaggedArn]]:
        """What AWS finds, page after page.

        Each page is there before the deadline, or an `AwsError` whose sentence is safe to show is raised.
        """
