"""Search, count and pagination within a listing."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

from daypass.portal.errors import InvalidRequest
from daypass.portal.inventory.arns import parse_resource
from daypass.portal.inventory.model import ORDER, Kind, Resource, ResourceArn


def position(named: ResourceArn) -> tuple[int, str]:
    """Return the sort key of a resource."""
    return ORDER[named.kind], named.arn


def search(resources: Sequence[Resource], words: str = "", kind: Kind | None = None) -> Sequence[Resource]:
    """Return the resources of *kind* that contain all *words* in name, ARN, kind or tags."""
    wanted = words.casefold().split()
    if not wanted and kind is None:
        return resources
    return [
        resource
        for resource in resources
        if (kind is None or resource.kind is kind) and _contains(resource, wanted)
    ]


def count(resources: Sequence[Resource]) -> Mapping[Kind, int]:
    """Return the number of resources per kind, without empty kinds."""
    counts = Counter(resource.kind for resource in resources)
    return {kind: counts[kind] for kind in Kind if kind in counts}


def after(
    resources: Sequence[Resource], cursor: str | None, limit: int
) -> tuple[Sequence[Resource], str | None]:
    """Return the page after *cursor* and the cursor of the next page, or None on the last page.

    The cursor is an ARN, so pagination stays correct if the listing is read again in between.
    """
    start = 0
    if cursor is not None:
        last = parse_resource(cursor)
        if last is None:
            raise InvalidRequest("There is no such page. Start again at the first one.")
        start = bisect_right(resources, position(last), key=lambda resource: position(resource.named))
    page = resources[start : start + limit]
    return page, page[-1].arn if start + limit < len(resources) else None


def _contains(resource: Resource, words: Sequence[str]) -> bool:
    if not words:
        return True
    tags = " ".join(f"{key} {value}" for key, value in resource.tags.items())
    text = f"{resource.arn} {resource.kind.plural} {tags}".casefold()
    return all(word in text for word in words)
