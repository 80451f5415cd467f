"""The interface between the inventory and AWS's tag search; `portal/aws` implements it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from daypass.portal.access.broker import Deadline
from daypass.portal.access.model import Credentials
from daypass.portal.inventory.model import TaggedArn


@dataclass(frozen=True, slots=True)
class Query:
    """A search for the resources of these services with one tag."""

    region: str
    tag: str
    value: str
    services: Sequence[str]
    role_arn: str
    """The role whose session is used, for error messages."""


class ResourceFinder(Protocol):
    """Finds resources by their tags."""

    def pages(
        self, query: Query, credentials: Credentials, deadline: Deadline
    ) -> Iterator[Sequence[TaggedArn]]:
        """Yield the pages of the result, each before the deadline.

        Raises an `AwsError` whose message is safe to show.
        """
