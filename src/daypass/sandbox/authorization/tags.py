"""The condition keys of the tags in a request, in every protocol and spelling of AWS's services."""

from collections.abc import Iterator
from typing import Any

from daypass.sandbox.authorization.call import Call

_TAG_MEMBERS = (
    "Tags",
    "tags",
    "TagList",
    "Tag",
    "tagSet",
    "TagsToAdd",
    "TagSpecification",
    "TagSpecifications",
)
_KEY_MEMBERS = ("TagKeys", "tagKeys", "TagKeyList", "tagKeyList", "TagsToRemove")
_KEY_NAMES = ("Key", "key", "TagKey")
_VALUE_NAMES = ("Value", "value", "TagValue")
_RESOURCE_TYPES = ("ResourceType", "resourceType")
# These name the keys to remove in the member for tags.
_REMOVALS = frozenset({"DeleteTags", "RemoveTags", "RemoveTagsFromCertificate", "UntagLogGroup"})


def tag_keys(call: Call, resource_type: str = "") -> dict[str, Any]:
    """Return `aws:RequestTag/…` and `aws:TagKeys` of *call*, as far as it tags that type of resource.

    EC2 specifies tags by type of resource; elsewhere all tags are for the one resource. `aws:TagKeys` is
    None if the request has no tags, which is how `Null` sees it.
    """
    tags = [tag for member in _TAG_MEMBERS for tag in _tags(call.members.get(member), resource_type)]
    names = [name for name, _ in tags]
    for member in _KEY_MEMBERS:
        listed = call.members.get(member)
        names += [str(name) for name in (listed if isinstance(listed, list) else [listed] if listed else [])]
    if call.operation in _REMOVALS and not names:
        names += [str(name) for name in call.members.get("tags", [])]
    keys: dict[str, Any] = {"aws:TagKeys": names or None}
    for name, value in tags:
        # Keys that differ in case only are one condition key with several values.
        key = f"aws:requesttag/{name.lower()}"
        previous = keys.get(key)
        earlier = previous if isinstance(previous, list) else [] if previous is None else [previous]
        keys[key] = [*earlier, value] if earlier else value
    return keys


def has_tags(call: Call, resource_type: str = "") -> bool:
    """Return whether *call* sets tags."""
    return any(name.startswith("aws:requesttag/") for name in tag_keys(call, resource_type))


def _tags(value: Any, resource_type: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401  JSON
    if isinstance(value, dict) and not _named(value, _KEY_NAMES):
        yield from ((str(name), str(text)) for name, text in value.items() if isinstance(text, str))
        return
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, dict):
            continue
        kind = _named(entry, _RESOURCE_TYPES)
        if kind and ("Tag" in entry or "Tags" in entry or "tags" in entry):
            if kind == resource_type:
                for member in ("Tag", "Tags", "tags"):
                    yield from _tags(entry.get(member), resource_type)
        elif name := _named(entry, _KEY_NAMES):
            yield name, _named(entry, _VALUE_NAMES)


def _named(entry: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((str(entry[name]) for name in names if name in entry), "")
