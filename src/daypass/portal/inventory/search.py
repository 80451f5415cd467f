"""Which part of a listing is looked at: by words, by kind, and page by page."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

from daypass.portal.errors import InvalidRequest
from daypass.portal.inventory.arns import parse_resource
from daypass.portal.inventory.model import ORDER, Kind, Resource, ResourceArn


def position(named: ResourceArn) -> tuple[int, str]:
    """Where a resource stands in every listing."""
    return ORDER[named.kind], named.arn


def search(resources: Sequence[Resource], words: str = "", kind: Kind | None = None) -> Sequence[Resource]:
    """The resources of *kind* in whose name, ARN, kind or tags every one of *words* occurs."""
    wanted = words.casefold().split()
    if not wanted and kind is None:
        return resources
    return [
        resource
        for resource in resources
        if (kind is None or resource.kind is kind) and _has(resource, wanted)
    ]


def count(resources: Sequence[Resource]) -> Mapping[Kind, int]:
    """How many there are of each kind, without those of which there are none."""
    found = Counter(resource.kind for resource in resources)
    return {kind: found[kind] for kind in Kind if kind in found}


def after(
    resources: Sequence[Resource], cursor: str | None, limit: int
) -> tuple[Sequence[Resource], str | None]:
    """The page behind *cursor*, and the cursor of the next one; None where this is the last.

    The cursor is an ARN, so that nothing is shown twice or left out when the listing was read again.
    """
    start = 0
    if cursor is not None:
        last = parse_resource(cursor)
        if last is None:
            raise InvalidRequest("There is no such page. Start again at the first one.")
        start = bisect_right(resources, position(last), key=lambda resource: position(resource.named))
    page = resources[start : start + limit]
    return page, page[-1].arn if start + limit < len(resources) else None


def _has(resource: Resource, words: Sequence[str]) -> bool:
    if not words:
        return True
    tags = " ".join(f"{key} {value}" for key, value in resource.tags.items())
    text = f"{resource.arn} {resource.kind.plural} {tags}".casefold()
    return all(word in text for word in words)
