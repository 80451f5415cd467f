"""Search, count and pagination within a listing."""

from collections import Counter
from collections.abc import Mapping, Sequence

from daypass.portal.inventory.arns import parse_resource
from daypass.portal.inventory.model import ORDER, Kind, Resource, ResourceArn
from daypass.portal.storage.pagination import Page, PageRequest, page_of_sorted


def position(named: ResourceArn) -> tuple[int, str]:
    """Return the sort key of a resource."""
    return ORDER[named.kind], named.arn


def search(resources: Sequence[Resource], words: str = "", kind: Kind | None = None) -> Sequence[Resource]:
    """Return the resources of *kind* that contain all *words* in name, ARN, kind or tags."""
    terms = words.casefold().split()
    if not terms and kind is None:
        return resources
    return [
        resource
        for resource in resources
        if (kind is None or resource.kind is kind) and _contains(resource, terms)
    ]


def count(resources: Sequence[Resource]) -> Mapping[Kind, int]:
    """Return the number of resources per kind, without empty kinds."""
    counts = Counter(resource.kind for resource in resources)
    return {kind: counts[kind] for kind in Kind if kind in counts}


def page_of(resources: Sequence[Resource], request: PageRequest) -> Page[Resource]:
    """Return the requested page of *resources*, which are sorted by `position`; a cursor is an ARN.

    Raises `InvalidRequest` for a cursor that is not the ARN of a resource.
    """
    return page_of_sorted(
        resources,
        request,
        key=lambda resource: position(resource.named),
        cursor_of=lambda resource: resource.arn,
        key_of_cursor=_position_of_arn,
    )


def _position_of_arn(arn: str) -> tuple[int, str] | None:
    named = parse_resource(arn)
    return None if named is None else position(named)


def _contains(resource: Resource, words: Sequence[str]) -> bool:
    if not words:
        return True
    tags = " ".join(f"{key} {value}" for key, value in resource.tags.items())
    text = f"{resource.arn} {resource.kind.plural} {tags}".casefold()
    return all(word in text for word in words)
