"""Search, count and pagination within a listing."""

from collections import Counter
from collections.abc import Mapping, Sequence

from daypass.portal.inventory.kinds import ResourceKind, ResourceKinds
from daypass.portal.inventory.model import Resource
from daypass.portal.storage.pagination import Page, PageRequest, page_of_sorted


def search(
    resources: Sequence[Resource], words: str = "", kind: ResourceKind | None = None
) -> Sequence[Resource]:
    """Return the resources of *kind* that contain all *words* in name, ARN, kind or tags."""
    terms = words.casefold().split()
    if not terms and kind is None:
        return resources
    return [
        resource
        for resource in resources
        if (kind is None or resource.kind == kind) and _contains(resource, terms)
    ]


def count(resources: Sequence[Resource]) -> Mapping[ResourceKind, int]:
    """Return the number of resources per kind, without empty kinds; *resources* are sorted."""
    return Counter(resource.kind for resource in resources)


def page_of(kinds: ResourceKinds, resources: Sequence[Resource], request: PageRequest) -> Page[Resource]:
    """Return the requested page of *resources*, which are sorted by position; a cursor is an ARN.

    Raises `InvalidRequest` for a cursor that is not the ARN of a resource.
    """

    def position_of_arn(arn: str) -> tuple[str, str] | None:
        named = kinds.parse(arn)
        return None if named is None else named.position

    return page_of_sorted(
        resources,
        request,
        key=lambda resource: resource.named.position,
        cursor_of=lambda resource: resource.arn,
        key_of_cursor=position_of_arn,
    )


def _contains(resource: Resource, words: Sequence[str]) -> bool:
    if not words:
        return True
    tags = " ".join(f"{key} {value}" for key, value in resource.tags.items())
    text = f"{resource.arn} {resource.kind.plural} {tags}".casefold()
    return all(word in text for word in words)
